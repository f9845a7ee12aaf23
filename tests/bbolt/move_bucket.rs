//! Moving buckets.

use sapwood::pagefile::{Error, WriteTxn};

use crate::Db;

/// Makes the bucket at a path, with rows on many pages, a bucket below it and a number.
fn make(tx: &mut WriteTxn, path: &[&str]) -> Result<(), Error> {
    let mut bucket = tx.bucket_or_create_at(path)?;
    for i in 0..400 {
        bucket.put(format!("key {i:04}"), format!("value {i}").repeat(5))?;
    }
    bucket.set_sequence(7);
    bucket.create_bucket("below")?.put("deep", "value")?;
    Ok(())
}

fn is_whole(db: &Db, path: &[&str]) {
    let read = db.begin_read();
    let bucket = read.bucket_at(path).unwrap().expect("moved here");
    assert_eq!((bucket.len(), bucket.sequence()), (400, 7));
    for i in 0..400 {
        let value = bucket.get(format!("key {i:04}")).unwrap().unwrap();
        assert_eq!(&*value, format!("value {i}").repeat(5).as_bytes());
    }
    let below = bucket.bucket("below").unwrap().unwrap();
    assert_eq!(below.get("deep").unwrap().as_deref(), Some(&b"value"[..]));
}

/// Makes a bucket and the one that it shall lie in, moves it in a transaction of its own, and looks at it.
fn moves(from: &[&str], to: &[&str]) {
    let mut db = Db::new();
    db.change(|tx| {
        make(tx, from)?;
        if to.len() > 1 {
            tx.bucket_or_create_at(&to[..to.len() - 1])?;
        }
        Ok(())
    });
    db.change(|tx| tx.move_bucket(from, to));
    db.reopen();
    is_whole(&db, to);
    assert!(db.begin_read().bucket_at(from).unwrap().is_none());
}

/// From one bucket to another, with a new name or the old one.
#[test]
fn happy_path() {
    moves(&["sub", "target"], &["sub2", "target"]);
    moves(&["sub", "target"], &["sub2", "other"]);
}

/// Within one grandparent.
#[test]
fn same_grandparent() {
    moves(&["top", "a", "target"], &["top", "b", "target"]);
}

/// From the top into another one.
#[test]
fn top_level_to_nested() {
    moves(&["target"], &["sub", "deeper", "target"]);
}

/// From within another one to the top.
#[test]
fn nested_to_top_level() {
    moves(&["sub", "deeper", "target"], &["target"]);
}

/// A new name for a bucket at the top, and for one in another.
#[test]
fn rename() {
    moves(&["old"], &["new"]);
    let db = Db::new();
    db.change(|tx| {
        make(tx, &["top", "old"])?;
        tx.bucket_mut("top")?.unwrap().rename_bucket("old", "new")?;
        tx.rename_bucket("top", "summit")
    });
    is_whole(&db, &["summit", "new"]);
}

/// What is refused, and leaves everything as it was.
fn refused(
    from: &[&str],
    to: &[&str],
    prepare: impl FnOnce(&mut WriteTxn) -> Result<(), Error>,
) -> Error {
    let db = Db::new();
    db.change(|tx| {
        make(tx, &["sub", "target"])?;
        prepare(tx)
    });
    let error = db.update(|tx| tx.move_bucket(from, to)).unwrap_err();
    is_whole(&db, &["sub", "target"]);
    error
}

/// A bucket that is not there can't be moved.
#[test]
fn missing_in_source() {
    let error = refused(&["sub", "x"], &["x"], |_| Ok(()));
    assert!(matches!(error, Error::NoSuchBucket { name } if name == b"x"));
    let error = refused(&["x", "target"], &["x"], |_| Ok(()));
    assert!(matches!(error, Error::NoSuchBucket { name } if name == b"x"));
    let error = refused(&["sub", "target"], &["y", "x"], |_| Ok(()));
    assert!(matches!(error, Error::NoSuchBucket { name } if name == b"y"));
}

/// Nothing is moved onto a bucket.
#[test]
fn exists_in_target() {
    let error = refused(&["sub", "target"], &["other", "target"], |tx| {
        make(tx, &["other", "target"])
    });
    assert!(matches!(error, Error::BucketExists { name } if name == b"target"));
}

/// A key with a value is no bucket to move.
#[test]
fn value_in_source() {
    let error = refused(&["sub", "value"], &["x"], |tx| {
        tx.bucket_mut("sub")?.unwrap().put("value", "1").map(drop)
    });
    assert!(matches!(error, Error::NotABucket { name } if name == b"value"));
}

/// Nothing is moved onto a key with a value.
#[test]
fn value_in_target() {
    let error = refused(&["sub", "target"], &["other", "x"], |tx| {
        tx.create_bucket("other")?.put("x", "1").map(drop)
    });
    assert!(matches!(error, Error::NotABucket { name } if name == b"x"));
}

/// To where it is, is where there is a bucket.
#[test]
fn same_bucket() {
    let error = refused(&["sub", "target"], &["sub", "target"], |_| Ok(()));
    assert!(matches!(error, Error::BucketExists { name } if name == b"target"));
}

/// The top itself is no bucket to move.
#[test]
fn root_to_root() {
    let error = refused(&[], &["x"], |_| Ok(()));
    assert!(matches!(error, Error::NoSuchBucket { .. }));
}

/// A bucket does not come to lie in itself.
#[test]
fn into_itself() {
    for to in [&["sub", "target"][..], &["sub", "target", "below", "x"]] {
        let error = refused(&["sub"], to, |_| Ok(()));
        assert!(matches!(error, Error::MoveIntoItself { name } if name == b"sub"));
    }
}

/// What was done to a bucket in the same transaction before it was moved goes with it, and what is done after it too. (bbolt loses the former.)
#[test]
fn pending_changes() {
    let db = Db::new();
    db.change(|tx| {
        make(tx, &["sub", "target"])?;
        tx.create_bucket("other")?;
        tx.move_bucket(["sub", "target"], ["other", "moved"])
    });
    is_whole(&db, &["other", "moved"]);
    db.change(|tx| {
        let mut moved = tx.bucket_mut_at(["other", "moved"])?.unwrap();
        moved.put("before", "1")?;
        moved.bucket_mut("below")?.unwrap().put("before", "2")?;
        tx.move_bucket(["other", "moved"], ["back"])?;
        tx.bucket_mut("back")?.unwrap().put("after", "3")
    });
    assert_eq!(db.value(&["back"], "before"), Some(b"1".to_vec()));
    assert_eq!(db.value(&["back"], "after"), Some(b"3".to_vec()));
    assert_eq!(db.value(&["back", "below"], "before"), Some(b"2".to_vec()));
}
