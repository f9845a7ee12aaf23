//! The watched ranges of one index.

use std::sync::{Arc, atomic};

use smallvec::SmallVec;

use super::Watch;
use super::chain::Chain;
use super::signal::{Outcome, Signal};
use super::slab::{Id, Slab};
use super::spans::Spans;
use super::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, fence, lock};
use super::trie::Trie;
use crate::key::KeyRange;

/// To be called by the committer once between publishing a version and asking any registry [`Registry::is_empty`]. See the
/// [module's proof](super).
pub(crate) fn publication_fence() {
    fence(Ordering::SeqCst);
}

/// The other side of [`publication_fence`]: between raising the count and the caller's look at the published version.
fn registration_fence() {
    fence(Ordering::SeqCst);
}

/// The watched ranges of one index: who is to be woken when a key changes.
#[derive(Debug)]
pub(crate) struct Registry {
    ranges: Mutex<Ranges>,
    /// The number of watches, written under the lock, so that a commit need not take it to find nobody.
    len: AtomicUsize,
    /// How many watches commits have fired. No part of the protocol, and so of no model of it.
    fired: atomic::AtomicUsize,
    /// Whether it was closed because its index was dropped. Said before the closing, which tells it to the watches; no part of the protocol.
    dropped: atomic::AtomicBool,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            ranges: Mutex::new(Ranges::new()),
            len: AtomicUsize::new(0),
            fired: atomic::AtomicUsize::new(0),
            dropped: atomic::AtomicBool::new(false),
        }
    }

    /// Watches a range for what is written after version `since`, the one that the caller's snapshot shows. Afterwards the caller loads
    /// the published version, and calls [`Watch::fire`] where it is newer and differs from its snapshot below the range. On a closed
    /// registry the watch is closed at once.
    ///
    /// O(key length) for a prefix; for a span, O(log spans) comparisons of keys.
    pub(crate) fn register(self: &Arc<Self>, range: KeyRange, since: u64) -> Watch {
        let signal = Arc::new(Signal::new());
        let mut ranges = lock(&self.ranges);
        let member = ranges.insert(range, since, &signal);
        self.count(&ranges);
        drop(ranges);
        if member.is_none() {
            signal.settle(Outcome::Closed);
        }
        registration_fence();
        Watch::new(signal, Arc::clone(self), member)
    }

    /// Whether nobody watches this index. One load; call [`publication_fence`] before.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of watches. One load.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// How many watches commits have fired so far. One load.
    pub(crate) fn fired(&self) -> usize {
        self.fired.load(Ordering::Relaxed)
    }

    /// Locks the registry for the keys that version `revision` changed against the one published before it; no watch on `revision` or a
    /// later version fires for them. The others fire when what this returns is dropped.
    pub(crate) fn firing(&self, revision: u64) -> Firing<'_> {
        Firing {
            registry: self,
            revision,
            ranges: Some(lock(&self.ranges)),
            settled: Settling {
                signals: Vec::new(),
                outcome: Outcome::Fired,
            },
        }
    }

    /// Fires every watch on a version before `revision` whose range covers `key`, and no other. See [`Firing::key`].
    #[cfg(test)]
    pub(crate) fn fire_key(&self, key: &[u8], revision: u64) {
        self.firing(revision).key(key);
    }

    /// Asks for every range that is watched since before `revision` whether that version changed something in it, and fires those watches
    /// if so: the better way where watches are fewer than changed keys. The registry is locked meanwhile: `changed` must not come back to
    /// it.
    ///
    /// O(ranges) calls; each range is asked for once, however many watch it.
    pub(crate) fn fire_where(&self, revision: u64, mut changed: impl FnMut(&KeyRange) -> bool) {
        let mut firing = self.firing(revision);
        let Some(ranges) = firing.ranges.as_deref_mut() else {
            return;
        };
        let homes: Vec<Home> = ranges.homes().collect();
        for home in homes {
            if ranges.is_older(home, revision) && changed(&ranges.range(home)) {
                ranges.take(home, revision, &mut firing.settled.signals);
            }
        }
    }

    /// Closes all watches, as [`close`](Self::close) does, because the index is gone and not the database.
    pub(crate) fn close_dropped(&self) {
        self.dropped.store(true, Ordering::Relaxed);
        self.close();
    }

    /// Whether the index is gone. To be asked by who found a watch closed.
    pub(super) fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The database is gone: closes all watches, and from now on every new one at once.
    pub(crate) fn close(&self) {
        let mut ranges = lock(&self.ranges);
        let members = std::mem::replace(&mut *ranges, Ranges::new()).members;
        ranges.closed = true;
        self.count(&ranges);
        drop(ranges);
        drop(Settling {
            signals: members.into_values().map(|member| member.signal).collect(),
            outcome: Outcome::Closed,
        });
    }

    /// Takes one watch out, if it is still in. O(1), and O(key length) if it was the last one of its range.
    pub(super) fn forget(&self, member: Id, signal: &Arc<Signal>) {
        let mut ranges = lock(&self.ranges);
        ranges.forget(member, signal);
        self.count(&ranges);
    }

    fn count(&self, ranges: &Ranges) {
        self.len.store(ranges.members.len(), Ordering::Relaxed);
    }

    /// Panics where an invariant is broken.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let mut ranges = lock(&self.ranges);
        ranges.prefixes.check();
        ranges.spans.check();
        assert_eq!(self.len(), ranges.members.len());
        let chained = ranges.homes().map(|home| ranges.chain_len(home));
        assert_eq!(chained.sum::<usize>(), ranges.members.len());
        let members = ranges.members.iter();
        let bounds: Vec<_> = members
            .map(|(_, member)| (member.home, member.since))
            .collect();
        for (home, since) in bounds {
            let oldest = ranges.chain(home).map(|chain| chain.oldest);
            assert!(oldest.is_some_and(|oldest| oldest <= since));
        }
    }
}

