//! Making a file smaller where it lies: nothing is lost, no reader is disturbed, and a crash at any point leaves what was there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::ops::ControlFlow;

use sapwood::pagefile::{Error, HeldBack, Options, PageFile, ReadTxn, ShrinkOptions, Shrunk};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{
    CRASHES, Crash, Failure, Model, Random, SimDisk, change, contents, contents_of, filled, options,
};

/// Buckets in one another with rows of all sizes, of which most are deleted again, here and there.
fn churned(file: &PageFile, rows: usize, kept: usize) -> Model {
    let mut random = Random::new(rows as u64);
    let mut tx = file.begin_write().unwrap();
    for i in 0..rows {
        let path: &[&[u8]] = match i % 4 {
            0 => &[b"a"],
            1 => &[b"a", b"in"],
            2 => &[b"a", b"in", b"deep"],
            _ => &[b"b"],
        };
        let len = match random.below(40) {
            0 => 2000,
            1 => 700,
            other => [3, 20, 40, 100, 128, 129][other % 6],
        };
        let value = filled(len, random.next());
        let mut bucket = tx.bucket_or_create_at(path).unwrap();
        bucket.put(format!("key-{i:05}"), value).unwrap();
        if random.below(20) == 0 {
            tx.commit().unwrap();
            tx = file.begin_write().unwrap();
        }
    }
    tx.commit().unwrap();
    let mut model = contents(file).unwrap();
    for (path, rows) in &mut model {
        let path: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let mut tx = file.begin_write().unwrap();
        let mut bucket = tx.bucket_mut_at(&path).unwrap().unwrap();
        rows.retain(|key, _| {
            let stays = random.below(100) < kept;
            assert!(stays || bucket.delete(key).unwrap());
            stays
        });
        tx.commit().unwrap();
    }
    model
}

fn assert_clean(file: &PageFile, what: &str) {
    let report = file.check().unwrap();
    assert!(report.is_clean(), "{what}: {:?}", report.problems);
}

/// The pages that the newest state has.
fn used(file: &PageFile) -> u64 {
    let report = file.check().unwrap();
    report.branch_pages + report.leaf_pages + report.value_pages
}

fn in_steps_of(bytes: u64) -> ShrinkOptions {
    ShrinkOptions::new().spare(0).step(bytes)
}

fn go_on(_: &Shrunk) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Proves that a file of which most was deleted ends up little longer than what is in it, that all of that is still there, and that commits
/// go on in it, also where it has to grow again.
#[test]
fn file_becomes_as_small_as_what_is_in_it() {
    for kept in [0, 5, 30, 60] {
        let disk = SimDisk::default();
        let file = disk.open().unwrap();
        let mut model = churned(&file, 1500, kept);
        let before = file.stats();
        let shrunk = file.shrink_with(&in_steps_of(16 * 1024), go_on).unwrap();
        let after = file.stats();
        assert_eq!(shrunk.bytes_before, before.file_bytes);
        assert_eq!(shrunk.bytes_after, after.file_bytes);
        assert_eq!(disk.image().len() as u64, after.file_bytes);
        assert_eq!(shrunk.commits, after.commits - before.commits);
        // A value of several pages may find no hole that holds it.
        let is_stuck = shrunk.held_back == Some(HeldBack::NoRoom);
        assert!(is_stuck || shrunk.held_back.is_none(), "{kept}: {shrunk:?}");
        assert_eq!(contents(&file).unwrap(), model, "{kept}");
        assert_clean(&file, "after shrinking");
        let most = (16 + used(&file)) * 512 * 23 / 20 + 16 * 512;
        assert!(after.file_bytes <= most, "{kept}: {shrunk:?}, {most}");
        assert_eq!(
            (after.free_tail_pages, after.durable_commit),
            (0, after.commit)
        );
        for seed in 0..40 {
            change(&file, &mut model, seed).unwrap();
        }
        assert_clean(&file, "after more commits");
        assert!(file.stats().file_bytes > after.file_bytes);
        drop(file);
        assert_eq!(contents(&disk.open().unwrap()).unwrap(), model);
    }
}

