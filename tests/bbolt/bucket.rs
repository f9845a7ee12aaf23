//! Keys and values of a bucket.

use proptest::prelude::*;
use sapwood::pagefile::{Error, MAX_KEY_LEN, Options};

use crate::Db;

/// A key that is not there has no value.
#[test]
fn get_non_existent() {
    let db = Db::new();
    db.change(|tx| {
        let widgets = tx.create_bucket("widgets")?;
        assert!(widgets.get("foo")?.is_none());
        Ok(())
    });
}

/// A value can be read before the commit.
#[test]
fn get_from_node() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "bar")?;
        assert_eq!(widgets.get("foo")?.as_deref(), Some(&b"bar"[..]));
        Ok(())
    });
}

/// A bucket has no value.
#[test]
fn get_incompatible_value() {
    let db = Db::new();
    db.change(|tx| {
        tx.bucket_or_create_at(["widgets", "foo"])?;
        assert!(tx.bucket("widgets")?.unwrap().get("foo")?.is_none());
        Ok(())
    });
    assert_eq!(db.value(&["widgets"], "foo"), None);
}

/// What was put is there, with an empty value too, which is not the same as none.
#[test]
fn put() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "bar")?;
        widgets.put("empty", "")?;
        assert_eq!(widgets.get("empty")?.as_deref(), Some(&b""[..]));
        Ok(())
    });
    assert_eq!(db.value(&["widgets"], "foo"), Some(b"bar".to_vec()));
    assert_eq!(db.value(&["widgets"], "empty"), Some(Vec::new()));
}

/// The last value put for a key counts, and its bytes are copied: what the caller does to them later has no effect.
#[test]
fn put_repeat() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        let (mut key, mut value) = (b"foo".to_vec(), b"bar".to_vec());
        assert!(!widgets.put(&key, &value)?);
        value.copy_from_slice(b"baz");
        assert!(widgets.put(&key, &value)?);
        key.fill(0);
        value.fill(0);
        assert_eq!(widgets.len(), 1);
        Ok(())
    });
    assert_eq!(db.value(&["widgets"], "foo"), Some(b"baz".to_vec()));
}

/// Long keys and long values are given back as they were.
#[test]
fn put_large() {
    let db = Db::new();
    let key = |i: usize| vec![b'0'; i * 200];
    let value = |i: usize| vec![b'X'; (100 - i) * 200];
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        for i in 1..100 {
            widgets.put(key(i), value(i))?;
        }
        Ok(())
    });
    for i in 1..100 {
        assert_eq!(db.value(&["widgets"], key(i)), Some(value(i)));
    }
}

/// Two loads of many rows in one commit each.
#[test]
fn put_very_large() {
    let db = Db::new();
    for batch in 0..2u32 {
        db.change(|tx| {
            let mut widgets = tx.bucket_or_create("widgets")?;
            for i in 0..20_000u32 {
                let key = (batch * 20_000 + i).to_le_bytes();
                widgets.put(key, [0; 500])?;
            }
            Ok(())
        });
    }
    let read = db.begin_read();
    assert_eq!(read.bucket("widgets").unwrap().unwrap().len(), 40_000);
}

/// A key with a value does not take the place of a bucket.
#[test]
fn put_incompatible_value() {
    let db = Db::new();
    db.change(|tx| {
        tx.bucket_or_create_at(["widgets", "foo"])?;
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        let refused = widgets.put("foo", "bar");
        assert!(matches!(refused, Err(Error::IsABucket { name }) if name == b"foo"));
        assert!(widgets.bucket("foo")?.is_some());
        Ok(())
    });
}

/// An empty key is a key, and an empty name a name.
#[test]
fn put_empty_key() {
    let db = Db::new();
    db.change(|tx| {
        let mut nameless = tx.create_bucket("")?;
        nameless.put("", "bar")?;
        nameless.put("a", "")?;
        let first = nameless.iter().next().transpose()?;
        assert_eq!(&*first.unwrap().1, b"bar");
        Ok(())
    });
    assert_eq!(db.value(&[""], ""), Some(b"bar".to_vec()));
}

/// A key over the limit is refused, one at the limit is not.
#[test]
fn put_key_too_large() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put(vec![1; MAX_KEY_LEN], "bar")?;
        let refused = widgets.put(vec![1; MAX_KEY_LEN + 1], "bar");
        let expected = MAX_KEY_LEN + 1;
        assert!(matches!(refused, Err(Error::KeyTooLong { len, .. }) if len == expected));
        assert_eq!(widgets.len(), 1);
        Ok(())
    });
}

/// What is deleted is gone at once.
#[test]
fn delete() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "bar")?;
        assert!(widgets.delete("foo")?);
        assert!(widgets.get("foo")?.is_none());
        Ok(())
    });
}

/// Many long values deleted in one transaction are all gone.
#[test]
fn delete_large() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        for i in 0..100 {
            widgets.put(i.to_string(), vec![b'*'; 1024])?;
        }
        Ok(())
    });
    db.change(|tx| {
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        for i in 0..100 {
            assert!(widgets.delete(i.to_string())?);
        }
        Ok(())
    });
    for i in 0..100 {
        assert_eq!(db.value(&["widgets"], i.to_string()), None);
    }
}