/// A locked registry, to which changed keys are told one by one. On drop it unlocks first, and wakes then.
pub(crate) struct Firing<'a> {
    registry: &'a Registry,
    revision: u64,
    ranges: Option<MutexGuard<'a, Ranges>>,
    settled: Settling,
}

impl Firing<'_> {
    /// Takes out every watch on a version before this one whose range covers `key`, and no other; it fires when `self` is dropped.
    ///
    /// O(key length + watches fired); and where spans are watched, O(log spans) comparisons of keys, again for each that covers the key. A
    /// range that is watched from both before and after this version costs a look at each of its watches, the first time.
    pub(crate) fn key(&mut self, key: &[u8]) {
        if let Some(ranges) = &mut self.ranges {
            ranges.take_covering(key, self.revision, &mut self.settled.signals);
        }
    }

    /// Whether no watch is left, too young ones included, so that no further key can fire any. O(1).
    pub(crate) fn is_empty(&self) -> bool {
        let ranges = self.ranges.as_ref();
        ranges.is_none_or(|ranges| ranges.members.len() == 0)
    }
}

impl Drop for Firing<'_> {
    fn drop(&mut self) {
        if let Some(ranges) = self.ranges.take() {
            self.registry.count(&ranges);
            // No two commits fire at once, and the registry is still locked.
            let fired = self.registry.fired() + self.settled.signals.len();
            self.registry.fired.store(fired, Ordering::Relaxed);
        }
    }
}

/// Watches that are out of their registry and not yet settled. They settle on drop, so that a panic of a stranger's closure loses none.
struct Settling {
    signals: Vec<Arc<Signal>>,
    outcome: Outcome,
}

impl Drop for Settling {
    fn drop(&mut self) {
        for signal in self.signals.drain(..) {
            signal.settle(self.outcome);
        }
    }
}

#[derive(Debug)]
struct Ranges {
    prefixes: Trie,
    spans: Spans,
    members: Slab<Member>,
    closed: bool,
}

/// A registered watch, in the chain of all that watch the same range.
#[derive(Debug)]
struct Member {
    signal: Arc<Signal>,
    /// The version from which it watches.
    since: u64,
    home: Home,
    previous: Option<Id>,
    next: Option<Id>,
}

/// Where the chain of a range hangs.
#[derive(Clone, Copy, Debug)]
enum Home {
    Prefix(Id),
    Span(Id),
}

impl Ranges {
    const fn new() -> Self {
        Self {
            prefixes: Trie::new(),
            spans: Spans::new(),
            members: Slab::new(),
            closed: false,
        }
    }

