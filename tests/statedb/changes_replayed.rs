//! The property of their fuzz test on change trackers: a replica that is made of the changes is the table.

use std::collections::BTreeMap;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use sapwood::{Change, Follow, Query, Revision, Snapshot};

use super::rows::{Object, open};

/// What a consumer has of each row: the tags, and the revision that wrote it.
type Replica = BTreeMap<u64, (Vec<String>, Revision)>;

fn shown(snap: &Snapshot, query: Query<Object>) -> Replica {
    snap.list(query)
        .map(|row| (row.id, (row.tags.iter().cloned().collect(), row.modified())))
        .collect()
}

/// Takes all steps that there are, and checks each against what it claims.
fn catch_up(follower: &mut Follow<Object>, replica: &mut Replica) -> Result<(), TestCaseError> {
    let mut last = None;
    while let Some(step) = follower.try_next() {
        prop_assert!(step.from().is_none_or(|from| from < step.to()));
        prop_assert!(last.is_none_or(|last| step.from() == Some(last)));
        last = Some(step.to());
        let mut seen = Vec::new();
        for change in &step {
            let row = change.after().or(change.before()).unwrap();
            seen.push(row.id);
            let known = replica.get(&row.id).map(|known| known.1);
            // A change is of the row that the consumer has, and no other.
            prop_assert_eq!(change.before().map(sapwood::Row::modified), known);
            match change {
                Change::Removed(row) => drop(replica.remove(&row.id)),
                Change::Inserted(row) | Change::Updated { new: row, .. } => {
                    let from = step.from().unwrap_or(Revision::ZERO);
                    let recent =
                        row.modified() <= step.to() && (known.is_none() || row.modified() > from);
                    prop_assert!(recent);
                    replica.insert(row.id, (row.tags.iter().cloned().collect(), row.modified()));
                }
            }
        }
        let told = seen.len();
        seen.sort_unstable();
        seen.dedup();
        prop_assert_eq!(seen.len(), told, "a row is told once in a step");
    }
    Ok(())
}

#[derive(Clone, Debug)]
enum Act {
    Put(u64, Vec<String>),
    Remove(u64),
    RemoveThird(u64),
    RemoveAll,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..12_u64, btree_set("[a-c]", 0..3)).prop_map(|(id, tags)| Act::Put(id, tags.into_iter().collect())),
        3 => (0..12_u64).prop_map(Act::Remove),
        1 => (0..3_u64).prop_map(Act::RemoveThird),
        1 => Just(Act::RemoveAll),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Followers that begin at different times, of the table, of a tag and of a range, and look now and then: whenever one has taken its steps, its replica is
    /// its query's result, row by row with the revisions; transactions that are dropped leave no trace in it.
    #[test]
    fn a_replay_equals_the_table(
        steps in vec((vec(act(), 1..5), any::<bool>(), proptest::option::of(0..3_u8), any::<u8>()), 1..20),
    ) {
        let db = open();
        let queries = [Object::ALL, Object::BY_TAGS.eq("b"), Object::BY_ID.range(4..9)];
        let mut followers: Vec<(Follow<Object>, Query<Object>, Replica)> = Vec::new();
        for (acts, commit, begin, look) in steps {
            let mut tx = db.begin_write().unwrap();
            for act in acts {
                match act {
                    Act::Put(id, tags) => drop(tx.put(Object { id, tags: tags.into_iter().collect() }).unwrap()),
                    Act::Remove(id) => drop(tx.remove::<Object>(id).unwrap()),
                    Act::RemoveAll => drop(tx.remove_all(Object::ALL)),
                    Act::RemoveThird(third) => {
                        let ids: Vec<u64> = tx.list(Object::ALL).map(|row| row.id).collect();
                        for id in ids.into_iter().filter(|id| id % 3 == third) {
                            tx.remove::<Object>(id).unwrap();
                        }
                    }
                }
            }
            if let Some(query) = begin {
                let query = &queries[usize::from(query)];
                followers.push((db.follow(query.clone()).unwrap(), query.clone(), Replica::new()));
            }
            if commit {
                tx.commit().unwrap();
            } else {
                drop(tx);
            }
            for (n, (follower, query, replica)) in followers.iter_mut().enumerate() {
                if look >> (n % 8) & 1 == 1 {
                    catch_up(follower, replica)?;
                    prop_assert_eq!(&*replica, &shown(&db.snapshot(), query.clone()));
                    prop_assert_eq!(&*replica, &shown(follower.snapshot(), query.clone()));
                }
            }
        }
        for (follower, query, replica) in &mut followers {
            catch_up(follower, replica)?;
            prop_assert_eq!(&*replica, &shown(&db.snapshot(), query.clone()));
        }
    }

    /// Rows listed by the revision that wrote them come in the order of their commits, and each one written again goes to the end: their query by revision,
    /// as a sort of what a snapshot shows.
    #[test]
    fn rows_by_revision(writes in vec(0..8_u64, 1..30)) {
        let db = open();
        let mut order: Vec<u64> = Vec::new();
        for id in &writes {
            db.write(|tx| tx.put(Object { id: *id, tags: [].into() })).unwrap();
            order.retain(|other| other != id);
            order.push(*id);
        }
        let snap = db.snapshot();
        let mut rows: Vec<_> = snap.list(Object::ALL).collect();
        rows.sort_by_key(|row| row.modified());
        prop_assert!(rows.iter().map(|row| row.id).eq(order.iter().copied()));
        let since = rows[rows.len() / 2].modified();
        let newer = snap.list(Object::ALL).filter(|row| row.modified() >= since).count();
        prop_assert_eq!(newer, rows.len() - rows.len() / 2);
    }
}
