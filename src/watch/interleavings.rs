//! Every interleaving, and every value that a load may see, of the steps that could lose a wake-up.
//!
//! Run by `scripts/interleavings.sh`, on loom. A lost wake-up is either a watch that has not fired at the end, or a deadlock, which loom
//! reports. That the models bite is shown by those at the end, which have a step too few or in the wrong place, and must fail.

use std::sync::Arc;

use loom::model;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::{Closed, Registry, Watch, WatchSet, publication_fence};
use crate::key::{KeyBuf, KeyRange};

fn prefix(bytes: &[u8]) -> KeyRange {
    KeyRange::Prefix(KeyBuf::from_slice(bytes))
}

/// A database with one index, at version 0 or 1, for whose change `b"k"` stands.
struct Store {
    published: AtomicUsize,
    registry: Arc<Registry>,
}

impl Store {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            published: AtomicUsize::new(0),
            registry: Arc::new(Registry::new()),
        })
    }

    fn publish(&self) {
        self.published.store(1, Ordering::Release);
    }

    fn notify(&self) {
        if !self.registry.is_empty() {
            self.registry.fire_key(b"k", 1);
        }
    }

    fn commit(&self) {
        self.publish();
        publication_fence();
        self.notify();
    }

    fn version(&self) -> usize {
        self.published.load(Ordering::Acquire)
    }

    /// A watch on version 0.
    fn watch(&self) -> Watch {
        self.watch_since(0)
    }

    fn watch_since(&self, since: usize) -> Watch {
        let watch = self.registry.register(prefix(b"k"), since as u64);
        if self.version() != since {
            watch.fire();
        }
        watch
    }
}

/// Runs a commit beside the registration of a watch; whether the watch has fired at the end.
fn fires(commit: fn(&Store), watch: fn(&Store) -> Watch) -> bool {
    let store = Store::new();
    let committer = {
        let store = Arc::clone(&store);
        thread::spawn(move || commit(&store))
    };
    let watch = watch(&store);
    committer.join().expect("the commit ends");
    let fired = watch.is_fired();
    drop(watch);
    store.registry.check();
    fired
}

/// A watch that is registered while the change is published fires, by the one or the other.
#[test]
fn registration_against_publishing() {
    model(|| assert!(fires(Store::commit, Store::watch)));
}

/// The same with a watch that is already there, so that the committer may see the old count, and it is not 0; and with one that goes
/// meanwhile, so that it may see a count that is falling.
#[test]
fn registration_against_publishing_beside_other_watches() {
    model(|| {
        let store = Store::new();
        let other = store.registry.register(prefix(b"other"), 0);
        let committer = {
            let store = Arc::clone(&store);
            thread::spawn(move || store.commit())
        };
        let watch = store.watch();
        drop(other);
        committer.join().expect("the commit ends");
        assert!(watch.is_fired());
    });
}

/// A watch on whichever version is there fires exactly where that is the old one: not while the new one's notification is under way.
#[test]
fn registration_against_notification() {
    model(|| {
        let store = Store::new();
        let committer = {
            let store = Arc::clone(&store);
            thread::spawn(move || store.commit())
        };
        let since = store.version();
        let watch = store.watch_since(since);
        committer.join().expect("the commit ends");
        assert_eq!(watch.is_fired(), since == 0);
        store.registry.check();
    });
}

/// The same where another watch on the old version is there, in the same range: that one fires.
#[test]
fn registration_against_notification_of_a_neighbour() {
    model(|| {
        let store = Store::new();
        let other = store.watch();
        let committer = {
            let store = Arc::clone(&store);
            thread::spawn(move || store.commit())
        };
        let since = store.version();
        let watch = store.watch_since(since);
        committer.join().expect("the commit ends");
        assert!(other.is_fired());
        assert_eq!(watch.is_fired(), since == 0);
        store.registry.check();
    });
}

/// Who waits is woken, in the moments before, while and after it falls asleep, and then sees the version for which it was woken.
#[test]
fn waiting_against_firing() {
    model(|| {
        let store = Store::new();
        let watch = store.registry.register(prefix(b"k"), 0);
        let committer = {
            let store = Arc::clone(&store);
            thread::spawn(move || store.commit())
        };
        assert_eq!(watch.wait(), Ok(()));
        assert_eq!(store.published.load(Ordering::Relaxed), 1);
        committer.join().expect("the commit ends");
    });
}

