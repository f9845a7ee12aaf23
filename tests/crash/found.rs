//! Which state holds: of two slots, of a commit that was lost and done again, after closing.

use sapwood::pagefile::{Options, PageFile};

use super::{
    faults::{
        disk::{Disk, Op, apply, put},
        state::read,
    },
    sim::{CRASHES, Crash, Failure, Model, SimDisk, change, contents},
};

/// Opens, reads and checks; none of that may write.
pub(crate) fn open_clean(disk: &SimDisk, what: &str) -> (PageFile, Model) {
    let ops = disk.ops();
    let file = disk
        .open()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let model = contents(&file).unwrap_or_else(|error| panic!("{what}: {error}"));
    let report = file
        .check()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(report.is_clean(), "{what}: {:?}", report.problems);
    assert_eq!(disk.ops(), ops, "{what}: recovery has written");
    (file, model)
}

/// Proves that a commit which was lost in a crash never comes back, also where the same pages are written again: of the first try only the meta
/// arrives, of the second try, the very same transaction, only the pages.
#[test]
fn lost_commit_does_not_come_back() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    for seed in 0..8 {
        change(&file, &mut model, seed).unwrap();
    }
    let mut lost = model.clone();
    let size = file.stats().file_bytes;
    disk.fail(Some(Failure {
        at: disk.ops() + 2,
        forever: true,
    }));
    assert!(change(&file, &mut lost, 8).is_err());
    assert_eq!(
        file.stats().file_bytes,
        size,
        "the third operation was not the sync"
    );
    let disk = disk.crash(Crash::OnlyLast, 1);
    let (file, found) = open_clean(&disk, "after the first crash");
    assert_eq!(found, model);
    // Nor is its number given to another one.
    let seen = number(&disk, 0).max(number(&disk, 1));
    let twin = SimDisk::of(disk.image()).open().unwrap();
    let next = change(&twin, &mut found.clone(), 9).unwrap();
    assert!(next > seen, "{next}, and {seen} was seen");
    disk.fail(Some(Failure {
        at: disk.ops() + 1,
        forever: true,
    }));
    assert!(change(&file, &mut lost, 8).is_err());
    let (_, found) = open_clean(&disk.crash(Crash::All, 1), "after the second crash");
    assert_eq!(
        found, model,
        "a commit that was seen to be lost has come back"
    );
}

/// Proves that a closed file holds its state twice, and that closing can crash anywhere.
#[test]
fn closing_loses_nothing() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    for seed in 0..9 {
        change(&file, &mut model, seed).unwrap();
    }
    let twin = SimDisk::of(disk.image());
    file.close().unwrap();
    for slot in [0, 4096] {
        let mut image = disk.image();
        image[slot..slot + 512].fill(0);
        assert_eq!(open_clean(&SimDisk::of(image), "one slot").1, model);
    }
    for crash in CRASHES {
        for seed in 0..10 {
            let disk = SimDisk::of(twin.image());
            let file = disk.open().unwrap();
            disk.fail(Some(Failure {
                at: disk.ops() + 1,
                forever: true,
            }));
            assert!(file.close().is_err());
            assert_eq!(
                open_clean(&disk.crash(crash, seed), "while closing").1,
                model
            );
        }
    }
}

/// Proves that at every moment both metas lead to a whole state: should the newest one be lost with its slot, even in the midst of the next commit,
/// the state before it is all there; also where the file was opened again since.
#[test]
fn older_state_stays_whole() {
    for until in 2..25 {
        for (at, is_reopened) in (0..4)
            .map(|at| (at, false))
            .chain((0..5).map(|at| (at, true)))
        {
            let disk = SimDisk::default();
            let mut file = disk.open().unwrap();
            let mut models = vec![Model::new()];
            let mut model = Model::new();
            let mut seed = 0;
            while models.len() <= until {
                // A transaction that happens to change nothing makes no commit.
                let number = change(&file, &mut model, seed).unwrap();
                seed += 1;
                models.resize(number as usize + 1, model.clone());
            }
            if is_reopened {
                drop(file);
                file = disk.open().unwrap();
            }
            // The next commit gets as far as its meta, without it.
            disk.fail(Some(Failure {
                at: disk.ops() + at,
                forever: true,
            }));
            let meta_is_written = (0..2).map(|slot| number(&disk, slot)).max();
            let _ = change(&file, &mut model, seed);
            if (0..2).map(|slot| number(&disk, slot)).max() != meta_is_written {
                continue;
            }
            let mut image = disk.image();
            let newest = (0..2).max_by_key(|slot| number(&disk, *slot)).unwrap() * 4096;
            image[newest..newest + 512].fill(0);
            let (_, found) = open_clean(&SimDisk::of(image), "the newest slot is lost");
            assert_eq!(found, models[until - 1], "commit {until}, operation {at}");
        }
    }
}

