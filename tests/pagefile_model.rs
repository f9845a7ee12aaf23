//! A page file holds what was put into it: a comparison with ordinary maps.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, ops::Bound};

use proptest::prelude::*;
use sapwood::pagefile::{Bucket, Error, Options, PageFile, ReadTxn};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Model, contents, filled, options};

#[derive(Clone, Debug)]
enum Op {
    Put {
        bucket: u8,
        key: u16,
        kind: u8,
        len: u16,
    },
    Delete {
        bucket: u8,
        key: u16,
        kind: u8,
    },
    DeleteRange {
        bucket: u8,
        from: u16,
    },
    Fill {
        bucket: u8,
        from: u16,
    },
    Create {
        bucket: u8,
    },
    DeleteBucket {
        bucket: u8,
    },
    Sequence {
        bucket: u8,
    },
}

#[derive(Clone, Debug)]
struct Txn {
    ops: Vec<Op>,
    abort: bool,
    hold: bool,
    reopen: bool,
}

fn op() -> impl Strategy<Value = Op> {
    let bucket = 0u8..3;
    let len = prop_oneof![4 => 0u16..60, 2 => 100u16..140, 1 => 400u16..3000];
    prop_oneof![
        10 => (bucket.clone(), 0u16..200, 0u8..20, len)
            .prop_map(|(bucket, key, kind, len)| Op::Put { bucket, key, kind, len }),
        6 => (bucket.clone(), 0u16..200, 0u8..20)
            .prop_map(|(bucket, key, kind)| Op::Delete { bucket, key, kind }),
        1 => (bucket.clone(), 0u16..200).prop_map(|(bucket, from)| Op::DeleteRange { bucket, from }),
        1 => (bucket.clone(), 0u16..200).prop_map(|(bucket, from)| Op::Fill { bucket, from }),
        1 => bucket.clone().prop_map(|bucket| Op::Create { bucket }),
        1 => bucket.clone().prop_map(|bucket| Op::DeleteBucket { bucket }),
        1 => bucket.prop_map(|bucket| Op::Sequence { bucket }),
    ]
}

fn txn() -> impl Strategy<Value = Txn> {
    let ops = prop::collection::vec(op(), 0..30);
    (ops, 0u8..6, 0u8..3, 0u8..5).prop_map(|(ops, abort, hold, reopen)| Txn {
        ops,
        abort: abort == 0,
        hold: hold == 0,
        reopen: reopen == 0,
    })
}

/// Mostly short keys, some of several pages that share a long prefix.
fn key_of(key: u16, kind: u8) -> Vec<u8> {
    let mut bytes = match kind {
        0 => vec![b'L'; 600],
        1 => vec![b'M'; 150],
        2 => vec![b'X'; 33 * 1024],
        _ => Vec::new(),
    };
    bytes.extend(key.to_be_bytes());
    bytes
}