/// Whoever sees a watch fired, without a lock or a fence, also sees what was written before.
#[test]
fn looking_against_firing() {
    model(|| {
        let store = Store::new();
        let watch = store.registry.register(prefix(b"k"), 0);
        let committer = {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                store.published.store(1, Ordering::Relaxed);
                store.registry.fire_key(b"k", 1);
            })
        };
        if watch.is_fired() {
            assert_eq!(store.published.load(Ordering::Relaxed), 1);
        }
        committer.join().expect("the commit ends");
    });
}

/// Two threads that wait on one watch are both woken.
#[test]
fn two_threads_waiting_against_firing() {
    model(|| {
        let registry = Arc::new(Registry::new());
        let watch = Arc::new(registry.register(prefix(b"k"), 0));
        let second = {
            let watch = Arc::clone(&watch);
            thread::spawn(move || watch.wait())
        };
        let committer = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || registry.fire_key(b"k", 1))
        };
        assert_eq!(watch.wait(), Ok(()));
        assert_eq!(second.join().expect("it is woken"), Ok(()));
        committer.join().expect("the commit ends");
    });
}

/// A watch that is dropped while it fires is gone, once, and takes no other along: not even the one that has its number next.
#[test]
fn dropping_against_firing() {
    model(|| {
        let registry = Arc::new(Registry::new());
        let watch = registry.register(prefix(b"k"), 0);
        let neighbour = registry.register(prefix(b"neighbour"), 0);
        let committer = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || {
                registry.fire_key(b"k", 1);
                registry.register(prefix(b"next"), 0)
            })
        };
        drop(watch);
        let next = committer.join().expect("the commit ends");
        registry.check();
        assert_eq!(registry.len(), 2);
        registry.fire_key(b"next", 1);
        assert!(next.is_fired());
        assert!(!neighbour.is_fired());
    });
}

/// The change is seen by the watcher itself while the committer fires, too: it settles once, and is out.
#[test]
fn firing_against_firing() {
    model(|| {
        let registry = Arc::new(Registry::new());
        let watch = registry.register(prefix(b"k"), 0);
        let committer = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || registry.fire_key(b"k", 1))
        };
        watch.fire();
        assert!(watch.is_fired());
        committer.join().expect("the commit ends");
        assert!(registry.is_empty());
        registry.check();
    });
}

/// A set that waits is woken by watches that fire one after the other in another thread, and is told each once; also by one that comes into
/// the set while it fires.
#[test]
fn a_set_waiting_against_firing() {
    model(|| {
        let registry = Arc::new(Registry::new());
        let watches = [b"a", b"b"].map(|bytes| registry.register(prefix(bytes), 0));
        let committer = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || {
                registry.fire_key(b"a", 1);
                registry.fire_key(b"b", 1);
            })
        };
        let mut set = WatchSet::new();
        let ids = watches.map(|watch| set.add(watch));
        let mut told = Vec::new();
        while !set.is_empty() {
            told.extend(set.wait().expect("the registry is open"));
        }
        told.sort();
        assert_eq!(told, ids);
        committer.join().expect("the commit ends");
    });
}

/// A watch that is taken out of its set while it fires is not told, and the set waits on for the others.
#[test]
fn removing_from_a_set_against_firing() {
    model(|| {
        let registry = Arc::new(Registry::new());
        let mut set = WatchSet::new();
        let [a, b] = [b"a", b"b"].map(|bytes| set.add(registry.register(prefix(bytes), 0)));
        let committer = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || {
                registry.fire_key(b"a", 1);
                registry.fire_key(b"b", 1);
            })
        };
        let removed = set.remove(a).expect("it has not been told");
        assert_eq!(set.wait(), Ok(vec![b]));
        committer.join().expect("the commit ends");
        assert!(removed.is_fired());
    });
}

/// Who waits when the database goes is woken; who registers then is closed by the one or the other.
#[test]
fn closing_against_waiting_and_registering() {
    model(|| {
        let registry = Arc::new(Registry::new());
        let first = registry.register(prefix(b"k"), 0);
        let closer = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || registry.close())
        };
        let second = registry.register(prefix(b"k"), 0);
        assert_eq!(first.wait(), Err(Closed::Database));
        assert_eq!(second.wait(), Err(Closed::Database));
        closer.join().expect("closing ends");
        assert!(registry.is_empty());
        registry.check();
    });
}

