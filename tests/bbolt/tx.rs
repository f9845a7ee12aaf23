//! Transactions.

use sapwood::pagefile::{Error, MAX_NAME_LEN};

use crate::{Db, name, text};

/// The buckets at the top are walked through as those in a bucket are.
#[test]
fn cursor() {
    let db = Db::new();
    db.change(|tx| {
        tx.create_bucket("widgets")?;
        tx.create_bucket("woojits")?;
        let mut cursor = tx.root().cursor();
        assert_eq!(text(cursor.next()?), name("widgets"));
        assert_eq!(text(cursor.next()?), name("woojits"));
        assert_eq!(cursor.next()?, None);
        Ok(())
    });
}

/// A bucket that was made is found, in the same transaction and in later ones; one that was not is not.
#[test]
fn create_bucket() {
    let mut db = Db::new();
    db.change(|tx| {
        tx.create_bucket("widgets")?;
        assert!(tx.bucket("widgets")?.is_some());
        assert!(tx.bucket("woojits")?.is_none());
        assert!(tx.bucket_mut("woojits")?.is_none());
        Ok(())
    });
    db.reopen();
    let read = db.begin_read();
    assert!(read.bucket("widgets").unwrap().is_some());
    assert!(read.bucket("woojits").unwrap().is_none());
}

/// A key that is not there has no value.
#[test]
fn get_not_found() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "bar")?;
        assert!(widgets.get("no_such_key")?.is_none());
        Ok(())
    });
}

/// A bucket is made once.
#[test]
fn create_bucket_exists() {
    let db = Db::new();
    db.change(|tx| {
        tx.create_bucket("widgets")?;
        let refused = tx.create_bucket("widgets").map(drop);
        assert!(matches!(refused, Err(Error::BucketExists { name }) if name == b"widgets"));
        Ok(())
    });
}

/// A name over the limit is refused, at every depth; one at the limit is not. (bbolt says so and does not look.)
#[test]
fn create_bucket_name_too_long() {
    let db = Db::new();
    let long = vec![b'x'; MAX_NAME_LEN + 1];
    db.change(|tx| {
        let mut widgets = tx.create_bucket(&long[1..])?;
        let refused = widgets.create_bucket(&long).map(drop);
        assert!(matches!(refused, Err(Error::NameTooLong { len, .. }) if len == long.len()));
        let refused = tx.rename_bucket(&long[1..], &long);
        assert!(matches!(refused, Err(Error::NameTooLong { .. })));
        Ok(())
    });
}

/// A bucket is made where there is none, and found where there is one.
#[test]
fn create_bucket_if_not_exists() {
    let db = Db::new();
    db.change(|tx| {
        tx.bucket_or_create("widgets")?.put("foo", "bar")?;
        assert_eq!(tx.bucket_or_create("widgets")?.len(), 1);
        assert_eq!(tx.bucket_count(), 1);
        Ok(())
    });
}

/// A bucket that is made anew has nothing of the one that was deleted.
#[test]
fn delete_bucket() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("widgets")?.put("foo", "bar"));
    db.change(|tx| {
        assert!(tx.delete_bucket("widgets")?);
        assert!(tx.bucket("widgets")?.is_none());
        Ok(())
    });
    db.change(|tx| {
        assert!(tx.create_bucket("widgets")?.get("foo")?.is_none());
        Ok(())
    });
}

/// A bucket that is not there is not deleted, and this is told.
#[test]
fn delete_bucket_not_found() {
    let db = Db::new();
    assert!(!db.change(|tx| tx.delete_bucket("widgets")));
}

/// A walk over all buckets, to its end and to its user's error.
#[test]
fn for_each() {
    let db = Db::new();
    db.change(|tx| {
        tx.create_bucket("widgets")?.put("foo", "bar")?;
        tx.create_bucket("woojits").map(drop)
    });
    let read = db.begin_read();
    let mut rows = 0;
    for name in read.buckets() {
        rows += read.bucket(name.unwrap()).unwrap().unwrap().len();
    }
    assert_eq!(rows, 1);
    let marked = read.buckets().try_for_each(|_| Err("marker"));
    assert_eq!(marked, Err("marker"));
}

/// What stands after a commit runs after it, and sees it; what stands after one that failed does not run.
#[test]
fn on_commit() {
    let db = Db::new();
    let mut seen = 0;
    let run = |refuse: bool| {
        db.update(|tx| {
            tx.bucket_or_create("widgets")?;
            if refuse {
                Err(Error::NoSavepoint)
            } else {
                Ok(())
            }
        })
    };
    if run(false).is_ok() {
        seen += db.begin_read().bucket_count();
    }
    if run(true).is_ok() {
        seen += 10;
    }
    assert_eq!(seen, 1);
}

/// What was not committed is not there, in this process and after opening the file again.
#[test]
fn rollback() {
    let mut db = Db::new();
    db.change(|tx| tx.create_bucket("mybucket").map(drop));
    let mut tx = db.begin_write().unwrap();
    let mut bucket = tx.bucket_mut("mybucket").unwrap().unwrap();
    bucket.put("k", "v").unwrap();
    drop(tx);
    assert_eq!(db.value(&["mybucket"], "k"), None);
    db.reopen();
    assert_eq!(db.value(&["mybucket"], "k"), None);
}

/// Readers of several states keep their values while the pages between them are used again.
#[test]
fn release_range() {
    let db = Db::new();
    let put = |value: u32| {
        let value = value.to_be_bytes().repeat(500);
        db.change(|tx| tx.bucket_or_create("widgets")?.put("key", &value))
    };
    let mut readers = Vec::new();
    for value in 0..60u32 {
        put(value);
        if value % 7 == 0 {
            readers.push((value, db.begin_read()));
        }
        if value % 11 == 0 {
            readers.remove(0);
        }
        for (value, reader) in &readers {
            let bucket = reader.bucket("widgets").unwrap().unwrap();
            let found = bucket.get("key").unwrap().unwrap();
            assert_eq!(&*found, value.to_be_bytes().repeat(500));
        }
    }
    let held = db.stats().held_pages;
    readers.clear();
    put(61);
    put(62);
    assert!(db.stats().held_pages < held);
}

/// A transaction that changes nothing commits nothing. (bbolt writes a new meta.)
#[test]
fn commit_of_nothing() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("widgets").map(drop));
    let before = db.stats();
    let number = db.begin_write().unwrap().commit().unwrap();
    assert_eq!(number, before.commit);
    let after = db.stats();
    assert_eq!((after.commit, after.writes), (before.commit, before.writes));
    assert_eq!((after.commits, after.syncs), (before.commits, before.syncs));
}
