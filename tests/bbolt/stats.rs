//! Figures about buckets, and how full their leaves are.

use sapwood::pagefile::{BucketStats, Error, MAX_KEY_LEN};

use crate::Db;

fn stats(db: &Db, path: &[&str]) -> BucketStats {
    let read = db.begin_read();
    read.bucket_at(path).unwrap().unwrap().stats().unwrap()
}

/// The bytes of so many leaves with so many entries, with keys and values of these lengths together: docs/format.md, section 4.
fn leaf_bytes(leaves: u64, entries: u64, bytes: u64) -> u64 {
    leaves * 24 + entries * 12 + bytes
}

/// Rows over several leaves, and one value in a run of its own; the same before the commit as after it.
#[test]
fn stats_of_rows_and_a_big_value() {
    let db = Db::new();
    let big = vec![b'*'; 10 * 4096 + 17];
    let before = db.change(|tx| {
        let mut woojits = tx.create_bucket("woojits")?;
        for i in 0..500 {
            woojits.put(format!("{i:03}"), format!("{i}"))?;
        }
        woojits.put("really-big-value", &big)?;
        woojits.stats()
    });
    let after = stats(&db, &["woojits"]);
    assert_eq!(before, after);
    assert_eq!((after.keys, after.buckets, after.depth), (501, 0, 2));
    assert_eq!((after.branch_pages, after.value_pages), (1, 11));
    assert_eq!(after.value_bytes, 16 + big.len() as u64);
    let values = 10 + 90 * 2 + 400 * 3;
    let big_entry = 16 + 28;
    let bytes = 500 * 3 + values + big_entry;
    assert_eq!(after.leaf_bytes, leaf_bytes(after.leaf_pages, 501, bytes));
    let report = db.check_report();
    let whole = db.begin_read().root().stats_of_all().unwrap();
    assert_eq!(report.leaf_pages, whole.leaf_pages);
    assert_eq!(report.branch_pages, whole.branch_pages);
    assert_eq!(report.value_pages, whole.value_pages);
}

/// One small row is one leaf.
#[test]
fn stats_small() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("whozawhats")?.put("foo", "bar"));
    let stats = stats(&db, &["whozawhats"]);
    assert_eq!((stats.keys, stats.depth, stats.leaf_pages), (1, 1, 1));
    assert_eq!(stats.leaf_bytes, leaf_bytes(1, 1, 6));
}

/// An empty bucket takes no page at all.
#[test]
fn stats_empty_bucket() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("whozawhats").map(drop));
    assert_eq!(stats(&db, &["whozawhats"]), BucketStats::default());
}

/// Buckets in buckets are counted apart, or as one.
#[test]
fn stats_nested() {
    let db = Db::new();
    db.change(|tx| {
        for (path, rows) in [
            (&["foo"][..], 100),
            (&["foo", "bar"], 10),
            (&["foo", "bar", "baz"], 9),
        ] {
            let mut bucket = tx.bucket_or_create_at(path)?;
            for i in 0..rows {
                bucket.put(format!("{i:02}"), format!("{i:02}"))?;
            }
        }
        Ok(())
    });
    let foo = stats(&db, &["foo"]);
    assert_eq!((foo.keys, foo.buckets, foo.leaf_pages), (100, 1, 1));
    assert_eq!(foo.leaf_bytes, leaf_bytes(1, 101, 100 * 4 + 3 + 44));
    let read = db.begin_read();
    let all = read.bucket("foo").unwrap().unwrap().stats_of_all().unwrap();
    assert_eq!((all.keys, all.buckets, all.leaf_pages), (119, 2, 3));
    let whole = read.root().stats_of_all().unwrap();
    assert_eq!((whole.keys, whole.buckets), (119, 3));
    let report = db.check_report();
    assert_eq!(
        (whole.leaf_pages, whole.branch_pages, whole.value_pages),
        (report.leaf_pages, report.branch_pages, report.value_pages)
    );
}

/// Many rows: the depth is that of the tree, and the pages are those that a check finds.
#[test]
fn stats_large() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        for i in 0..30_000 {
            widgets.put(format!("{i}"), format!("{i}"))?;
        }
        Ok(())
    });
    let stats = stats(&db, &["widgets"]);
    let report = db.check_report();
    assert_eq!((stats.keys, stats.depth), (30_000, 3));
    let whole = db.begin_read().root().stats_of_all().unwrap();
    assert_eq!(whole.leaf_pages, report.leaf_pages);
    assert_eq!(whole.branch_pages, report.branch_pages);
}

