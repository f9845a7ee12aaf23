//! Followers: what `state_machine` does not ask of them, and the stream.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sapwood::{Database, Error, Revision};

mod support;

use support::item::Item;
use support::model::in_memory;

/// A unique key that goes from one row to another is a removal and an insertion, not an update of the one into the other.
#[test]
fn a_unique_key_that_changes_hands_is_told_as_two_changes() {
    use sapwood::Table;
    use serde::{Deserialize, Serialize};

    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    struct Lease {
        #[key]
        id: u64,
        #[index(unique)]
        address: u8,
    }

    let db = Database::builder().table::<Lease>().in_memory().unwrap();
    db.write(|tx| tx.insert(Lease { id: 1, address: 7 }))
        .unwrap();
    let mut follower = db.follow(Lease::BY_ADDRESS.eq(7)).unwrap();
    assert_eq!(follower.next().unwrap().len(), 1);
    db.write(|tx| {
        tx.update::<Lease>(1, |lease| lease.address = 8)?;
        tx.insert(Lease { id: 2, address: 7 })
    })
    .unwrap();
    let batch = follower.next().unwrap();
    let mut told: Vec<_> = batch
        .changes()
        .iter()
        .map(|change| {
            (
                change.before().map(|row| row.id),
                change.after().map(|row| row.id),
            )
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told, [(None, Some(2)), (Some(1), None)]);
}

/// Steps join also over commits that did not touch the query and were looked at in between.
#[test]
fn a_look_in_vain_leaves_no_gap() {
    let db = in_memory();
    let mut follower = db.follow(Item::ALL).unwrap();
    let first = follower.next().unwrap();
    let task = |id| support::item::Task { id, state: 0 };
    db.write(|tx| tx.insert(task(1))).unwrap();
    assert!(follower.try_next().is_none());
    let item: Item = support::item::plain("a", 1);
    db.write(|tx| tx.insert(item)).unwrap();
    let second = follower.next().unwrap();
    assert_eq!(second.from(), Some(first.to()));
    assert_eq!(second.to(), Revision::new(2));
}

#[cfg(feature = "async")]
mod stream {
    use std::collections::BTreeMap;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::{self, Thread};

    use futures_core::Stream;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use sapwood::{Batch, Follow};

    use super::support::ask::pick;
    use super::support::change::txn;
    use super::support::following::Replica;
    use super::support::model::{Model, Stored, cases};
    use super::support::modelled::Modelled;
    use super::*;

    /// Whether the task was woken.
    #[derive(Default)]
    struct Bell(AtomicBool);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Release);
        }
    }

    proptest! {
        #![proptest_config(cases(32))]

        /// As a stream, a follower hands out what it does as an iterator; a task that found nothing is woken by the next change of its
        /// query, and by nothing else.
        #[test]
        fn a_stream_gives_the_same(steps in vec((txn(), any::<bool>()), 1..20), pick in pick()) {
            let db = in_memory();
            let mut model = Model::default();
            let ask = pick.ask();
            let mut plain = db.follow(ask.query.clone()).unwrap();
            let mut stream = db.follow(ask.query.clone()).unwrap();
            let bell = Arc::new(Bell::default());
            let waker = Waker::from(Arc::clone(&bell));
            let mut context = Context::from_waker(&waker);
            let mut pending = false;
            for (txn, look) in &steps {
                let before = model.clone();
                txn.run(&db, &mut model);
                if pending {
                    let changed = before.find(&ask) != model.find(&ask);
                    prop_assert_eq!(bell.0.swap(false, Ordering::AcqRel), changed);
                    pending = !changed;
                }
                if !look {
                    continue;
                }
                loop {
                    let expected = plain.try_next();
                    let batch = match Pin::new(&mut stream).poll_next(&mut context) {
                        Poll::Ready(batch) => Some(batch.expect("the database is open")),
                        Poll::Pending => None,
                    };
                    prop_assert_eq!(batch.as_ref().map(Batch::from), expected.as_ref().map(Batch::from));
                    prop_assert_eq!(batch.as_ref().map(Batch::to), expected.as_ref().map(Batch::to));
                    prop_assert_eq!(
                        batch.as_ref().map(Batch::changes),
                        expected.as_ref().map(Batch::changes)
                    );
                    if batch.is_none() {
                        pending = true;
                        break;
                    }
                }
            }
            db.close().unwrap();
            if pending {
                prop_assert!(bell.0.load(Ordering::Acquire), "the end wakes too");
            }
            let rest: Vec<_> = plain.collect();
            for expected in rest {
                let Poll::Ready(Some(batch)) = Pin::new(&mut stream).poll_next(&mut context) else {
                    panic!("the stream lacks {expected:?}");
                };
                prop_assert_eq!(batch.changes(), expected.changes());
            }
            let end = Pin::new(&mut stream).poll_next(&mut context);
            prop_assert!(matches!(end, Poll::Ready(None)));
        }
    }

    struct Parked(Thread);

    impl Wake for Parked {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn next<T: sapwood::Table>(stream: &mut Follow<T>) -> Option<Batch<T>> {
        let waker = Waker::from(Arc::new(Parked(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut *stream).poll_next(&mut context) {
                Poll::Ready(batch) => return batch,
                Poll::Pending => thread::park(),
            }
        }
    }

    /// A task on another thread that only ever waits for its waker sees everything, however commits and polls fall together.
    #[test]
    fn a_task_on_another_thread_misses_nothing() {
        let db = in_memory();
        let streams: Vec<_> = (0..3)
            .map(|_| {
                let mut stream = db.follow(Item::BY_TAGS.starts_with("t")).unwrap();
                thread::spawn(move || {
                    let mut replica = Replica::default();
                    while let Some(batch) = next(&mut stream) {
                        replica.apply(&batch);
                    }
                    replica.rows
                })
            })
            .collect();
        for number in 0..300u16 {
            db.write(|tx| {
                let mut item = support::item::plain("a", number % 40);
                item.tags = (0..number % 3).map(|i| format!("t{i}")).collect();
                tx.put(item).map(drop)?;
                if number % 7 == 0 {
                    tx.remove::<Item>(("a", number % 11)).map(drop)?;
                }
                Ok::<_, Error>(())
            })
            .unwrap();
        }
        let snapshot = db.snapshot();
        let expected: BTreeMap<_, _> = snapshot
            .list(Item::BY_TAGS.starts_with("t"))
            .map(|row| (row.key(), Stored::of(row)))
            .collect();
        assert!(!expected.is_empty());
        db.close().unwrap();
        for stream in streams {
            assert_eq!(stream.join().unwrap(), expected);
        }
    }
}
