//! Limits of the file, batches, copies, and files that get shorter.

use std::{
    fs,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Barrier,
    time::Duration,
};

use sapwood::pagefile::{Error, MemStorage, Options, PageFile};

use super::Db;

/// Two callers of `batch` get what they did, each once, and both are there.
#[test]
fn batch() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("widgets").map(drop));
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        for i in 0..2u8 {
            let (db, barrier) = (&db, &barrier);
            scope.spawn(move || {
                barrier.wait();
                let put = db.batch(|tx| tx.bucket_or_create("widgets")?.put([i], [i]));
                assert!(!put.unwrap());
            });
        }
    });
    assert_eq!(db.value(&["widgets"], [0]), Some(vec![0]));
    assert_eq!(db.value(&["widgets"], [1]), Some(vec![1]));
}

/// A panic in a batch comes out of the call that it was given to, as it is, and nobody else sees it.
#[test]
fn batch_panic() {
    let db = Db::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        db.batch(|_| -> Result<(), Error> { std::panic::panic_any(42u8) })
    }));
    let payload = outcome.expect_err("it panics");
    assert_eq!(payload.downcast_ref::<u8>(), Some(&42));
    db.change(|tx| tx.create_bucket("widgets").map(drop));
}

/// A commit that would pass the maximum is refused with both sizes, the file does not pass it, and a small commit after it succeeds.
#[test]
fn max_size_not_exceeded() {
    for page_size in [512, 4096, 65_536] {
        let max = 2_000_000;
        let db = Db::with(&Options::new().page_size(page_size).max_size(max));
        db.change(|tx| tx.create_bucket("data").map(drop));
        let mut refused = false;
        for i in 0..40u8 {
            let put = db.update(|tx| tx.bucket_or_create("data")?.put([i], vec![i; 100_000]));
            match put {
                Ok(_) => assert!(!refused),
                Err(Error::MaxSize { max: told, needed }) => {
                    assert!(told == max && needed > max);
                    refused = true;
                }
                Err(error) => panic!("{error}"),
            }
            assert!(fs::metadata(db.path()).unwrap().len() <= max);
        }
        assert!(refused);
        db.change(|tx| tx.bucket_or_create("data")?.put("small", "value"));
        assert!(db.value(&["data"], "small").is_some());
    }
}

/// A file that is longer than the maximum opens, is read, and takes commits for which it need not grow.
#[test]
fn max_size_exceeded_can_open() {
    let mut db = Db::new();
    db.change(|tx| tx.create_bucket("data")?.put("k", vec![1; 3_000_000]));
    db.change(|tx| tx.bucket_or_create("data")?.put("spare", vec![1; 300_000]));
    db.change(|tx| tx.bucket_or_create("data")?.delete("spare"));
    let path = db.path();
    db.file = None;
    let len = fs::metadata(&path).unwrap().len();
    for initial in [0, 5_000_000] {
        let options = Options::new().max_size(1_000_000).initial_size(initial);
        db.file = Some(options.open(&path).unwrap());
        assert_eq!(
            db.value(&["data"], "k").map(|value| value.len()),
            Some(3_000_000)
        );
        db.change(|tx| tx.bucket_or_create("data")?.put("small", "value"));
        let large = db.update(|tx| tx.bucket_or_create("data")?.put("l", vec![1; 3_000_000]));
        assert!(matches!(large, Err(Error::MaxSize { .. })));
        assert_eq!(fs::metadata(&path).unwrap().len(), len);
        db.file = None;
    }
}

/// Who only reads can read and cannot begin to write, and makes no file.
#[test]
fn read_only() {
    let mut db = Db::new();
    db.change(|tx| tx.create_bucket("widgets")?.put("foo", "bar"));
    let path = db.path();
    db.file = None;
    let read_only = Options::new().read_only(true);
    db.file = Some(read_only.open(&path).unwrap());
    assert_eq!(db.value(&["widgets"], "foo"), Some(b"bar".to_vec()));
    assert!(matches!(db.begin_write(), Err(Error::ReadOnly)));
    let missing = read_only.open(db.dir.path().join("missing"));
    assert!(
        matches!(missing, Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound)
    );
    assert!(!db.dir.path().join("missing").exists());
}

/// Two who only read check the file at the same time.
#[test]
fn check_read_only() {
    let mut db = Db::new();
    db.change(|tx| {
        let mut bucket = tx.create_bucket("widgets")?;
        (0..5_000u32).try_for_each(|i| bucket.put(i.to_be_bytes(), [7; 20]).map(drop))
    });
    let path = db.path();
    db.file = None;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let file = Options::new().read_only(true).open(&path).unwrap();
                std::thread::scope(|scope| {
                    for _ in 0..2 {
                        scope.spawn(|| assert!(file.check().unwrap().is_clean()));
                    }
                });
            });
        }
    });
    db.file = Some(PageFile::open(&path).unwrap());
}

/// A lock that somebody else holds is waited for as long as was said, and told with the file's name.
#[test]
fn open_timeout() {
    let db = Db::new();
    for timeout in [Duration::ZERO, Duration::from_millis(30)] {
        let second = Options::new().lock_timeout(timeout).open(db.path());
        assert!(matches!(second, Err(Error::Locked { path }) if path == db.path()));
    }
}