/// More than 65,535 pages freed by one commit are all free afterwards, and after opening the file again.
#[test]
fn delete_freelist_overflow() {
    let mut db = Db::with(&Options::new().page_size(512).log_size(0));
    db.change(|tx| {
        let mut rows = tx.create_bucket("0")?;
        for i in 0..66_000u32 {
            rows.put(i.to_be_bytes(), [0; 300])?;
        }
        Ok(())
    });
    db.change(|tx| {
        let mut rows = tx.bucket_mut("0")?.unwrap();
        for i in 0..66_000u32 {
            rows.delete(i.to_be_bytes())?;
        }
        Ok(())
    });
    // The state before stays whole for one more commit, and then its pages are free.
    db.change(|tx| tx.bucket_or_create("0")?.put("a", "b"));
    db.change(|tx| tx.bucket_or_create("0")?.put("a", "c"));
    let before = db.check_report();
    assert!(before.free_pages > 65_535, "{before:?}");
    db.reopen();
    drop(db.begin_write().unwrap());
    let after = db.check_report();
    assert_eq!(
        before.free_pages + before.held_pages,
        after.free_pages + after.held_pages
    );
}

/// A key that is not there is deleted without effect; a bucket beside it stays.
#[test]
fn delete_non_existing() {
    let db = Db::new();
    db.change(|tx| tx.bucket_or_create_at(["widgets", "nested"]).map(drop));
    db.change(|tx| {
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        assert!(!widgets.delete("foo")?);
        assert!(widgets.bucket("nested")?.is_some());
        Ok(())
    });
}

/// A transaction that deletes nothing writes nothing.
#[test]
fn delete_of_nothing_writes_nothing() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("widgets").map(drop));
    let before = db.stats();
    db.change(|tx| tx.bucket_mut("widgets")?.unwrap().delete("foo"));
    let after = db.stats();
    assert_eq!((after.commit, after.writes), (before.commit, before.writes));
    assert_eq!(after.file_bytes, before.file_bytes);
}

/// `delete` does not delete a bucket.
#[test]
fn delete_bucket_by_delete() {
    let db = Db::new();
    db.change(|tx| {
        tx.bucket_or_create_at(["widgets", "foo"])?;
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        let refused = widgets.delete("foo");
        assert!(matches!(refused, Err(Error::IsABucket { name }) if name == b"foo"));
        assert!(matches!(widgets.take("foo"), Err(Error::IsABucket { .. })));
        Ok(())
    });
}

/// A bucket's own number is 0, is what it was set to, and is kept.
#[test]
fn sequence() {
    let mut db = Db::new();
    db.change(|tx| {
        let mut bucket = tx.create_bucket("0")?;
        assert_eq!(bucket.sequence(), 0);
        bucket.set_sequence(1000);
        assert_eq!(bucket.sequence(), 1000);
        Ok(())
    });
    db.reopen();
    let read = db.begin_read();
    assert_eq!(read.bucket("0").unwrap().unwrap().sequence(), 1000);
}

/// Each bucket counts for itself, from 1 on.
#[test]
fn next_sequence() {
    let db = Db::new();
    db.change(|tx| {
        tx.create_bucket("widgets")?;
        tx.create_bucket("woojits")?;
        for expected in 1..3 {
            assert_eq!(tx.bucket_mut("widgets")?.unwrap().next_sequence(), expected);
        }
        assert_eq!(tx.bucket_mut("woojits")?.unwrap().next_sequence(), 1);
        Ok(())
    });
}

/// The number is kept when it is all that was changed, and not when the transaction is aborted.
#[test]
fn next_sequence_persist() {
    let db = Db::new();
    db.change(|tx| tx.create_bucket("widgets").map(drop));
    db.change(|tx| Ok(tx.bucket_mut("widgets")?.unwrap().next_sequence()));
    let mut aborted = db.begin_write().unwrap();
    let mut widgets = aborted.bucket_mut("widgets").unwrap().unwrap();
    assert_eq!(widgets.next_sequence(), 2);
    drop(aborted);
    db.change(|tx| {
        assert_eq!(tx.bucket_mut("widgets")?.unwrap().next_sequence(), 2);
        Ok(())
    });
}

fn keys_and_values() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    let bytes = |most| prop::collection::vec(any::<u8>(), 1..most);
    prop::collection::vec((bytes(60), bytes(300)), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// After each put in a transaction of its own, everything that was put before is there.
    #[test]
    fn put_single(items in keys_and_values()) {
        let db = Db::new();
        let mut put = std::collections::BTreeMap::new();
        for (key, value) in items {
            db.change(|tx| tx.bucket_or_create("widgets")?.put(&key, &value));
            put.insert(key, value);
            for (key, value) in &put {
                prop_assert_eq!(db.value(&["widgets"], key), Some(value.clone()));
            }
        }
    }

    /// Many puts in one transaction are all there.
    #[test]
    fn put_multiple(items in keys_and_values()) {
        let db = Db::new();
        db.change(|tx| {
            let mut widgets = tx.create_bucket("widgets")?;
            for (key, value) in &items {
                widgets.put(key, value)?;
            }
            Ok(())
        });
        let put: std::collections::BTreeMap<_, _> = items.into_iter().collect();
        for (key, value) in &put {
            prop_assert_eq!(db.value(&["widgets"], key), Some(value.clone()));
        }
    }

    /// Deleted one by one, each in a transaction of its own, nothing is left.
    #[test]
    fn delete_quick(items in keys_and_values()) {
        let db = Db::new();
        db.change(|tx| {
            let mut widgets = tx.create_bucket("widgets")?;
            for (key, value) in &items {
                widgets.put(key, value)?;
            }
            Ok(())
        });
        for (key, _) in &items {
            db.change(|tx| tx.bucket_mut("widgets")?.unwrap().delete(key));
            prop_assert_eq!(db.value(&["widgets"], key), None);
        }
        prop_assert!(db.begin_read().bucket("widgets").unwrap().unwrap().is_empty());
    }
}