/// Proves that a file in which there is nothing to gain is left alone but for its metas, and that a second shrinking finds nothing to do.
#[test]
fn nothing_is_moved_for_nothing() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let shrunk = file.shrink().unwrap();
    assert_eq!(
        (shrunk.pages_moved, shrunk.commits, shrunk.held_back),
        (0, 0, None)
    );
    churned(&file, 1500, 20);
    file.shrink().unwrap();
    let image = disk.image();
    let shrunk = file.shrink().unwrap();
    assert_eq!((shrunk.pages_moved, shrunk.commits), (0, 0));
    assert_eq!(shrunk.bytes_after, shrunk.bytes_before);
    assert!(disk.image() == image);
}

/// Proves that who asks for less gets less: a share may stay free, commits and their size are bounded, and `progress` ends it. In each case the file is
/// sound, and a later call does the rest.
#[test]
fn shrinking_stops_where_it_is_told() {
    let fresh = || {
        let disk = SimDisk::default();
        let file = disk.open().unwrap();
        let model = churned(&file, 1500, 30);
        (file, model)
    };
    let (file, model) = fresh();
    let whole = file.stats().file_bytes;
    let shrunk = file
        .shrink_with(&ShrinkOptions::new().spare(90), go_on)
        .unwrap();
    assert_eq!((shrunk.pages_moved, shrunk.held_back), (0, None));
    let mut seen = Vec::new();
    let shrunk = file
        .shrink_with(&in_steps_of(8 * 1024), |done| {
            seen.push(*done);
            if seen.len() == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(shrunk.held_back, Some(HeldBack::Stopped));
    assert_eq!((seen.len(), shrunk.commits), (3, 3));
    assert!(
        seen.windows(2)
            .all(|two| two[0].pages_moved < two[1].pages_moved)
    );
    let (one, other) = (file, fresh().0);
    let options = in_steps_of(8 * 1024);
    let shrunk = other.shrink_with(&options.commits(2), go_on).unwrap();
    assert_eq!(shrunk.held_back, Some(HeldBack::Stopped));
    assert!(
        shrunk.commits <= 2 && shrunk.bytes_after < shrunk.bytes_before,
        "{shrunk:?}"
    );
    for file in [one, other] {
        assert_eq!(contents(&file).unwrap(), model);
        let shrunk = file.shrink_with(&options, go_on).unwrap();
        assert_ne!(shrunk.held_back, Some(HeldBack::Stopped));
        assert!(shrunk.bytes_after < whole * 2 / 3, "{shrunk:?} of {whole}");
        assert_eq!(contents(&file).unwrap(), model);
        assert_clean(&file, "after the rest");
    }
}

/// Proves that a crash at any operation, with any part of what is pending, the new length or the old one, leaves exactly what was in the file; and that
/// commits, which also make it grow again, and another crash are borne from there.
#[test]
fn crash_in_shrinking_loses_nothing() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = churned(&file, 250, 30);
    // The other slot holds a state that reaches to the end, and the last commit is not verified yet.
    change(&file, &mut model, 3).unwrap();
    drop(file);
    let image = disk.image();
    let mut is_whole = [0, 0];
    for at in 0.. {
        let disk = SimDisk::of(image.clone());
        let file = disk.open().unwrap();
        disk.fail(Some(Failure {
            at: disk.ops() + at,
            forever: true,
        }));
        let outcome = file.shrink_with(&in_steps_of(8 * 1024), go_on);
        for (i, crash) in (0..).zip(CRASHES.into_iter().chain([Crash::Suffix, Crash::Subset])) {
            let seed = at as u64 * 16 + i;
            let what = format!("operation {at}, {crash:?}, seed {seed}");
            let found = disk.crash(crash, seed);
            is_whole[usize::from(found.image().len() < image.len())] += 1;
            let file = found
                .open()
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(contents(&file).unwrap() == model, "{what}");
            assert_clean(&file, &what);
            let mut next = model.clone();
            found.fail(Some(Failure {
                at: found.ops() + seed as usize % 5,
                forever: true,
            }));
            let outcome = change(&file, &mut next, 1000 + seed);
            let again = found.crash(CRASHES[seed as usize % 8], seed);
            let file = again
                .open()
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_clean(&file, &what);
            let left = contents(&file).unwrap();
            // Of a commit that failed the model does not know what it was to change.
            assert!(left == next || outcome.is_err(), "{what}");
        }
        if outcome.is_ok() {
            break;
        }
    }
    assert!(is_whole.iter().all(|images| *images > 10), "{is_whole:?}");
}

/// Proves that the file can be written again at once after it was cut, and that a crash then finds the cut or not, and never a state that is cut
/// with it: commits that grow the file follow before anything was synced.
#[test]
fn growing_after_a_cut_survives_crashes() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    churned(&file, 600, 5);
    file.shrink_with(&in_steps_of(64 * 1024), go_on).unwrap();
    let model = contents(&file).unwrap();
    drop(file);
    let image = disk.image();
    for at in 0..24 {
        for (seed, crash) in (0..).zip(CRASHES) {
            let disk = SimDisk::of(image.clone());
            let file = disk.open().unwrap();
            disk.fail(Some(Failure {
                at: disk.ops() + at,
                forever: true,
            }));
            let mut states = vec![model.clone()];
            let mut acknowledged = 0;
            for round in 0..6u8 {
                let mut next = states[states.len() - 1].clone();
                let key = [round].to_vec();
                let value = filled(9_000, u64::from(round));
                let outcome = file.update(|tx| tx.bucket_or_create("b")?.put(&key, &value));
                next.entry(b"b".to_vec()).or_default().insert(key, value);
                states.push(next);
                match outcome {
                    Ok(_) => acknowledged = states.len() - 1,
                    Err(_) => break,
                }
            }
            let found = disk.crash(crash, at as u64 * 8 + seed).open().unwrap();
            assert_clean(&found, "after the crash");
            let found = contents(&found).unwrap();
            assert!(states[acknowledged..].contains(&found), "{at} {crash:?}");
        }
    }
}