/// The commit number in a slot, where the format has it.
fn number(disk: &SimDisk, slot: usize) -> u64 {
    let at = slot * 4096 + 16;
    u64::from_le_bytes(disk.image()[at..at + 8].try_into().unwrap())
}

/// Proves that a lost commit does not come back where what it lacks is written by another one: of the first, all arrives but one sector; of the second,
/// into the same pages, that one sector alone, whose bytes are the same. Only the first sector of a page or of a value's run tells the commits apart.
#[test]
fn lost_commit_is_not_completed_by_another() {
    let commit = |file: &PageFile, key: &str, first: u8| {
        // The end of the value is the same.
        let mut value = vec![7; 5000];
        value[..100].fill(first);
        file.update(|tx| tx.bucket_or_create("b")?.put(key, value))
    };
    let disk = Disk::default();
    let options = Options::new().page_size(512).grow_by(65_536);
    let open = |disk: &Disk| options.open_storage(Box::new(disk.clone())).unwrap();
    let file = open(&disk);
    commit(&file, "before", 1).unwrap();
    file.update(|tx| tx.bucket_or_create("b")?.put("small", "2"))
        .unwrap();
    let before = (disk.image(), read(&file).unwrap());
    disk.take_ops();
    commit(&file, "large", 3).unwrap();
    let lost = disk.take_ops();
    let mut tried = 0;
    for sector in (8192..disk.image().len()).step_by(512) {
        let mut image = disk.image();
        let old = &before.0[sector..sector + 512];
        if image[sector..sector + 512] == *old {
            continue;
        }
        image[sector..sector + 512].copy_from_slice(old);
        let again = Disk::of(image.clone());
        let file = open(&again);
        assert_eq!(read(&file).unwrap(), before.1, "the commit is not lost");
        commit(&file, "large", 4).unwrap();
        let after = read(&file).unwrap();
        // Each sync is a barrier: before it everything has arrived, behind it nothing but the sector.
        let ops = again.take_ops();
        for end in 0..ops.len() {
            let synced = ops[..end].iter().rposition(|op| matches!(op, Op::Sync));
            let mut image = image.clone();
            for op in &ops[..synced.unwrap_or(0)] {
                apply(&mut image, op);
            }
            for op in &ops[synced.unwrap_or(0)..end] {
                if let Op::Write { offset, bytes } = op
                    && let Some(at) = sector.checked_sub(*offset)
                    && let Some(arrived) = bytes.get(at..at + 512)
                {
                    put(&mut image, sector, arrived);
                    tried += 1;
                }
            }
            let found = read(&open(&Disk::of(image))).unwrap();
            assert!(
                found == before.1 || found == after,
                "sector {sector}: it has come back"
            );
        }
    }
    assert!(tried > 3 && !lost.is_empty(), "{tried}");
}

/// Proves that a commit in the log that a crash interrupted does not come back where what it lacks is written by another one: of the first, its first sector has arrived; of the second,
/// in the same page, which was in use before, all but that, and behind both there are only zeros.
#[test]
fn torn_group_is_not_completed_by_another() {
    let options = Options::new().log_size(64 * 1024).initial_size(4 << 20);
    let open = |disk: &Disk| options.open_storage(Box::new(disk.clone())).unwrap();
    let put_one = |file: &PageFile, value: &str| {
        file.update(|tx| tx.bucket_or_create("b")?.put("key", value))
            .unwrap();
    };
    let disk = Disk::default();
    let file = open(&disk);
    put_one(&file, "made the log");
    put_one(&file, "before");
    assert!(file.stats().log_bytes > 0);
    let before = (disk.image(), read(&file).unwrap());
    disk.take_ops();
    put_one(&file, "lost");
    let Some(Op::Write { offset, bytes }) = disk.take_ops().into_iter().next() else {
        panic!("a commit into the log begins with a write");
    };
    let mut torn = before.0.clone();
    torn[offset..offset + bytes.len()].fill(0xAA);
    put(&mut torn, offset, &bytes[..512]);
    let again = Disk::of(torn.clone());
    let file = open(&again);
    assert_eq!(read(&file).unwrap(), before.1, "the commit is not lost");
    put_one(&file, "after");
    let after = read(&file).unwrap();
    let ops = again.take_ops();
    for end in 0..=ops.len() {
        // Each sync is a barrier: before it everything has arrived, behind it all but the first sector.
        let synced = ops[..end].iter().rposition(|op| matches!(op, Op::Sync));
        let synced = synced.map_or(0, |last| last + 1);
        let mut image = torn.clone();
        for op in &ops[..synced] {
            apply(&mut image, op);
        }
        for op in &ops[synced..end] {
            if let Op::Write { offset, bytes } = op {
                // One that is not longer than a sector is that sector.
                let rest = bytes.get(512..).unwrap_or_default();
                put(&mut image, offset + 512, rest);
            }
        }
        let found = read(&open(&Disk::of(image))).unwrap();
        assert!(
            found == before.1 || found == after,
            "operation {end}: it has come back"
        );
    }
}