fn run(file: &PageFile, model: &Model, txn: &Txn) -> Result<Model, Error> {
    let mut next = model.clone();
    let mut tx = file.begin_write()?;
    for op in &txn.ops {
        match *op {
            Op::Put {
                bucket,
                key,
                kind,
                len,
            } => {
                let (key, value) = (key_of(key, kind), filled(len.into(), u64::from(key)));
                let replaced = tx.bucket_or_create([bucket])?.put(&key, &value)?;
                let rows = next.entry(vec![bucket]).or_default();
                assert_eq!(rows.insert(key, value).is_some(), replaced);
            }
            Op::Delete { bucket, key, kind } => {
                let key = key_of(key, kind);
                let rows = next.get_mut([bucket].as_slice());
                let expected = rows.and_then(|rows| rows.remove(&key)).is_some();
                let bucket = tx.bucket_mut([bucket])?;
                let deleted = bucket.map(|mut bucket| bucket.delete(&key)).transpose()?;
                assert_eq!(deleted.unwrap_or(false), expected);
            }
            Op::DeleteRange { bucket, from } => {
                if let Some(mut bucket) = tx.bucket_mut([bucket])? {
                    for key in from..from + 40 {
                        bucket.delete(key.to_be_bytes())?;
                    }
                }
                if let Some(rows) = next.get_mut([bucket].as_slice()) {
                    rows.retain(|key, _| {
                        let number = <[u8; 2]>::try_from(key.as_slice()).map(u16::from_be_bytes);
                        !number.is_ok_and(|number| (from..from + 40).contains(&number))
                    });
                }
            }
            Op::Fill { bucket, from } => {
                let mut rows = tx.bucket_or_create([bucket])?;
                let expected = next.entry(vec![bucket]).or_default();
                for key in from..from + 60 {
                    rows.put(key.to_be_bytes(), filled(30, key.into()))?;
                    expected.insert(key.to_be_bytes().to_vec(), filled(30, key.into()));
                }
            }
            Op::Create { bucket } => match tx.create_bucket([bucket]) {
                Ok(rows) => {
                    assert!(rows.is_empty());
                    assert!(next.insert(vec![bucket], BTreeMap::new()).is_none());
                }
                Err(Error::BucketExists { .. }) => {
                    assert!(next.contains_key([bucket].as_slice()));
                }
                Err(error) => return Err(error),
            },
            Op::DeleteBucket { bucket } => {
                let deleted = tx.delete_bucket([bucket])?;
                assert_eq!(deleted, next.remove([bucket].as_slice()).is_some());
            }
            Op::Sequence { bucket } => {
                if let Some(mut bucket) = tx.bucket_mut([bucket])? {
                    let before = bucket.sequence();
                    assert_eq!(bucket.next_sequence(), before + 1);
                }
            }
        }
    }
    // The transaction reads its own changes.
    assert_eq!(tx.bucket_count(), next.len() as u64);
    for (name, rows) in &next {
        let bucket = tx.bucket(name)?.expect("a bucket of the model");
        compare(&bucket, rows)?;
    }
    if txn.abort {
        return Ok(model.clone());
    }
    tx.commit()?;
    Ok(next)
}

fn compare(bucket: &Bucket<'_>, rows: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), Error> {
    assert_eq!(bucket.len(), rows.len() as u64);
    let forward = bucket.iter().collect::<Result<Vec<_>, _>>()?;
    assert!(
        forward
            .iter()
            .map(|(k, v)| (&**k, &**v))
            .eq(rows.iter().map(|(k, v)| (&**k, &**v)))
    );
    let back = bucket.iter().rev().collect::<Result<Vec<_>, _>>()?;
    assert!(
        back.iter()
            .map(|(k, _)| &**k)
            .eq(rows.keys().rev().map(|k| &**k))
    );
    Ok(())
}