/// Copies that are made while commits go on are whole files, each of one state, and two of the same state are the same.
#[test]
fn concurrent_write_to_and_consistent_read() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("data").map(drop));
    let copies = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..50u32 {
                db.change(|tx| {
                    let mut bucket = tx.bucket_or_create("data")?;
                    (0..40u32).try_for_each(|key| {
                        bucket.put(key.to_be_bytes(), i.to_be_bytes()).map(drop)
                    })
                });
            }
        });
        let mut copies = Vec::new();
        while !writer.is_finished() || copies.is_empty() {
            let reader = db.begin_read();
            for _ in 0..2 {
                let mut copy = Vec::new();
                reader.backup(&mut copy).unwrap();
                copies.push((reader.commit_number(), copy));
            }
        }
        copies
    });
    for pair in copies.chunks(2) {
        assert!(pair[0] == pair[1]);
        let storage = MemStorage::new(pair[0].1.clone());
        let copy = Options::new().open_storage(Box::new(storage)).unwrap();
        assert!(copy.check().unwrap().is_clean());
        let read = copy.begin_read();
        let bucket = read.bucket("data").unwrap().unwrap();
        let values: Vec<_> = bucket.iter().map(|row| row.unwrap().1.to_vec()).collect();
        assert!(
            values.windows(2).all(|two| two[0] == two[1]),
            "a mixture of states"
        );
    }
}

/// A copy is of the open file, also where another one has taken its name.
#[cfg(unix)]
#[test]
fn write_to_and_overwrite() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("widgets")?.put("a", "old"));
    let other = db.dir.path().join("other");
    let replacing = PageFile::open(&other).unwrap();
    replacing.close().unwrap();
    fs::rename(&other, db.path()).unwrap();
    let mut copy = Vec::new();
    db.backup(&mut copy).unwrap();
    let storage = MemStorage::new(copy);
    let copy = Options::new().open_storage(Box::new(storage)).unwrap();
    let read = copy.begin_read();
    let value = read
        .bucket("widgets")
        .unwrap()
        .unwrap()
        .get("a")
        .unwrap()
        .map(|value| value.to_vec());
    assert_eq!(value, Some(b"old".to_vec()));
}

/// A copy that cannot be written ends with what the writer said, at the first byte or at a later one.
#[test]
fn copy_error() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = bytes.len().min(self.0);
            self.0 -= room;
            if room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(room)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let db = Db::new();
    db.change(|tx| tx.create_bucket("widgets")?.put("a", vec![1; 30_000]));
    for room in [0, 3 * 4096] {
        let outcome = db.backup(&mut Full(room));
        assert!(matches!(
            outcome,
            Err(Error::Io { action: "back up", source }) if source.kind() == io::ErrorKind::StorageFull
        ));
    }
}

/// A compacted file has the same content, and the file that it is a copy of is as it was.
#[test]
fn compact() {
    let db = Db::new();
    for i in 0..20u8 {
        db.change(|tx| {
            tx.bucket_or_create_at(["a", "b"])?
                .put([i % 3], vec![i; 20_000])
        });
    }
    let before = fs::read(db.path()).unwrap();
    let path = db.dir.path().join("compacted");
    let bytes = db.compact(&path).unwrap();
    assert!(fs::read(db.path()).unwrap() == before);
    assert!(bytes < before.len() as u64 && fs::metadata(&path).unwrap().len() == bytes);
    let compacted = PageFile::open(&path).unwrap();
    assert!(compacted.check().unwrap().is_clean());
    let read = compacted.begin_read();
    let bucket = read.bucket_at(["a", "b"]).unwrap().unwrap();
    for i in 17..20u8 {
        let value = bucket.get([i % 3]).unwrap().unwrap();
        assert!(*value == vec![i; 20_000]);
    }
}

/// A file whose content was deleted becomes small again where it lies. (bbolt's stays as long as it ever was.)
#[test]
fn shrink() {
    let db = Db::new();
    db.change(|tx| {
        let mut bucket = tx.create_bucket("data")?;
        (0..200u8).try_for_each(|i| bucket.put([i], vec![i; 20_000]).map(drop))
    });
    db.change(|tx| {
        let mut bucket = tx.bucket_or_create("data")?;
        (0..190u8).try_for_each(|i| bucket.delete([i]).map(drop))
    });
    let before = fs::metadata(db.path()).unwrap().len();
    let shrunk = db.shrink().unwrap();
    let after = fs::metadata(db.path()).unwrap().len();
    assert_eq!((shrunk.bytes_before, shrunk.bytes_after), (before, after));
    assert!(after * 10 < before, "{shrunk:?}");
    assert_eq!(db.value(&["data"], [199]), Some(vec![199; 20_000]));
}

/// The figures of a period are the difference of two.
#[test]
fn db_stats_sub() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("a").map(drop));
    let before = db.stats();
    db.change(|tx| tx.create_bucket("b").map(drop));
    drop(db.begin_read());
    let after = db.stats();
    assert_eq!(after.commits - before.commits, 1);
    assert_eq!(after.syncs - before.syncs, 1);
    assert_eq!(after.read_txns - before.read_txns, 1);
    assert_eq!(before.commits, 1);
}