/// Proves that after every way to get shorter each slot alone leads to the newest state: also where the file was closed before, so that both slots held it
/// already, one of them with another length.
#[test]
fn both_slots_lead_to_the_shorter_file() {
    for way in 0..4 {
        let disk = SimDisk::default();
        let mut file = disk.open().unwrap();
        let mut model = churned(&file, 600, 100);
        // So much that it lies at the end, and too little to be given back by itself.
        file.update(|tx| tx.create_bucket("big")?.put("a", vec![1; 30_000]))
            .unwrap();
        file.update(|tx| tx.delete_bucket("big")).unwrap();
        if way > 0 {
            file.close().unwrap();
            file = disk.open().unwrap();
        }
        if way > 1 {
            change(&file, &mut model, 1).unwrap();
        }
        let options = in_steps_of(1 << 20).commits(way / 2);
        let shrunk = file.shrink_with(&options, go_on).unwrap();
        assert!(shrunk.bytes_after < shrunk.bytes_before, "{shrunk:?}");
        for slot in [0, 4096] {
            let mut image = disk.image();
            image[slot..slot + 512].fill(0);
            let file = SimDisk::of(image).open().unwrap();
            assert_eq!(contents(&file).unwrap(), model, "{way}, {slot}");
            assert_clean(&file, "by one slot");
        }
    }
}

/// Readers of states, with what they must go on to see.
struct Readers(Vec<(ReadTxn, Model)>);

impl Readers {
    fn assert_undisturbed(&self) {
        for (reader, model) in &self.0 {
            assert_eq!(&contents_of(reader).unwrap(), model);
        }
    }
}