    /// `None` where the registry is closed.
    fn insert(&mut self, range: KeyRange, since: u64, signal: &Arc<Signal>) -> Option<Id> {
        if self.closed {
            return None;
        }
        let home = match range {
            KeyRange::Prefix(prefix) => Home::Prefix(self.prefixes.enter(&prefix)),
            KeyRange::Span { start, end } => Home::Span(self.spans.enter(start, end)),
        };
        let chain = *self.chain(home);
        let next = chain.map(|chain| chain.first);
        let member = self.members.insert(Member {
            signal: Arc::clone(signal),
            since,
            home,
            previous: None,
            next,
        });
        if let Some(next) = next {
            self.members[next].previous = Some(member);
        }
        *self.chain(home) = Some(Chain {
            first: member,
            oldest: chain.map_or(since, |chain| chain.oldest.min(since)),
        });
        Some(member)
    }

    fn forget(&mut self, id: Id, signal: &Arc<Signal>) {
        // It may have fired already, and its number be another watch's by now.
        match self.members.get(id) {
            Some(member) if Arc::ptr_eq(&member.signal, signal) => {}
            _ => return,
        }
        let home = self.unlink(id).home;
        if self.chain(home).is_none() {
            self.tidy(home);
        }
    }

    /// Takes a watch out of its chain, which may be gone then, and what carries it is to be tidied.
    fn unlink(&mut self, id: Id) -> Member {
        let member = self.members.remove(id);
        if let Some(next) = member.next {
            self.members[next].previous = member.previous;
        }
        if let Some(previous) = member.previous {
            self.members[previous].next = member.next;
        } else {
            let chain = self.chain(member.home);
            *chain = chain.and_then(|Chain { oldest, .. }| {
                let first = member.next?;
                Some(Chain { first, oldest })
            });
        }
        member
    }

    fn take_covering(&mut self, key: &[u8], revision: u64, taken: &mut Vec<Arc<Signal>>) {
        let mut found = SmallVec::new();
        self.prefixes.covering(key, &mut found);
        // The longest first: then a node goes with its last child, instead of growing the label of a child that goes next.
        for id in found.drain(..).rev() {
            self.take(Home::Prefix(id), revision, taken);
        }
        self.spans.covering(key, &mut found);
        for id in found {
            self.take(Home::Span(id), revision, taken);
        }
    }

    /// Takes all watches of one range out that are on a version before `revision`. Those that stay raise the bound of their chain, so that
    /// the next key of the same version passes them at once.
    fn take(&mut self, home: Home, revision: u64, taken: &mut Vec<Arc<Signal>>) {
        if !self.is_older(home, revision) {
            return;
        }
        let mut next = self.chain(home).map(|chain| chain.first);
        let mut oldest = u64::MAX;
        while let Some(id) = next {
            let member = &self.members[id];
            next = member.next;
            if member.since < revision {
                taken.push(self.unlink(id).signal);
            } else {
                oldest = oldest.min(member.since);
            }
        }
        match self.chain(home) {
            Some(chain) => chain.oldest = oldest,
            None => self.tidy(home),
        }
    }

    /// Whether a watch of this range may be on a version before `revision`.
    fn is_older(&mut self, home: Home, revision: u64) -> bool {
        self.chain(home)
            .is_some_and(|chain| chain.oldest < revision)
    }

    /// Removes what carried a chain that is empty now.
    fn tidy(&mut self, home: Home) {
        match home {
            Home::Prefix(id) => self.prefixes.prune(id),
            Home::Span(id) => self.spans.remove(id),
        }
    }

    fn chain(&mut self, home: Home) -> &mut Option<Chain> {
        match home {
            Home::Prefix(id) => self.prefixes.chain(id),
            Home::Span(id) => self.spans.chain(id),
        }
    }

    fn range(&self, home: Home) -> KeyRange {
        match home {
            Home::Prefix(id) => KeyRange::Prefix(self.prefixes.prefix(id)),
            Home::Span(id) => self.spans.range(id),
        }
    }

    fn homes(&self) -> impl Iterator<Item = Home> {
        let prefixes = self.prefixes.occupied().map(Home::Prefix);
        prefixes.chain(self.spans.ids().map(Home::Span))
    }

    #[cfg(test)]
    fn chain_len(&self, home: Home) -> usize {
        let heads = self
            .members
            .iter()
            .filter(|(_, member)| match (member.home, home) {
                (Home::Prefix(a), Home::Prefix(b)) | (Home::Span(a), Home::Span(b)) => a == b,
                _ => false,
            });
        heads.count()
    }
}
