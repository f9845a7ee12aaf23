//! Pages, by offset and by the key after which they begin, are the list cut into pieces, from both ends.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    reason = "a test that cannot go on fails; indexes share columns"
)]

use std::ops::Bound;

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{Database, Error, Query, Row, Snapshot, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(index(by_owner_id, on[owner, id], unique))]
#[table(index(by_owner_desc_id, on[owner, desc(id)]))]
struct Doc {
    #[key]
    id: u16,
    #[index]
    owner: String,
    #[index(each)]
    tags: Vec<u8>,
}

fn doc() -> impl Strategy<Value = Doc> {
    (any::<u16>(), 0..4u8, vec(0..8u8, 0..3)).prop_map(|(id, owner, tags)| Doc {
        id,
        owner: ["", "a", "a\0", "b"][usize::from(owner)].to_owned(),
        tags,
    })
}

fn ids<'a>(rows: impl Iterator<Item = &'a Row<Doc>>) -> Vec<u16> {
    rows.map(|doc| doc.id).collect()
}

/// Pages by offset, forwards and backwards.
fn by_offset(snapshot: &Snapshot, query: &Query<Doc>, size: usize) {
    let all = ids(snapshot.list(query.clone()));
    let list = || snapshot.list(query.clone());
    for (page, expected) in all.chunks(size).enumerate() {
        assert_eq!(ids(list().skip(page * size).take(size)), expected);
    }
    let mirrored: Vec<u16> = all.iter().rev().copied().collect();
    for (page, expected) in mirrored.chunks(size).enumerate() {
        assert_eq!(ids(list().rev().skip(page * size).take(size)), expected);
    }
    // Behind the end there is nothing, from either side, and a jump leaves what is on its other side.
    assert!(list().nth(all.len()).is_none() && list().nth_back(all.len()).is_none());
    for offset in 0..all.len() {
        let mut rows = list();
        assert_eq!(
            rows.nth_back(offset).map(|doc| doc.id),
            Some(mirrored[offset])
        );
        assert_eq!(ids(rows), all[..all.len() - offset - 1]);
        let mut rows = list();
        assert_eq!(rows.nth(offset).map(|doc| doc.id), Some(all[offset]));
        assert_eq!(ids(rows.rev()), mirrored[..all.len() - offset - 1]);
    }
}

/// Pages that begin after the last row of the page before: `after` makes the query from that row.
fn by_key(snapshot: &Snapshot, whole: Query<Doc>, size: usize, after: impl Fn(&Doc) -> Query<Doc>) {
    let all = ids(snapshot.list(whole.clone()));
    let mut query = whole;
    let mut paged = Vec::new();
    loop {
        let page: Vec<_> = snapshot.list(query).take(size).collect();
        paged.extend(page.iter().map(|doc| doc.id));
        let Some(last) = page.last() else { break };
        query = after(last);
    }
    assert_eq!(paged, all);
}

/// As [`by_key`], from the end: `before` makes the query from the first row of the page.
fn by_key_back(
    snapshot: &Snapshot,
    whole: Query<Doc>,
    size: usize,
    before: impl Fn(&Doc) -> Query<Doc>,
) {
    let mut all = ids(snapshot.list(whole.clone()));
    all.reverse();
    let mut query = whole;
    let mut paged = Vec::new();
    loop {
        let page: Vec<_> = snapshot.list(query).rev().take(size).collect();
        paged.extend(page.iter().map(|doc| doc.id));
        let Some(first) = page.last() else { break };
        query = before(first);
    }
    assert_eq!(paged, all);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Pages of any size, of trees of several levels, give each row once and in order.
    #[test]
    fn pages_are_the_list_in_pieces(docs in vec(doc(), 0..200), size in 1..40usize) {
        let db = Database::builder().table::<Doc>().in_memory().unwrap();
        db.write(|tx| docs.iter().try_for_each(|doc| tx.put(doc.clone()).map(drop))).unwrap();
        let snapshot = db.snapshot();
        for query in [
            Doc::ALL,
            Doc::BY_OWNER.all(),
            Doc::BY_OWNER.eq("a"),
            Doc::BY_OWNER_ID.prefix("a\0"),
            Doc::BY_TAGS.all(),
            Doc::BY_TAGS.range(2..5),
        ] {
            by_offset(&snapshot, &query, size);
        }
        by_key(&snapshot, Doc::ALL, size, |doc| Doc::BY_ID.range((Bound::Excluded(doc.id), Bound::Unbounded)));
        by_key_back(&snapshot, Doc::ALL, size, |doc| Doc::BY_ID.range(..doc.id));
        // Of one owner, and across owners.
        by_key(&snapshot, Doc::BY_OWNER_ID.prefix("a"), size, |doc| {
            Doc::BY_OWNER_ID.range((Bound::Excluded(("a", doc.id)), Bound::Included(("a", u16::MAX))))
        });
        by_key(&snapshot, Doc::BY_OWNER_ID.all(), size, |doc| {
            Doc::BY_OWNER_ID.range((Bound::Excluded((doc.owner.as_str(), doc.id)), Bound::Unbounded))
        });
        by_key_back(&snapshot, Doc::BY_OWNER_DESC_ID.all(), size, |doc| {
            Doc::BY_OWNER_DESC_ID.range(..(doc.owner.as_str(), std::cmp::Reverse(doc.id)))
        });
    }
}

/// Pages by key go on where they were, although rows came and went on both sides: none is given twice, and none that stayed is left out.
#[test]
fn pages_by_key_across_commits() {
    let db = Database::builder().table::<Doc>().in_memory().unwrap();
    let put = |tx: &mut sapwood::WriteTxn, id| {
        tx.put(Doc {
            id,
            owner: String::new(),
            tags: Vec::new(),
        })
        .map(drop)
    };
    db.write(|tx| (0..100).step_by(2).try_for_each(|id| put(tx, id)))
        .unwrap();
    let mut paged = Vec::new();
    let mut after = Bound::Unbounded;
    loop {
        let page = ids(db
            .snapshot()
            .list(Doc::BY_ID.range((after, Bound::Unbounded)))
            .take(7));
        let Some(&last) = page.last() else { break };
        paged.extend(page);
        after = Bound::Excluded(last);
        // Behind and before the end of the page: the last row itself goes, too.
        db.write(|tx| {
            tx.remove::<Doc>(last)?;
            put(tx, last / 2)?;
            Ok::<_, Error>(())
        })
        .unwrap();
    }
    assert_eq!(paged, (0..100).step_by(2).collect::<Vec<u16>>());
}
