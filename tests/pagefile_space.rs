//! Space: a file under random changes stays small, its commits go into few pieces, and what is moved on the way is not lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use sapwood::pagefile::{Error, Options, PageFile};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Random, SimDisk};

type Rows = BTreeMap<[u8; 8], Vec<u8>>;

fn options() -> Options {
    Options::new().page_size(512).grow_by(4096)
}

fn rows_of(file: &PageFile) -> Rows {
    file.view(|tx| {
        let bucket = tx.bucket("rows")?.unwrap();
        let mut rows = Rows::new();
        for row in &bucket {
            let (key, value) = row?;
            rows.insert(<[u8; 8]>::try_from(&key[..]).unwrap(), value.to_vec());
        }
        Ok::<_, Error>(rows)
    })
    .unwrap()
}

/// Loads rows at random keys and overwrites random ones, so many in each of so many commits.
fn churn(file: &PageFile, rows: usize, each: usize, commits: usize) -> Rows {
    let mut random = Random::new(7);
    let mut model = Rows::new();
    file.update(|tx| {
        let mut bucket = tx.create_bucket("rows")?;
        for _ in 0..rows {
            let key = random.next().to_be_bytes();
            bucket.put(key, [1; 24])?;
            model.insert(key, vec![1; 24]);
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let keys: Vec<[u8; 8]> = model.keys().copied().collect();
    for i in 0..commits {
        file.update(|tx| {
            let mut bucket = tx.bucket_or_create("rows")?;
            for _ in 0..each {
                let key = keys[random.below(keys.len())];
                let value = vec![i as u8; 24];
                bucket.put(key, &value)?;
                model.insert(key, value);
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    }
    model
}

/// Proves that random overwrites leave a file that is mostly in use, whose commits go into few pieces with one sync each, and
/// that moving leaves loses and doubles nothing.
#[test]
fn random_overwrites_keep_the_file_small_and_whole() {
    let disk = SimDisk::default();
    let file = options().open_storage(Box::new(disk.clone())).unwrap();
    let model = churn(&file, 20_000, 40, 700);
    assert!(rows_of(&file) == model);
    let report = file.check().unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    let before = file.stats();
    let used = report.leaf_pages + report.branch_pages;
    // A third of the file may be free before it is taken page by page, and what the last commits replaced.
    assert!(before.pages * 10 < used * 18, "{before:?}, {used} used");
    let mut random = Random::new(8);
    let keys: Vec<[u8; 8]> = model.keys().copied().collect();
    for _ in 0..50 {
        file.update(|tx| {
            let mut bucket = tx.bucket_or_create("rows")?;
            for _ in 0..40 {
                bucket.put(keys[random.below(keys.len())], [9; 24])?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    }
    let after = file.stats();
    assert_eq!(after.syncs - before.syncs, 50);
    // The pieces, the meta, and rarely zeros to grow; scattered pages would make a hundred.
    assert!((after.writes - before.writes) / 50 <= 21, "{after:?}");
    let now = rows_of(&file);
    file.close().unwrap();
    assert!(rows_of(&disk.open().unwrap()) == now);
}

/// Proves that what is moved, and where to, follows from the operations alone.
#[test]
fn same_changes_make_the_same_bytes() {
    let image = || {
        let disk = SimDisk::default();
        let file = options().open_storage(Box::new(disk.clone())).unwrap();
        churn(&file, 5_000, 40, 200);
        disk.image()
    };
    assert!(image() == image());
}

/// Proves that the tree of buckets is found again whether it lies in the meta or in pages, and while it goes from one to the other and back.
#[test]
fn tree_of_buckets_moves_between_meta_and_pages() {
    let disk = SimDisk::default();
    let mut file = options().open_storage(Box::new(disk.clone())).unwrap();
    let (mut in_meta, mut in_pages) = (0, 0);
    for round in 0..60u32 {
        let count = round % 20;
        file.update(|tx| {
            let names = tx.buckets().map(|name| Ok(name?.to_vec()));
            let names: Vec<Vec<u8>> = names.collect::<Result<_, Error>>()?;
            for name in names.iter().skip(count as usize) {
                tx.delete_bucket(name)?;
            }
            for i in 0..count {
                let mut bucket = tx.bucket_or_create(format!("bucket {i:02}"))?;
                bucket.put("round", round.to_be_bytes())?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
        if round % 3 == 0 {
            drop(file);
            file = disk.open().unwrap();
        }
        let tx = file.begin_read();
        assert_eq!(tx.bucket_count(), u64::from(count));
        for i in 0..count {
            let bucket = tx.bucket(format!("bucket {i:02}")).unwrap().unwrap();
            let found = bucket.get("round").unwrap().unwrap();
            assert_eq!(*found, round.to_be_bytes());
        }
        let report = file.check().unwrap();
        assert!(report.is_clean(), "{:?}", report.problems);
        if report.leaf_pages == u64::from(count) {
            in_meta += 1;
        } else {
            in_pages += 1;
        }
    }
    assert!(in_meta > 15 && in_pages > 15, "{in_meta} {in_pages}");
}