fn compare_all(read: &ReadTxn, model: &Model) -> Result<(), Error> {
    let names = read.buckets().collect::<Result<Vec<_>, _>>()?;
    assert!(
        names.iter().map(|name| &**name).eq(model
            .keys()
            .map(|name| &**name)
            .filter(|name| !name.contains(&b'/')))
    );
    for (name, rows) in model {
        let path = name.split(|byte| *byte == b'/');
        compare(&read.bucket_at(path)?.expect("a bucket of the model"), rows)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// Proves that random transactions, committed and aborted, with readers held open and the file opened again, give what maps give, and that
    /// after each commit every page is reached once or free.
    #[test]
    fn transactions_give_what_maps_give(txns in prop::collection::vec(txn(), 1..14), map in any::<bool>(), log in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        // Of a length that a few commits fill, in a file that is large enough for it.
        let options = if log {
            options().log_size(8192).initial_size(512 * 1024)
        } else {
            options()
        };
        let open = || options.clone().memory_map(map).open(&path);
        let mut file = open().unwrap();
        let mut model = Model::new();
        let mut readers: Vec<(ReadTxn, Model)> = Vec::new();
        for txn in &txns {
            model = run(&file, &model, txn).unwrap();
            let report = file.check().unwrap();
            prop_assert!(report.is_clean(), "{:?}", report.problems);
            prop_assert_eq!(report.rows, model.values().map(|rows| rows.len() as u64).sum::<u64>());
            for (reader, seen) in &readers {
                compare_all(reader, seen).unwrap();
            }
            if txn.hold {
                readers.push((file.begin_read(), model.clone()));
            }
            if txn.reopen {
                readers.clear();
                drop(file);
                file = open().unwrap();
            }
        }
        prop_assert_eq!(contents(&file).unwrap(), model);
    }

    /// Proves that a range gives the rows between its bounds, from both ends in turn, whatever the bounds, also within a changed tree.
    #[test]
    fn ranges_give_what_maps_give(
        keys in prop::collection::btree_set(0u16..400, 0..150),
        late in prop::collection::btree_set(0u16..400, 0..20),
        from in (0u16..420, 0u8..3), to in (0u16..420, 0u8..3), ends in any::<u64>(),
    ) {
        let file = options().in_memory().unwrap();
        let mut rows = BTreeMap::new();
        let mut tx = file.begin_write().unwrap();
        let mut bucket = tx.create_bucket("b").unwrap();
        for key in &keys {
            bucket.put(key.to_be_bytes(), filled(20, 1)).unwrap();
            rows.insert(key.to_be_bytes().to_vec(), filled(20, 1));
        }
        tx.commit().unwrap();
        let mut tx = file.begin_write().unwrap();
        let mut bucket = tx.bucket_mut("b").unwrap().unwrap();
        for key in &late {
            bucket.put(key.to_be_bytes(), filled(20, 2)).unwrap();
            rows.insert(key.to_be_bytes().to_vec(), filled(20, 2));
        }
        let bound = |(key, kind): (u16, u8)| match kind {
            0 => Bound::Unbounded,
            1 => Bound::Included(key.to_be_bytes().to_vec()),
            _ => Bound::Excluded(key.to_be_bytes().to_vec()),
        };
        let range = (bound(from), bound(to));
        let mut expected: std::collections::VecDeque<_> = rows.iter().filter(|(key, _)| {
            (match &range.0 { Bound::Unbounded => true, Bound::Included(b) => *key >= b, Bound::Excluded(b) => *key > b })
                && (match &range.1 { Bound::Unbounded => true, Bound::Included(b) => *key <= b, Bound::Excluded(b) => *key < b })
        }).collect();
        let mut found = bucket.range(range);
        for step in 0.. {
            let (found, expected) = if ends >> (step % 64) & 1 == 0 {
                (found.next(), expected.pop_front())
            } else {
                (found.next_back(), expected.pop_back())
            };
            let found = found.transpose().unwrap();
            prop_assert_eq!(found.as_ref().map(|(k, v)| (&**k, &**v)), expected.map(|(k, v)| (&**k, &**v)));
            if expected.is_none() {
                break;
            }
        }
    }
}

/// Proves that the same operations give the same bytes, whether the file was opened in between or not read at all.
#[test]
fn same_operations_give_same_bytes() {
    let image = || {
        let disk = sim::SimDisk::default();
        let file = disk.open().unwrap();
        let mut model = Model::new();
        for seed in 0..60 {
            sim::change(&file, &mut model, seed).unwrap();
        }
        disk.image()
    };
    assert!(image() == image());
}

/// Proves that a sorted load fills its pages, in one transaction and in many.
#[test]
fn sorted_loads_fill_pages() {
    let file = PageFile::in_memory().unwrap();
    let rows = |file: &PageFile, from: u32, to: u32| {
        file.update(|tx| {
            let mut bucket = tx.bucket_or_create("rows")?;
            for key in from..to {
                bucket.put(key.to_be_bytes(), [7; 100])?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    };
    rows(&file, 0, 10_000);
    for from in 100..110 {
        rows(&file, from * 100, from * 100 + 100);
    }
    let report = file.check().unwrap();
    assert!(report.is_clean());
    let needed = 11_000 * (100 + 4 + 8) / 4096;
    assert!(report.leaf_pages <= needed * 11 / 10, "{report:?}");
}

/// Proves that leaves which have lost their rows are joined, and that nothing is left of an emptied bucket.
#[test]
fn deleting_joins_pages() {
    let file = options().in_memory().unwrap();
    let rows = |keep: u32| {
        file.update(|tx| {
            let mut bucket = tx.bucket_or_create("rows")?;
            for key in 0..5000u32 {
                if key % keep == 0 {
                    bucket.put(key.to_be_bytes(), [7; 20])?;
                } else {
                    bucket.delete(key.to_be_bytes())?;
                }
            }
            Ok::<_, Error>(())
        })
        .unwrap();
        file.check().unwrap()
    };
    let full = rows(1);
    let sparse = rows(20);
    assert!(sparse.is_clean() && sparse.rows == 250);
    assert!(sparse.leaf_pages * 5 < full.leaf_pages, "{sparse:?}");
    assert!(sparse.branch_pages * 3 < full.branch_pages, "{sparse:?}");
    file.update(|tx| {
        let mut bucket = tx.bucket_or_create("rows")?;
        for key in 0..5000u32 {
            bucket.delete(key.to_be_bytes())?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let empty = file.check().unwrap();
    assert_eq!(
        (empty.leaf_pages, empty.branch_pages, empty.rows),
        (0, 0, 0)
    );
}

/// Proves that a commit writes in proportion to what it changes, in few pieces, with one sync.
#[test]
fn small_commits_write_little() {
    let file = PageFile::in_memory().unwrap();
    file.update(|tx| {
        let mut bucket = tx.create_bucket("rows")?;
        for key in 0..20_000u32 {
            bucket.put(key.to_be_bytes(), [7; 100])?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    for key in 0..50u32 {
        let before = file.stats();
        file.update(|tx| {
            tx.bucket_or_create("rows")?
                .put((key * 397).to_be_bytes(), [8; 100])
        })
        .unwrap();
        let after = file.stats();
        assert_eq!(after.syncs - before.syncs, 1);
        let grown = after.file_bytes - before.file_bytes;
        assert!(after.bytes_written - before.bytes_written <= grown + 3 * 4096 + 512);
        // The file grows by pieces of 32 KiB, the first of which ends at a multiple of that.
        let pieces = grown.div_ceil(32 << 10) + u64::from(grown > 0);
        assert!(after.writes - before.writes <= 4 + pieces);
    }
}

/// Proves that space is used again: a file under steady change stops growing.
#[test]
fn freed_pages_are_used_again() {
    let file = options().in_memory().unwrap();
    let mut model = Model::new();
    let mut sizes = Vec::new();
    for seed in 0..600 {
        sim::change(&file, &mut model, seed).unwrap();
        sizes.push(file.stats().file_bytes);
    }
    assert!(
        sizes[599] <= sizes[200] * 2,
        "{} {}",
        sizes[200],
        sizes[599]
    );
    assert_eq!(contents(&file).unwrap(), model);
}

/// Proves that a reader keeps its state while the file is rewritten many times, and that it may outlive the handle.
#[test]
fn readers_keep_their_state() {
    let dir = tempfile::tempdir().unwrap();
    let file = options().open(dir.path().join("file")).unwrap();
    let mut model = Model::new();
    for seed in 0..20 {
        sim::change(&file, &mut model, seed).unwrap();
    }
    let (reader, seen) = (file.begin_read(), model.clone());
    for seed in 20..200 {
        sim::change(&file, &mut model, seed).unwrap();
    }
    drop(file);
    std::thread::spawn(move || compare_all(&reader, &seen).unwrap())
        .join()
        .unwrap();
}

/// Proves that limits are refused by name and leave the transaction usable, and that what is at the limit is taken.
#[test]
fn limits_are_refused_and_kept() {
    let file = Options::new().in_memory().unwrap();
    let mut tx = file.begin_write().unwrap();
    let long_name = vec![1; sapwood::pagefile::MAX_NAME_LEN + 1];
    assert!(matches!(
        tx.create_bucket(&long_name),
        Err(Error::NameTooLong { .. })
    ));
    let mut bucket = tx.create_bucket(&long_name[1..]).unwrap();
    let long_key = vec![2; sapwood::pagefile::MAX_KEY_LEN + 1];
    assert!(matches!(
        bucket.put(&long_key, ""),
        Err(Error::KeyTooLong { .. })
    ));
    bucket.put(&long_key[1..], filled(3 << 20, 1)).unwrap();
    bucket.put("", "").unwrap();
    assert!(matches!(
        tx.create_bucket(&long_name[1..]),
        Err(Error::BucketExists { .. })
    ));
    tx.create_bucket("").unwrap();
    tx.commit().unwrap();
    let read = file.begin_read();
    let bucket = read.bucket(&long_name[1..]).unwrap().unwrap();
    assert_eq!(
        bucket.get(&long_key[1..]).unwrap().as_deref(),
        Some(&*filled(3 << 20, 1))
    );
    assert_eq!(bucket.get("").unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(bucket.get("x").unwrap(), None);
    assert!(file.check().unwrap().is_clean());
    assert!(matches!(
        Options::new().page_size(1000).in_memory(),
        Err(Error::BadPageSize { size: 1000 })
    ));
}

/// Proves that handles and transactions go to other threads.
#[test]
fn handles_go_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<PageFile>();
    shared::<ReadTxn>();
    shared::<Error>();
    sent::<sapwood::pagefile::WriteTxn>();
}
