//! Cursors.

use proptest::prelude::*;
use sapwood::pagefile::{Cursor, Error, PageFile};

use crate::{Db, name, pair, text};

fn number(i: u32) -> String {
    format!("{i:04}")
}

/// A file whose bucket `widgets` has the rows of `keys`, on several levels of small pages.
fn rows(keys: impl Iterator<Item = u32>) -> Db {
    let db = Db::with(&sapwood::pagefile::Options::new().page_size(512));
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        for key in keys {
            widgets.put(number(key), "")?;
        }
        Ok(())
    });
    db
}

fn in_widgets(file: &PageFile, look: impl FnOnce(Cursor<'_>) -> Result<(), Error>) {
    let read = file.begin_read();
    look(read.bucket("widgets").unwrap().unwrap().cursor()).unwrap();
}

/// Behind the last one, `next` gives nothing as often as it is asked, and one `previous` leads back to the last one.
#[test]
fn repeat_operations_next_prev_next() {
    in_widgets(&rows(0..1000), |mut cursor| {
        assert_eq!(text(cursor.first()?), pair("0000", ""));
        for i in 1..1000 {
            assert_eq!(text(cursor.next()?), pair(&number(i), ""));
        }
        for _ in 0..10 {
            assert_eq!(cursor.next()?, None);
            assert_eq!(cursor.current()?, None);
        }
        for i in (0..1000).rev() {
            assert_eq!(text(cursor.previous()?), pair(&number(i), ""));
        }
        for i in 1..1000 {
            assert_eq!(text(cursor.next()?), pair(&number(i), ""));
        }
        Ok(())
    });
}

/// The same before the first one.
#[test]
fn repeat_operations_prev_next_prev() {
    in_widgets(&rows(0..1000), |mut cursor| {
        assert_eq!(text(cursor.last()?), pair("0999", ""));
        for i in (0..999).rev() {
            assert_eq!(text(cursor.previous()?), pair(&number(i), ""));
        }
        for _ in 0..10 {
            assert_eq!(cursor.previous()?, None);
            assert_eq!(cursor.current()?, None);
        }
        for i in 0..1000 {
            assert_eq!(text(cursor.next()?), pair(&number(i), ""));
        }
        Ok(())
    });
}

/// To a key, to the next one where it is not there, to nothing behind all; a bucket is found as one.
#[test]
fn seek() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "0001")?;
        widgets.put("bar", "0002")?;
        widgets.put("baz", "0003")?;
        widgets.create_bucket("bkt").map(drop)
    });
    in_widgets(&db, |mut cursor| {
        assert_eq!(text(cursor.seek("bar")?), pair("bar", "0002"));
        assert_eq!(text(cursor.seek("bas")?), pair("baz", "0003"));
        assert_eq!(text(cursor.seek("")?), pair("bar", "0002"));
        assert_eq!(text(cursor.seek("zzz")?), None);
        assert_eq!(text(cursor.previous()?), pair("foo", "0001"));
        assert_eq!(text(cursor.seek("bkt")?), name("bkt"));
        assert_eq!(text(cursor.seek_back("bas")?), pair("bar", "0002"));
        assert_eq!(text(cursor.seek_back("a")?), None);
        assert_eq!(text(cursor.next()?), pair("bar", "0002"));
        Ok(())
    });
}

/// The first half is deleted on the way, nothing is passed over, and a bucket is not deleted.
#[test]
fn delete() {
    let db = rows(0..1000);
    db.change(|tx| {
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        widgets.create_bucket("sub")?;
        let mut cursor = widgets.cursor();
        cursor.first()?;
        for i in 0..500 {
            assert_eq!(text(cursor.current()?), pair(&number(i), ""));
            assert!(cursor.delete()?);
            assert!(cursor.current()?.is_none() && !cursor.delete()?);
            cursor.next()?;
        }
        cursor.seek("sub")?;
        assert!(matches!(cursor.delete(), Err(Error::IsABucket { name }) if name == b"sub"));
        assert_eq!(text(cursor.current()?), name("sub"));
        Ok(())
    });
    let read = db.begin_read();
    let widgets = read.bucket("widgets").unwrap().unwrap();
    assert_eq!((widgets.len(), widgets.bucket_count()), (500, 1));
}

/// A step after a deletion leads to the neighbour, both ways, whether the leaf was changed before in this transaction or not. (bbolt passes one over.)
#[test]
fn delete_then_step() {
    let db = rows(0..300);
    db.change(|tx| {
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        widgets.put(number(0), "changed")?;
        let mut cursor = widgets.cursor();
        cursor.seek(number(100))?;
        cursor.delete()?;
        assert_eq!(text(cursor.next()?), pair("0101", ""));
        cursor.delete()?;
        assert_eq!(text(cursor.previous()?), pair("0099", ""));
        assert_eq!(text(cursor.next()?), pair("0102", ""));
        cursor.last()?;
        cursor.delete()?;
        assert_eq!(cursor.next()?, None);
        assert_eq!(text(cursor.previous()?), pair("0298", ""));
        Ok(())
    });
}

