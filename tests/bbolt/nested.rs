//! Buckets in buckets.

use sapwood::pagefile::{Error, Item};

use crate::Db;

/// A bucket in a bucket stays right while its parent and it itself grow over many pages.
#[test]
fn nested() {
    let mut db = Db::new();
    db.change(|tx| {
        tx.bucket_or_create_at(["widgets", "foo"])?;
        tx.bucket_mut("widgets")?.unwrap().put("bar", "0000")
    });
    db.reopen();
    db.change(|tx| tx.bucket_mut("widgets")?.unwrap().put("bar", "xxxx"));
    db.reopen();
    db.change(|tx| {
        let mut widgets = tx.bucket_mut("widgets")?.unwrap();
        for i in 0..10_000 {
            widgets.put(format!("{i}"), format!("{i}"))?;
        }
        Ok(())
    });
    db.reopen();
    db.change(|tx| {
        let mut foo = tx.bucket_mut_at(["widgets", "foo"])?.unwrap();
        foo.put("baz", "yyyy")
    });
    db.reopen();
    assert_eq!(db.value(&["widgets", "foo"], "baz"), Some(b"yyyy".to_vec()));
    assert_eq!(db.value(&["widgets"], "bar"), Some(b"xxxx".to_vec()));
    for i in 0..10_000 {
        let i = format!("{i}").into_bytes();
        assert_eq!(db.value(&["widgets"], &i), Some(i));
    }
}

/// A bucket goes with all that lies in it, in the transaction that made it.
#[test]
fn delete_bucket_nested() {
    let db = Db::new();
    db.change(|tx| {
        tx.bucket_or_create_at(["widgets", "foo", "bar"])?
            .put("baz", "bat")?;
        assert!(tx.bucket_mut("widgets")?.unwrap().delete_bucket("foo")?);
        assert!(tx.bucket_at(["widgets", "foo"])?.is_none());
        Ok(())
    });
    assert_eq!(db.value(&["widgets", "foo", "bar"], "baz"), None);
}

/// The same after it was committed.
#[test]
fn delete_bucket_nested_2() {
    let db = Db::new();
    db.change(|tx| {
        tx.bucket_or_create_at(["widgets", "foo", "bar"])?
            .put("baz", "bat")
    });
    assert_eq!(
        db.value(&["widgets", "foo", "bar"], "baz"),
        Some(b"bat".to_vec())
    );
    db.change(|tx| tx.delete_bucket("widgets"));
    assert!(db.begin_read().bucket("widgets").unwrap().is_none());
    assert_eq!(db.check_report().leaf_pages, 0);
}

/// All pages of a large bucket that is deleted with its parent are free again.
#[test]
fn delete_bucket_large() {
    let db = Db::new();
    db.change(|tx| {
        let mut foo = tx.bucket_or_create_at(["widgets", "foo"])?;
        for i in 0..1000 {
            foo.put(format!("{i}"), format!("{i:0100}"))?;
        }
        Ok(())
    });
    db.change(|tx| tx.delete_bucket("widgets"));
    db.check();
    let report = db.check_report();
    assert_eq!(report.free_pages + report.held_pages + 2, report.pages);
}

/// A key with a value is no bucket.
#[test]
fn bucket_incompatible_value() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "bar")?;
        assert!(widgets.bucket("foo")?.is_none());
        assert!(widgets.bucket_mut("foo")?.is_none());
        Ok(())
    });
}

/// A bucket does not take the place of a key with a value.
#[test]
fn create_bucket_incompatible_value() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "bar")?;
        for refused in [
            widgets.create_bucket("foo").map(drop),
            widgets.bucket_or_create("foo").map(drop),
        ] {
            assert!(matches!(refused, Err(Error::NotABucket { name }) if name == b"foo"));
        }
        assert_eq!(widgets.get("foo")?.as_deref(), Some(&b"bar"[..]));
        Ok(())
    });
}

/// `delete_bucket` does not delete a key with a value.
#[test]
fn delete_bucket_incompatible_value() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "bar")?;
        let refused = widgets.delete_bucket("foo");
        assert!(matches!(refused, Err(Error::NotABucket { name }) if name == b"foo"));
        assert_eq!(widgets.len(), 1);
        Ok(())
    });
}

/// The names of buckets come among the keys, in order, told apart; the same in read and write transactions.
#[test]
fn for_each() {
    let db = Db::new();
    let expected = [
        ("bar", Some("0002")),
        ("baz", Some("0001")),
        ("csubbucket", None),
        ("foo", Some("0000")),
    ];
    let is_right = |items: sapwood::pagefile::Items<'_>| {
        let items = items.map(|item| match item.unwrap() {
            Item::Value(key, value) => (key.to_vec(), Some(value.to_vec())),
            Item::Bucket(name) => (name.to_vec(), None),
        });
        let expected = expected.map(|(key, value)| (key.into(), value.map(Into::into)));
        assert_eq!(items.collect::<Vec<_>>(), expected);
    };
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        for (key, value) in expected {
            match value {
                Some(value) => widgets.put(key, value).map(drop)?,
                None => widgets.create_bucket(key).map(drop)?,
            }
        }
        is_right(widgets.items());
        Ok(())
    });
    is_right(db.begin_read().bucket("widgets").unwrap().unwrap().items());
}

/// The buckets alone, without the keys; and the keys alone, without the buckets.
#[test]
fn for_each_bucket() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "0000")?;
        widgets.create_bucket("zsubbucket")?;
        widgets.create_bucket("asubbucket")?;
        widgets.put("bar", "0001")?;
        let names: Vec<_> = widgets.buckets().collect::<Result<_, _>>()?;
        assert_eq!(names, ["asubbucket", "zsubbucket"]);
        let keys: Vec<_> = widgets.iter().collect::<Result<_, _>>()?;
        assert!(keys.iter().map(|(key, _)| &**key).eq([b"bar", b"foo"]));
        assert_eq!((widgets.len(), widgets.bucket_count()), (2, 2));
        Ok(())
    });
}

/// A bucket without buckets lists none.
#[test]
fn for_each_bucket_no_buckets() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        widgets.put("foo", "0000")?;
        assert!(widgets.buckets().next().is_none());
        Ok(())
    });
}

/// A walk ends where its user wants.
#[test]
fn for_each_short_circuit() {
    let db = Db::new();
    db.change(|tx| {
        let mut widgets = tx.create_bucket("widgets")?;
        for key in ["bar", "baz", "foo"] {
            widgets.put(key, "0000")?;
        }
        let mut steps = 0;
        let found = widgets.iter().find(|entry| {
            steps += 1;
            entry.as_ref().is_ok_and(|(key, _)| **key == *b"baz")
        });
        assert!(found.is_some() && steps == 2);
        Ok(())
    });
}