/// Proves, on a mapped file and on storage, with commits, shrinkings, closings and readers in any order, that every reader sees its state to the end, that the
/// file holds the newest one, and that it is shrunk once the readers are gone.
#[test]
fn readers_and_commits_go_on_beside_shrinking() {
    let mut shorter = 0;
    for seed in 0..12u64 {
        let dir = tempfile::tempdir().unwrap();
        let options = options().grow_by(4096);
        let disk = SimDisk::default();
        let open = || {
            if seed % 3 == 0 {
                options.open_storage(Box::new(disk.clone())).unwrap()
            } else {
                options.open(dir.path().join("file")).unwrap()
            }
        };
        let mut file = open();
        let mut random = Random::new(seed + 77);
        let mut model = churned(&file, 300, 40);
        let mut readers = Readers(Vec::new());
        for round in 0..120u64 {
            match random.below(12) {
                0..5 => {
                    change(&file, &mut model, seed * 1000 + round).unwrap();
                }
                5 | 6 => readers.0.push((file.begin_read(), model.clone())),
                7 | 8 if !readers.0.is_empty() => {
                    let gone = random.below(readers.0.len());
                    readers.0.swap_remove(gone);
                }
                9 => {
                    let step = [512, 4096, 65_536][random.below(3)];
                    let shrunk = file.shrink_with(&in_steps_of(step), go_on).unwrap();
                    assert!(shrunk.bytes_after <= shrunk.bytes_before);
                    shorter += u64::from(shrunk.bytes_after < shrunk.bytes_before);
                }
                10 if readers.0.is_empty() => {
                    file.close().unwrap();
                    file = open();
                }
                _ => {
                    let mut tx = file.begin_write().unwrap();
                    tx.bucket_or_create("big")
                        .unwrap()
                        .put("a", filled(30_000, round))
                        .unwrap();
                    tx.commit_unsynced().unwrap();
                    file.update(|tx| tx.delete_bucket("big")).unwrap();
                    model.remove(&b"big"[..]);
                }
            }
            readers.assert_undisturbed();
            assert_eq!(
                contents(&file).unwrap(),
                model,
                "seed {seed}, round {round}"
            );
            assert_clean(&file, &format!("seed {seed}, round {round}"));
        }
        readers.0.clear();
        let shrunk = file.shrink_with(&in_steps_of(4096), go_on).unwrap();
        assert!(!matches!(shrunk.held_back, Some(HeldBack::Reader { .. })));
        let most = (16 + used(&file)) * 512 * 23 / 20 + 16 * 512;
        assert!(shrunk.bytes_after <= most, "{shrunk:?}, {most}");
    }
    assert!(shorter > 30, "{shorter}");
}

/// Proves that a reader which holds the end, or only a map of it, is named as what holds it back, that it can go on to read all that it sees, and that
/// the file is cut when it is gone.
#[test]
fn reader_that_holds_the_end_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = PageFile::open(&path).unwrap();
    let value = filled(3_000_000, 1);
    file.update(|tx| {
        tx.create_bucket("front")?.put("a", &value)?;
        tx.create_bucket("end")?.put("a", &value)
    })
    .unwrap();
    let old = file.begin_read();
    file.update(|tx| tx.delete_bucket("front")).unwrap();
    let new = file.begin_read();
    let shrunk = file.shrink().unwrap();
    let held = Some(HeldBack::Reader {
        commit: old.commit_number(),
    });
    assert_eq!(shrunk.held_back, held);
    let read = |tx: &ReadTxn, bucket: &str| -> bool {
        let bucket = tx.bucket(bucket).unwrap().unwrap();
        *bucket.get("a").unwrap().unwrap() == value[..]
    };
    assert!(read(&old, "front") && read(&old, "end") && read(&new, "end"));
    drop(old);
    let shrunk = file.shrink().unwrap();
    assert!(
        matches!(shrunk.held_back, Some(HeldBack::Reader { commit }) if commit >= new.commit_number())
    );
    assert!(read(&new, "end"));
    drop(new);
    // Now nothing is left to be moved.
    let shrunk = file.shrink().unwrap();
    assert_eq!(shrunk.held_back, None);
    assert!(shrunk.bytes_after < 3_300_000, "{shrunk:?}");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), shrunk.bytes_after);
    assert!(read(&file.begin_read(), "end"));
    assert_clean(&file, "in the end");
}