/// A cursor that is at nothing deletes nothing: before the first step, and behind the last. (bbolt panics, or deletes the last one.)
#[test]
fn delete_at_nothing() {
    let db = rows(0..3);
    db.change(|tx| {
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        let mut cursor = widgets.cursor();
        assert!(!cursor.delete()?);
        cursor.last()?;
        cursor.next()?;
        assert!(!cursor.delete()? && !cursor.set_value("x")?);
        assert_eq!(widgets.len(), 3);
        Ok(())
    });
}

/// Among even keys, seeking an odd one leads to the next, over the bounds of pages too.
#[test]
fn seek_large() {
    let db = rows((0..5000).step_by(2));
    in_widgets(&db, |mut cursor| {
        for i in 0..5000u32 {
            let expected = number(i.next_multiple_of(2));
            let expected = (i < 4999).then_some(expected);
            let found = cursor.seek(number(i))?.map(|item| item.key().to_vec());
            assert_eq!(found, expected.map(String::into_bytes));
        }
        Ok(())
    });
}

/// An empty bucket has no first one.
#[test]
fn empty_bucket() {
    in_widgets(&rows(0..0), |mut cursor| {
        assert_eq!(cursor.first()?, None);
        assert_eq!(cursor.next()?, None);
        Ok(())
    });
}

/// And no last one.
#[test]
fn empty_bucket_reverse() {
    in_widgets(&rows(0..0), |mut cursor| {
        assert_eq!(cursor.last()?, None);
        assert_eq!(cursor.previous()?, None);
        assert_eq!(cursor.seek("")?, None);
        Ok(())
    });
}

fn three() -> Db {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("baz", "")?;
        widgets.put("foo", "0")?;
        widgets.put("bar", "1")
    });
    db
}

/// In order, with empty values, to the end and no further; a new cursor begins before the first one.
#[test]
fn iterate_leaf() {
    in_widgets(&three(), |mut cursor| {
        assert_eq!(cursor.current()?, None);
        assert_eq!(text(cursor.next()?), pair("bar", "1"));
        assert_eq!(text(cursor.next()?), pair("baz", ""));
        assert_eq!(text(cursor.next()?), pair("foo", "0"));
        assert_eq!(cursor.next()?, None);
        assert_eq!(cursor.next()?, None);
        Ok(())
    });
}

/// The same backwards.
#[test]
fn leaf_root_reverse() {
    in_widgets(&three(), |mut cursor| {
        assert_eq!(text(cursor.last()?), pair("foo", "0"));
        assert_eq!(text(cursor.previous()?), pair("baz", ""));
        assert_eq!(text(cursor.previous()?), pair("bar", "1"));
        assert_eq!(cursor.previous()?, None);
        assert_eq!(cursor.previous()?, None);
        Ok(())
    });
}

/// A walk can begin anew.
#[test]
fn restart() {
    in_widgets(&three(), |mut cursor| {
        for _ in 0..2 {
            assert_eq!(text(cursor.first()?), pair("bar", "1"));
            assert_eq!(text(cursor.next()?), pair("baz", ""));
        }
        Ok(())
    });
}

/// Leaves that were emptied in the same transaction are not in the way, forwards.
#[test]
fn first_empty_pages() {
    let db = rows(0..1000);
    db.change(|tx| {
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        for i in 0..600 {
            widgets.delete(number(i))?;
        }
        let mut cursor = widgets.cursor();
        let mut count = 0;
        while cursor.next()?.is_some() {
            count += 1;
        }
        assert_eq!(count, 400);
        Ok(())
    });
}

/// And backwards.
#[test]
fn last_empty_pages() {
    let db = rows(0..1000);
    db.change(|tx| {
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        for i in 200..1000 {
            widgets.delete(number(i))?;
        }
        let mut cursor = widgets.cursor();
        let mut count = u32::from(cursor.last()?.is_some());
        while cursor.previous()?.is_some() {
            count += 1;
        }
        assert_eq!(count, 200);
        Ok(())
    });
}

/// A cursor over buckets alone gives their names.
#[test]
fn quick_check_buckets_only() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        for key in ["foo", "bar", "baz"] {
            widgets.create_bucket(key)?;
        }
        Ok(())
    });
    in_widgets(&db, |mut cursor| {
        for expected in ["bar", "baz", "foo"] {
            assert_eq!(text(cursor.next()?), name(expected));
        }
        for expected in ["baz", "bar"] {
            assert_eq!(text(cursor.previous()?), name(expected));
        }
        assert_eq!(cursor.previous()?, None);
        Ok(())
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Any keys come in their order, and backwards in the other one.
    #[test]
    fn quick_check(keys in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 0..30), 0..200)) {
        let db = rows(0..0);
        db.change(|tx| {
            let mut widgets = tx.bucket_mut("widgets")?.unwrap();
            for key in &keys {
                widgets.put(key, "")?;
            }
            Ok(())
        });
        in_widgets(&db, |mut cursor| {
            for key in &keys {
                assert_eq!(cursor.next()?.map(|item| item.key().to_vec()).as_ref(), Some(key));
            }
            assert_eq!(cursor.next()?, None);
            for key in keys.iter().rev() {
                assert_eq!(cursor.previous()?.map(|item| item.key().to_vec()).as_ref(), Some(key));
            }
            assert_eq!(cursor.previous()?, None);
            Ok(())
        });
    }
}
