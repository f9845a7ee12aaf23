//! Who follows: keeps a replica, which is at each step what the store was, and what it is at the end.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use sapwood::{Follow, Query, Row, Snapshot};

use super::bank::{Numbered, check};
use super::pace::{Counts, count};

pub(crate) type Replica<T> = BTreeMap<u64, Row<T>>;

/// Follows until the database is closed; the end is then compared with its last state.
pub(crate) fn follow<T: Numbered>(
    follower: Follow<T>,
    query: &Query<T>,
    last: &Snapshot,
    counts: &Counts,
) {
    let replica = keep(follower, query, counts);
    assert!(
        same(&replica, last, query),
        "the replica is not what {query:?} is at the end"
    );
}

/// Keeps a replica of a query until the database is closed.
pub(crate) fn keep<T: Numbered>(
    mut follower: Follow<T>,
    query: &Query<T>,
    counts: &Counts,
) -> Replica<T> {
    let mut replica = Replica::new();
    let mut at = None;
    while let Some(batch) = follower.next() {
        assert_eq!(batch.from(), at, "a gap");
        at = Some(batch.to());
        count(&counts.steps);
        let changes = counts
            .changes
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        for change in batch {
            let before = match change.after() {
                Some(new) => replica.insert(new.number(), new.clone()),
                None => change
                    .before()
                    .and_then(|old| replica.remove(&old.number())),
            };
            let told = change.before();
            assert_eq!(before.is_some(), told.is_some());
            assert!(before.iter().zip(told).all(|(a, b)| a.same(b)));
        }
        let seen = follower.snapshot();
        assert_eq!(Some(seen.revision()), at);
        assert!(same(&replica, seen, query), "another state than {seen:?}");
        // What is read with it is of the same commit.
        if changes.is_multiple_of(16) {
            check(seen);
        }
    }
    replica
}

/// Whether a replica has the very rows of the query.
pub(crate) fn same<T: Numbered>(
    replica: &Replica<T>,
    snapshot: &Snapshot,
    query: &Query<T>,
) -> bool {
    let mut rows: Vec<_> = snapshot.list(query.clone()).collect();
    rows.sort_by_key(|row| row.number());
    rows.dedup_by(|a, b| a.same(b));
    rows.len() == replica.len() && rows.iter().zip(replica.values()).all(|(a, b)| a.same(b))
}
