//! The file as a whole: opening, transactions by closure, readers and writers on threads.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sapwood::pagefile::{Error, Options, PageFile};

use crate::Db;

/// Many threads open and close one path; each has it for itself while it has it.
#[test]
fn open_multiple_threads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let options = Options::new().lock_timeout(Duration::from_secs(60));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..8 {
                    let file = options.open(&path).unwrap();
                    file.update(|tx| Ok::<_, Error>(tx.bucket_or_create("b")?.next_sequence()))
                        .unwrap();
                }
            });
        }
    });
    let file = PageFile::open(&path).unwrap();
    let read = file.begin_read();
    assert_eq!(read.bucket("b").unwrap().unwrap().sequence(), 64);
}

/// No path is an error, and so is one in a folder that is not there.
#[test]
fn open_err_path() {
    assert!(matches!(PageFile::open(""), Err(Error::Io { .. })));
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("no").join("file");
    assert!(matches!(PageFile::open(nowhere), Err(Error::Io { .. })));
    let missing = Options::new().create(false).open(dir.path().join("file"));
    let Err(Error::Io { source, .. }) = missing else {
        panic!("{missing:?}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
}

/// Whatever the page size, the second meta is found where the first one is garbage.
#[test]
fn open_read_page_size_from_meta1() {
    for size in [512, 1024, 4096, 16_384, 65_536] {
        let mut db = Db::with(&Options::new().page_size(size));
        db.change(|tx| tx.create_bucket("widgets")?.put("foo", "bar"));
        db.file.take().unwrap().close().unwrap();
        let mut bytes = std::fs::read(db.path()).unwrap();
        bytes[..512].fill(0xAA);
        std::fs::write(db.path(), bytes).unwrap();
        db.file = Some(PageFile::open(db.path()).unwrap());
        assert_eq!(db.stats().page_size, size);
        assert_eq!(db.value(&["widgets"], "foo"), Some(b"bar".to_vec()));
    }
}

/// Opening a file and putting one row does not make it grow by more than a step.
#[test]
fn open_size() {
    let mut db = Db::new();
    db.change(|tx| {
        let mut data = tx.create_bucket("data")?;
        for i in 0..10_000u32 {
            data.put(i.to_be_bytes(), [0; 50])?;
        }
        Ok(())
    });
    let before = std::fs::metadata(db.path()).unwrap().len();
    db.reopen();
    db.change(|tx| tx.bucket_mut("data")?.unwrap().put([0; 4], [0]));
    let after = std::fs::metadata(db.path()).unwrap().len();
    assert!(after <= before + 256 * 1024, "{before} {after}");
}

/// A new file is sound, and sound when opened again.
#[test]
fn open_check() {
    let mut db = Db::new();
    db.check();
    db.reopen();
    db.check();
}

/// A commit that makes the file grow does not wait for a reader, nor for a cursor that is in use. (bbolt's waits for the end of all of them.)
#[test]
fn open_initial_mmap_size() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("test")?.put("a", "1"));
    let read = db.begin_read();
    let mut cursor = read.bucket("test").unwrap().unwrap().cursor();
    cursor.first().unwrap();
    db.change(|tx| {
        tx.bucket_mut("test")?
            .unwrap()
            .put("big", vec![1; 32 << 20])
    });
    assert_eq!(cursor.next().unwrap(), None);
    assert!(cursor.previous().unwrap().is_some());
}

/// A page that is larger makes the new file no smaller.
#[test]
fn open_big_page() {
    let small = Db::with(&Options::new().page_size(4096));
    let large = Db::with(&Options::new().page_size(65_536));
    assert!(small.stats().file_bytes <= large.stats().file_bytes);
}

/// A value of many megabytes is a value.
#[test]
fn huge_value() {
    let mut db = Db::new();
    let value: Vec<u8> = (0..48 << 20).map(|i: u32| i.to_le_bytes()[1]).collect();
    db.change(|tx| tx.create_bucket("data")?.put("k", &value));
    db.reopen();
    assert!(db.value(&["data"], "k") == Some(value));
}

/// There is one writer: who begins a second write transaction waits for the end of the first.
#[test]
fn begin_rw() {
    let db = Db::new();
    let tx = db.begin_write().unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let second = db.begin_write().unwrap();
            assert!(is_over.load(Ordering::SeqCst));
            drop(second);
        });
        std::thread::sleep(Duration::from_millis(20));
        is_over.store(true, Ordering::SeqCst);
        drop(tx);
    });
}

/// The handle may be dropped before its transactions: they go on, and the file stays locked until they end. (bbolt's `Close` waits for them.)
#[test]
fn close_pending_tx() {
    let mut db = Db::new();
    let mut tx = db.begin_write().unwrap();
    let read = db.begin_read();
    db.file = None;
    assert!(matches!(
        PageFile::open(db.path()),
        Err(Error::Locked { .. })
    ));
    tx.create_bucket("widgets").unwrap();
    tx.commit().unwrap();
    assert_eq!(read.bucket_count(), 0);
    drop(read);
    let file = PageFile::open(db.path()).unwrap();
    assert_eq!(file.begin_read().bucket_count(), 1);
}

