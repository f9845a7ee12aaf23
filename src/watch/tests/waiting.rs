use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvError, TryRecvError, select};

use super::{assert_bare, registry, watch};
use crate::key::KeyRange;
use crate::watch::{Closed, Watch, WatchSet, publication_fence};

/// Long enough that a test which waits for it has failed.
const FOR_EVER: Duration = Duration::from_secs(600);

/// What a user may hold goes to and is shared by any thread.
#[test]
fn watches_may_be_sent_and_shared() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Watch>();
    check::<WatchSet>();
    check::<crate::watch::Registry>();
    #[cfg(feature = "async")]
    check::<crate::watch::WatchFuture<Watch>>();
}

/// A watch is pending until a key in its range changes; then it has fired for ever, and all ways of waiting return at once.
#[test]
fn a_fired_watch_stays_fired() {
    let registry = registry();
    let watch = watch(&registry, b"a");
    registry.fire_key(b"b", 1);
    assert!(!watch.is_fired());
    assert_eq!(watch.wait_timeout(Duration::ZERO), Ok(false));
    assert_eq!(watch.wait_timeout(Duration::from_millis(1)), Ok(false));
    assert_eq!(watch.receiver().try_recv(), Err(TryRecvError::Empty));

    registry.fire_key(b"ab", 1);
    for _ in 0..2 {
        assert!(watch.is_fired() && !watch.is_closed());
        assert_eq!(watch.wait(), Ok(()));
        assert_eq!(watch.wait_timeout(Duration::ZERO), Ok(true));
        assert_eq!(watch.receiver().recv(), Err(RecvError));
    }

    registry.close();
    assert!(
        watch.is_fired() && !watch.is_closed(),
        "the first outcome stands"
    );
    assert_eq!(watch.wait(), Ok(()));
}

/// Every thread that waits on a watch, in whichever way, is woken by its firing.
#[test]
fn firing_wakes_every_thread_that_waits() {
    let registry = registry();
    let watch = watch(&registry, b"a");
    thread::scope(|scope| {
        let waits = [
            scope.spawn(|| watch.wait().is_ok()),
            scope.spawn(|| watch.wait().is_ok()),
            scope.spawn(|| watch.wait_timeout(FOR_EVER) == Ok(true)),
            scope.spawn(|| watch.wait_timeout(Duration::MAX) == Ok(true)),
            scope.spawn(|| watch.receiver().recv() == Err(RecvError)),
            scope.spawn(|| {
                watch
                    .receiver()
                    .clone()
                    .recv_timeout(FOR_EVER)
                    .is_err_and(|error| error.is_disconnected())
            }),
        ];
        registry.fire_key(b"a", 1);
        for wait in waits {
            assert!(wait.join().expect("the thread waits in peace"));
        }
    });
}

/// Closing wakes every thread that waits, and tells it; what is registered later is closed from the start.
#[test]
fn closing_wakes_every_thread_that_waits() {
    let registry = registry();
    let one = watch(&registry, b"a");
    thread::scope(|scope| {
        let waits = [
            scope.spawn(|| one.wait()),
            scope.spawn(|| one.wait_timeout(FOR_EVER).map(drop)),
            scope.spawn(|| {
                one.receiver()
                    .recv()
                    .map_or(Err(Closed::Database), |never| match never {})
            }),
        ];
        registry.close();
        for wait in waits {
            assert_eq!(
                wait.join().expect("the thread waits in peace"),
                Err(Closed::Database)
            );
        }
    });
    assert!(one.is_closed() && !one.is_fired());
    assert_bare(&registry);

    let late = watch(&registry, b"a");
    assert!(late.is_closed());
    assert_eq!(late.wait(), Err(Closed::Database));
    assert_eq!(late.receiver().recv(), Err(RecvError));
    late.fire();
    assert!(late.is_closed(), "the first outcome stands");
    assert_bare(&registry);
}

/// In a `select!`, a pending watch leaves the others alone, and a fired one is ready each time.
#[test]
fn a_watch_takes_part_in_a_select() {
    let registry = registry();
    let (first, second) = (watch(&registry, b"a"), watch(&registry, b"b"));
    let select = || {
        select! {
            recv(first.receiver()) -> never => { assert!(never.is_err()); 1 }
            recv(second.receiver()) -> never => { assert!(never.is_err()); 2 }
            default => 0,
        }
    };
    assert_eq!(select(), 0);
    registry.fire_key(b"b", 1);
    assert_eq!(select(), 2);
    assert_eq!(select(), 2);
}

/// A receiver that outlives its watch is disconnected too, so that nobody waits on what can never fire.
#[test]
fn a_dropped_watch_hangs_its_channel_up() {
    let registry = registry();
    let watch = watch(&registry, b"a");
    let receiver = watch.receiver().clone();
    drop(watch);
    assert_eq!(receiver.recv(), Err(RecvError));
}

/// A dropped watch leaves its registry, with others of the same range or none, before or after it fired.
#[test]
fn a_dropped_watch_leaves_its_registry() {
    let registry = registry();
    let [a, b, c, ab] = ["a", "a", "a", "ab"].map(|bytes| watch(&registry, bytes.as_bytes()));
    drop(b);
    assert_eq!(registry.len(), 3);
    registry.check();
    drop(a);
    drop(c);
    assert_eq!(registry.len(), 1);
    registry.check();
    registry.fire_key(b"ab", 1);
    assert_bare(&registry);
    // Its number is another's by now.
    let other = watch(&registry, b"z");
    drop(ab);
    assert_eq!(registry.len(), 1);
    drop(other);
    assert_bare(&registry);
}

/// A closure that panics while it is asked poisons nothing, and what it has named by then still fires.
#[test]
fn a_panic_between_changed_keys_loses_no_watch() {
    let registry = registry();
    let [a, b] = [b"a", b"b"].map(|bytes| watch(&registry, bytes));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut firing = registry.firing(1);
        firing.key(b"a");
        panic!("the reader of the changes fails");
    }));
    assert!(panicked.is_err());
    assert!(a.is_fired() && !b.is_fired());
    registry.fire_key(b"b", 1);
    assert!(b.is_fired());
    assert_bare(&registry);
}

/// Threads that watch a counter until it has its last value, while another raises it, all get there: no wake-up is lost. (Every
/// interleaving of a small case is run by the model; this is the whole, on the real primitives.)
#[test]
fn no_wake_up_is_lost_between_threads() {
    const LAST: u64 = 2_000;
    let registry = registry();
    let published = Arc::new(AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let seen = published.load(Ordering::Acquire);
                    if seen == LAST {
                        return;
                    }
                    let watch = registry.register(KeyRange::ALL, seen);
                    if published.load(Ordering::Acquire) != seen {
                        watch.fire();
                    }
                    assert_eq!(watch.wait(), Ok(()));
                    assert!(published.load(Ordering::Relaxed) > seen);
                }
            });
        }
        for version in 1..=LAST {
            published.store(version, Ordering::Release);
            publication_fence();
            if !registry.is_empty() {
                registry.fire_key(b"key", version);
            }
        }
    });
    assert_bare(&registry);
}