/// A set that waits when the database goes is woken.
#[test]
fn closing_against_a_waiting_set() {
    model(|| {
        let registry = Arc::new(Registry::new());
        let mut set = WatchSet::new();
        set.add(registry.register(prefix(b"k"), 0));
        let closer = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || registry.close())
        };
        assert_eq!(set.wait(), Err(Closed::Database));
        closer.join().expect("closing ends");
    });
}

#[cfg(feature = "async")]
mod tasks {
    use std::future::{Future, IntoFuture};
    use std::pin::pin;

    use loom::future::block_on;

    use super::{Arc, Registry, WatchSet, model, prefix, thread};

    /// A task is woken in the moments before, while and after its poll, and one that was cancelled keeps it from nothing.
    #[test]
    fn awaiting_against_firing() {
        model(|| {
            let registry = Arc::new(Registry::new());
            let watch = registry.register(prefix(b"k"), 0);
            let committer = {
                let registry = Arc::clone(&registry);
                thread::spawn(move || registry.fire_key(b"k", 1))
            };
            block_on(async {
                std::future::poll_fn(|context| {
                    // Polled once, then dropped.
                    let cancelled = pin!((&watch).into_future());
                    std::task::Poll::Ready(cancelled.poll(context).is_ready())
                })
                .await;
                assert_eq!((&watch).await, Ok(()));
            });
            committer.join().expect("the commit ends");
        });
    }

    /// The task of a set is woken likewise.
    #[test]
    fn awaiting_a_set_against_firing() {
        model(|| {
            let registry = Arc::new(Registry::new());
            let mut set = WatchSet::new();
            let id = set.add(registry.register(prefix(b"k"), 0));
            let committer = {
                let registry = Arc::clone(&registry);
                thread::spawn(move || registry.fire_key(b"k", 1))
            };
            assert_eq!(block_on(set.wait_async()), Ok(vec![id]));
            committer.join().expect("the commit ends");
        });
    }
}

/// The models bite: a committer that asks who watches before it publishes loses the watch that comes in between.
#[test]
#[should_panic(expected = "a lost wake-up")]
fn asking_before_publishing_is_found_out() {
    fn commit(store: &Store) {
        let watched = !store.registry.is_empty();
        store.publish();
        publication_fence();
        if watched {
            store.registry.fire_key(b"k", 1);
        }
    }
    model(|| assert!(fires(commit, Store::watch), "a lost wake-up"));
}

/// Without its fence, the committer may see an old count although it asks after publishing.
#[test]
#[should_panic(expected = "a lost wake-up")]
fn a_missing_fence_is_found_out() {
    fn commit(store: &Store) {
        store.publish();
        store.notify();
    }
    model(|| assert!(fires(commit, Store::watch), "a lost wake-up"));
}

/// A watcher that looks at the published version before it registers loses what comes in between.
#[test]
#[should_panic(expected = "a lost wake-up")]
fn looking_before_registering_is_found_out() {
    fn watch(store: &Store) -> Watch {
        let changed = store.published.load(Ordering::Acquire) != 0;
        let watch = store.registry.register(prefix(b"k"), 0);
        if changed {
            watch.fire();
        }
        watch
    }
    model(|| assert!(fires(Store::commit, watch), "a lost wake-up"));
}

/// A notification with a number too great fires for what a snapshot shows.
#[test]
#[should_panic(expected = "a false wake-up")]
fn a_number_too_great_is_found_out() {
    fn commit(store: &Store) {
        store.publish();
        publication_fence();
        store.registry.fire_key(b"k", 2);
    }
    fn watch(store: &Store) -> Watch {
        // Only the new version is of interest: on the old one, this gives a watch that is not told of at all.
        match store.version() {
            0 => store.registry.register(prefix(b"other"), 0),
            since => store.watch_since(since),
        }
    }
    model(|| assert!(!fires(commit, watch), "a false wake-up"));
}

/// A notification with a number too small loses the watches that it is for.
#[test]
#[should_panic(expected = "a lost wake-up")]
fn a_number_too_small_is_found_out() {
    fn commit(store: &Store) {
        store.publish();
        publication_fence();
        store.registry.fire_key(b"k", 0);
    }
    model(|| assert!(fires(commit, Store::watch), "a lost wake-up"));
}