/// What a closure changes is committed; what it reads is one state.
#[test]
fn update() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "bar")?;
        widgets.put("baz", "bat")?;
        widgets.delete("foo")
    });
    db.view(|tx| {
        let widgets = tx.bucket("widgets")?.unwrap();
        assert!(widgets.get("foo")?.is_none());
        assert_eq!(widgets.get("baz")?.as_deref(), Some(&b"bat"[..]));
        Ok::<_, Error>(())
    })
    .unwrap();
}

/// A panic in a closure rolls back and goes on to the caller; the file is usable as before.
#[test]
fn update_panic() {
    let db = Db::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        db.update(|tx| -> Result<(), Error> {
            tx.create_bucket("widgets")?;
            panic!("omg");
        })
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"omg"));
    db.change(|tx| {
        assert!(tx.bucket("widgets")?.is_none());
        tx.create_bucket("widgets").map(drop)
    });
}

/// The same for a closure that reads, and its error is the caller's.
#[test]
fn view_panic_and_error() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("widgets").map(drop));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        db.view(|tx| -> Result<(), Error> {
            assert!(tx.bucket("widgets")?.is_some());
            panic!("omg");
        })
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"omg"));
    let view = db.view(|tx| match tx.bucket("widgets") {
        Ok(Some(_)) => Err("xxx"),
        _ => Ok(()),
    });
    assert_eq!(view, Err("xxx"));
}

/// Small commits use the same few pages in turn: the file does not grow.
#[test]
fn consistency() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("widgets")?.put("foo", "bar"));
    let before = db.stats();
    for _ in 0..50 {
        db.change(|tx| tx.bucket_mut("widgets")?.unwrap().put("foo", "bar"));
        db.check();
    }
    let after = db.stats();
    assert_eq!(after.file_bytes, before.file_bytes);
    assert!(after.held_pages <= 4, "{after:?}");
}

/// Readers that stay through many commits see their value again and again.
#[test]
fn concurrent_repeatable_read() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("data")?.put("key", 0u64.to_be_bytes()));
    let (db, begun) = (&db, &Barrier::new(5));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                let read = db.begin_read();
                let value = || {
                    let data = read.bucket("data").unwrap().unwrap();
                    data.get("key").unwrap().unwrap().to_vec()
                };
                let seen = value();
                begun.wait();
                for _ in 0..300 {
                    assert_eq!(value(), seen);
                }
            });
        }
        begun.wait();
        for i in 1..60u64 {
            db.change(|tx| {
                let mut data = tx.bucket_mut("data")?.unwrap();
                data.put("key", i.to_be_bytes())
            });
        }
    });
}

/// Whatever threads read and write at random, each read gives what the last commit before its state wrote, and no thread's states go back.
#[test]
fn concurrent_generic_read_and_write() {
    let db = Db::with(&Options::new().page_size(512));
    db.change(|tx| tx.create_bucket("data").map(drop));
    // Each write puts the number of its commit, so that a reader can tell whether what it sees is of its state or before it.
    std::thread::scope(|scope| {
        for thread in 0..3u64 {
            let db = &db;
            scope.spawn(move || {
                let mut state = 0;
                let mut random = thread * 7919 + 1;
                for _ in 0..150 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    let key = (random >> 40) % 50;
                    if random >> 62 == 0 {
                        db.change(|tx| {
                            let commit = db.stats().commit + 1;
                            let mut data = tx.bucket_mut("data")?.unwrap();
                            data.put("last", commit.to_be_bytes())?;
                            data.put(key.to_be_bytes(), commit.to_be_bytes().repeat(30))
                        });
                        continue;
                    }
                    let read = db.begin_read();
                    assert!(read.commit_number() >= state, "states go back");
                    state = read.commit_number();
                    let data = read.bucket("data").unwrap().unwrap();
                    if let Some(last) = data.get("last").unwrap() {
                        assert_eq!(*last, state.to_be_bytes());
                    }
                    let first = data.get(key.to_be_bytes()).unwrap();
                    let again = data.get(key.to_be_bytes()).unwrap();
                    assert_eq!(first, again);
                    let bound = state.to_be_bytes();
                    assert!(
                        first.is_none_or(|value| value[..8] <= bound[..] && value.len() == 240)
                    );
                }
            });
        }
    });
}

/// Many files at once, each on a thread of its own.
#[test]
fn many_dbs() {
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let db = Db::new();
                for i in 0..25u32 {
                    db.change(|tx| tx.bucket_or_create("bucket")?.put(i.to_be_bytes(), ""));
                }
                let read = db.begin_read();
                assert_eq!(read.bucket("bucket").unwrap().unwrap().len(), 25);
            });
        }
    });
}