/// Rows that come at random leave leaves that are two thirds full or more.
#[test]
fn stats_random_fill() {
    let db = Db::new();
    let mut random = 1u64;
    for _ in 0..10 {
        db.change(|tx| {
            let mut woojits = tx.bucket_or_create("woojits")?;
            for _ in 0..1000 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                woojits.put(random.to_be_bytes(), [0; 100])?;
            }
            Ok(())
        });
    }
    let stats = stats(&db, &["woojits"]);
    assert_eq!(stats.keys, 10_000);
    assert!(
        stats.leaf_bytes * 100 >= stats.leaf_pages * 4096 * 60,
        "{stats:?}"
    );
}

/// Leaves of a sorted load are as full as was asked for, and rows that come between later find room.
#[test]
fn fill_percent() {
    let db = Db::new();
    let load = |name: &str, percent: u8| {
        db.change(|tx| {
            let mut bucket = tx.create_bucket(name)?;
            bucket.set_fill_percent(percent);
            for i in 0..4000u32 {
                bucket.put((i * 2).to_be_bytes(), [0; 40])?;
            }
            Ok(())
        });
        let stats = stats(&db, &[name]);
        stats.leaf_bytes * 100 / (stats.leaf_pages * 4096)
    };
    assert!((97..=100).contains(&load("full", 100)));
    assert!((46..=50).contains(&load("half", 50)));
    assert!((7..=10).contains(&load("none", 0)), "ten at least");
    let before = stats(&db, &["half"]).leaf_pages;
    db.change(|tx| {
        let mut half = tx.bucket_mut("half")?.unwrap();
        for i in 0..4000u32 {
            half.put((i * 2 + 1).to_be_bytes(), [0; 40])?;
        }
        Ok(())
    });
    let after = stats(&db, &["half"]).leaf_pages;
    assert!(after <= before + before / 8, "{before} {after}");
}

/// A key too long for a page is no trouble for a bucket whose leaves are to stay half empty.
#[test]
fn fill_percent_and_long_keys() {
    let db = Db::new();
    db.change(|tx| {
        let mut bucket = tx.create_bucket("b")?;
        bucket.set_fill_percent(20);
        for i in 0..20u8 {
            let len = if i % 3 == 0 { MAX_KEY_LEN } else { 50 };
            let mut key = vec![i; len];
            key[0] = i;
            bucket.put(&key, [i; 30])?;
        }
        Ok::<_, Error>(())
    });
    assert_eq!(stats(&db, &["b"]).keys, 20);
}

/// A transaction tells what its commit will write for what was changed; asking changes nothing, and nothing changed is nothing to write.
#[test]
fn tx_stats() {
    let db = Db::new();
    db.change(|tx| {
        let mut rows = tx.bucket_or_create_at(["a", "b"])?;
        for i in 0..5000u32 {
            rows.put(i.to_be_bytes(), [0; 50])?;
        }
        assert_eq!(tx.stats()?.changed_buckets, 2);
        tx.create_bucket("c").map(drop)
    });
    let mut tx = db.begin_write().unwrap();
    tx.bucket_mut("c").unwrap();
    assert_eq!(tx.stats().unwrap(), sapwood::pagefile::TxnStats::default());
    let mut rows = tx.bucket_mut_at(["a", "b"]).unwrap().unwrap();
    rows.put([0, 0, 9], "new").unwrap();
    rows.put("big", vec![1; 9000]).unwrap();
    let stats = tx.stats().unwrap();
    assert_eq!(tx.stats().unwrap(), stats);
    let before = db.stats();
    tx.commit().unwrap();
    let after = db.stats();
    let grown = after.file_bytes - before.file_bytes;
    let written = after.bytes_written - before.bytes_written - grown - 512;
    assert!(stats.pages_to_write * 4096 <= written, "{stats:?}");
    // Two leaves, a branch, the leaves of the two buckets above; three pages of the value.
    assert_eq!(stats.changed_buckets, 2);
    assert!((6..=9).contains(&stats.pages_to_write), "{stats:?}");
    assert_eq!(stats.pages_to_free + 3, stats.pages_to_write);
}
