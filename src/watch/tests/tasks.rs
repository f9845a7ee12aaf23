use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use super::{assert_bare, registry, watch};
use crate::watch::{Closed, WatchSet};

/// Counts its wakes.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counter() -> (Arc<Counter>, Waker) {
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    (counter, waker)
}

fn wakes(counter: &Counter) -> usize {
    counter.0.load(Ordering::Relaxed)
}

/// The smallest executor there is.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// A task that awaits a watch is woken from another thread, when it fires and when it is closed.
#[test]
fn a_watch_can_be_awaited() {
    let registry = registry();
    let (first, second, third) = (
        watch(&registry, b"a"),
        watch(&registry, b"b"),
        watch(&registry, b"c"),
    );
    thread::scope(|scope| {
        let task = scope.spawn(|| {
            block_on(async {
                let by_reference = (&first).await;
                (by_reference, first.wait(), second.await, third.await)
            })
        });
        registry.fire_key(b"a", 1);
        registry.fire_key(b"b", 1);
        registry.close();
        let (first, again, second, third) = task.join().expect("the task waits in peace");
        assert_eq!(
            [first, again, second, third],
            [Ok(()), Ok(()), Ok(()), Err(Closed::Database)]
        );
    });
}

/// A task is woken once, by the waker of its last poll; a future that was dropped wakes nobody, and one that is owned takes its watch along.
#[test]
fn a_task_is_woken_once_and_only_while_it_waits() {
    let registry = registry();
    let watch = watch(&registry, b"a");
    let (old, old_waker) = counter();
    let (new, new_waker) = counter();
    let (dropped, dropped_waker) = counter();

    let mut waiting = pin!((&watch).into_future());
    let mut cancelled = Box::pin((&watch).into_future());
    for waker in [&old_waker, &new_waker, &new_waker] {
        assert!(
            waiting
                .as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
    }
    assert!(
        cancelled
            .as_mut()
            .poll(&mut Context::from_waker(&dropped_waker))
            .is_pending()
    );
    drop(cancelled);
    assert_eq!(
        Arc::strong_count(&dropped),
        2,
        "the waker is let go with the future"
    );

    registry.fire_key(b"a", 1);
    assert_eq!([wakes(&old), wakes(&new), wakes(&dropped)], [0, 1, 0]);
    assert_eq!(
        waiting.as_mut().poll(&mut Context::from_waker(&old_waker)),
        Poll::Ready(Ok(()))
    );

    let mut owned = Box::pin(super::watch(&registry, b"a").into_future());
    assert!(
        owned
            .as_mut()
            .poll(&mut Context::from_waker(&new_waker))
            .is_pending()
    );
    assert_eq!(registry.len(), 1);
    drop(owned);
    assert_bare(&registry);
}

/// A waker that panics fails neither the one who fires, nor the wake-up of others.
#[test]
fn a_panicking_waker_costs_nobody_else_anything() {
    struct Broken;
    impl Wake for Broken {
        fn wake(self: Arc<Self>) {
            panic!("an executor with a fault");
        }
    }
    let registry = registry();
    let watches = [b"a", b"a", b"a"].map(|bytes| watch(&registry, bytes));
    let broken = Waker::from(Arc::new(Broken));
    let (counter, sound) = counter();
    let mut futures: Vec<_> = watches
        .iter()
        .flat_map(|watch| [(watch, &broken), (watch, &sound)])
        .map(|(watch, waker)| (Box::pin(watch.into_future()), waker))
        .collect();
    for (future, waker) in &mut futures {
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
    }
    registry.fire_key(b"a", 1);
    assert_eq!(wakes(&counter), 3);
}

/// The task of a set is woken once by a wave of watches, and is told them all; empty and closed sets are ready at once.
#[test]
fn a_set_can_be_awaited() {
    let registry = registry();
    let mut set = WatchSet::new();
    assert_eq!(block_on(set.wait_async()), Ok(vec![]));
    let ids = [b"a", b"b", b"c"].map(|bytes| set.add(watch(&registry, bytes)));
    let (counter, waker) = counter();
    let mut context = Context::from_waker(&waker);
    assert!(set.poll_wait(&mut context).is_pending());
    assert!(set.poll_wait(&mut context).is_pending());
    registry.fire_key(b"b", 1);
    registry.fire_key(b"a", 1);
    assert_eq!(wakes(&counter), 1);
    assert_eq!(
        set.poll_wait(&mut context),
        Poll::Ready(Ok(vec![ids[1], ids[0]]))
    );
    assert!(set.poll_wait(&mut context).is_pending());

    let waiter = thread::spawn(move || block_on(set.wait_async()));
    registry.close();
    assert_eq!(
        waiter.join().expect("the task waits in peace"),
        Err(Closed::Database)
    );
}