/// Proves that other writers and readers on other threads go on while the file is shrunk again and again.
#[test]
fn threads_go_on_beside_shrinking() {
    let dir = tempfile::tempdir().unwrap();
    let file = Options::new().open(dir.path().join("file")).unwrap();
    let put = |round: u64| {
        file.update(|tx| {
            let mut bucket = tx.bucket_or_create([round as u8 % 4])?;
            for key in 0..40u64 {
                let key = (key * 7 + round).to_be_bytes();
                bucket.put(key, filled(round as usize % 5000, round))?;
            }
            if round % 8 == 7 {
                tx.delete_bucket([(round / 8) as u8 % 4])?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    };
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..300).for_each(put));
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let tx = file.begin_read();
                    let first = contents_of(&tx).unwrap();
                    assert!(contents_of(&tx).unwrap() == first);
                }
            });
        }
        while !writer.is_finished() {
            file.shrink_with(&in_steps_of(32 * 1024), go_on).unwrap();
        }
    });
    assert_clean(&file, "after all threads");
    let shrunk = file.shrink().unwrap();
    assert_eq!(shrunk.held_back, None);
    assert_clean(&file, "in the end");
}

/// Proves that a disk which refuses to shorten the file costs an error and nothing else, whether it has done it or not.
#[test]
fn refused_cut_poisons_nothing() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = churned(&file, 400, 20);
    let mut refused = false;
    for at in 0.. {
        let twin = SimDisk::of(disk.image());
        let file = twin.open().unwrap();
        let first = twin.ops();
        twin.fail(Some(Failure {
            at: first + at,
            forever: false,
        }));
        match file.shrink_with(&in_steps_of(1 << 20), go_on) {
            Err(Error::Io {
                action: "shorten", ..
            }) => {
                refused = true;
                let mut next = model.clone();
                for seed in 0..30 {
                    change(&file, &mut next, seed).unwrap();
                }
                assert_clean(&file, "after the refusal");
                let shrunk = file.shrink().unwrap();
                assert!(shrunk.bytes_after < disk.image().len() as u64);
                assert_eq!(contents(&file).unwrap(), next);
            }
            Err(_) => assert!(matches!(file.begin_write(), Err(Error::Poisoned))),
            Ok(_) => break,
        }
        assert_clean(&twin.open().unwrap(), "opened again");
    }
    assert!(refused);
    change(&file, &mut model, 1).unwrap();
}

/// Proves that a damaged page ends the shrinking with an error that names it, and that what can be read stays readable.
#[test]
fn damage_is_reported() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    churned(&file, 400, 30);
    file.close().unwrap();
    let mut refused = 0;
    for page in 16..disk.image().len() / 512 {
        let mut image = disk.image();
        image[page * 512 + 40] ^= 1;
        let file = SimDisk::of(image).open().unwrap();
        match file.shrink() {
            // The page is free, or part of a value that stays where it is.
            Ok(_) => {
                let problems = file.check().unwrap().problems;
                let is_it = |problem: &Error| matches!(problem, Error::Corrupted { .. });
                assert!(
                    problems.len() < 2 && problems.iter().all(is_it),
                    "{problems:?}"
                );
            }
            Err(Error::Corrupted { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 20);
}

/// Proves that a file that is read only, or poisoned, is refused.
#[test]
fn refusals() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    drop(PageFile::open(&path).unwrap());
    let reader = Options::new().read_only(true).open(&path).unwrap();
    assert!(matches!(reader.shrink(), Err(Error::ReadOnly)));
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    disk.fail(Some(Failure {
        at: disk.ops(),
        forever: false,
    }));
    assert!(change(&file, &mut Model::new(), 1).is_err());
    assert!(matches!(file.shrink(), Err(Error::Poisoned)));
}
