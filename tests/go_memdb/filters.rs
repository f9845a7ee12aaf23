//! Filters over what a query gives: those of Rust's iterators, which every list is.

use super::fixture::{Main, ids, open, row};

/// A predicate on the length of the id drops two, one and none of three rows; the order stays, in the transaction and after it.
#[test]
fn filter_iterator() {
    fn check<'a>(rows: impl DoubleEndedIterator<Item = &'a sapwood::Row<Main>> + Clone) {
        let longer = |n: usize| ids(rows.clone().filter(|row| row.id.len() > n));
        assert_eq!(longer(2), ["abc"]);
        assert_eq!(longer(1), ["ab", "abc"]);
        assert_eq!(longer(0), ["a", "ab", "abc"]);
        assert_eq!(
            ids(rows.clone().rev().filter(|row| row.id.len() > 1)),
            ["abc", "ab"]
        );
    }

    let db = open();
    let mut tx = db.begin_write().unwrap();
    for id in ["abc", "a", "ab"] {
        tx.insert(row(id, "same", &[])).unwrap();
    }
    check(tx.list(Main::BY_FOO.eq("same")));
    tx.commit().unwrap();
    check(db.snapshot().list(Main::BY_FOO.eq("same")));
}

/// What a list gives is an iterator with two ends: every adaptor and collection of the standard library takes it.
#[test]
fn interface_conformance() {
    fn whole<I>(rows: I) -> I
    where
        I: DoubleEndedIterator + std::iter::FusedIterator + Clone,
    {
        rows
    }

    let snapshot = open().snapshot();
    assert_eq!(whole(snapshot.list(Main::ALL)).count(), 0);
}

/// A filter that is always the same one is an index with `when`, or a computed one: then it is not a scan. It is on the watch of the query
/// that a filter stands, as there: the watch tells when the rows before the filter change.
#[test]
fn a_filter_does_not_narrow_its_watch() {
    let db = open();
    db.write(|tx| tx.insert(row("abc", "same", &[]))).unwrap();
    let query = Main::BY_FOO.eq("same");
    let snapshot = db.snapshot();
    let watch = snapshot.watch(query.clone());
    let long = |snapshot: &sapwood::Snapshot| {
        let rows = snapshot.list(query.clone());
        rows.filter(|row| row.id.len() > 2).count()
    };
    assert_eq!(long(&snapshot), 1);
    db.write(|tx| tx.insert(row("a", "same", &[]))).unwrap();
    assert!(watch.is_fired());
    assert_eq!(long(&db.snapshot()), 1);
}
