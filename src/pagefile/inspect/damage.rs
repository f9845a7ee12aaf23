//! What damage takes with it: pages, and the keys below them.

use std::ops::Bound;

use super::{
    super::{
        Error,
        page::{PageRef, ValueRun},
    },
    Paths, Place,
};

/// More damaged pages than this are not listed. They are counted all the same.
const MOST_PAGES: usize = 1000;

/// What a page is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PageKind {
    /// A node with references to others.
    Branch,
    /// A node with keys and values.
    Leaf,
    /// The root of a tree that can't be read: a leaf or a branch.
    Root,
    /// A value that lies in a run of its own.
    Value,
}

impl PageKind {
    /// The kind of a node, by its level; that of a root is not known before it is read.
    pub(in super::super) fn of_node(level: Option<u8>) -> Self {
        match level {
            None => Self::Root,
            Some(0) => Self::Leaf,
            Some(_) => Self::Branch,
        }
    }
}

/// A page, or a run of pages that are one thing, that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DamagedPage {
    /// The number of the first page; 0 for a tree of buckets that lies in a meta slot.
    pub page: u64,
    /// How many pages are one thing.
    pub pages: u64,
    /// Where the first page begins, in bytes from the start of the file.
    pub offset: u64,
    /// What its parent says it is.
    pub kind: PageKind,
    /// The keys that can be below it, as far as its parents tell: every key of the bucket in this range is lost, and none outside of it.
    pub keys: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    /// The length of a value, in bytes.
    pub value_len: Option<u64>,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What damage has taken from one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The names that lead to the bucket, the outermost first; none for the tree of buckets itself.
    pub bucket: Vec<Vec<u8>>,
    /// How many of its own keys cannot be read, by what the bucket's record says it has.
    pub keys_lost: u64,
    /// How many of the buckets that lie directly in it cannot be found. What lies in these is lost too, and not counted.
    pub buckets_lost: u64,
    /// The pages, in the order of their keys; up to a thousand in all buckets together.
    pub pages: Vec<DamagedPage>,
}

/// Bounds of keys in parents: at or above the first, below the second.
pub(in super::super) type Span<'k> = (Option<&'k [u8]>, Option<&'k [u8]>);

/// Collects damage, one bucket after the other.
#[derive(Default)]
pub(in super::super) struct Damages {
    listed: usize,
    /// Of the bucket that is walked now.
    pages: Vec<DamagedPage>,
    nodes: u64,
    values: u64,
    done: Vec<Damage>,
}

impl Damages {
    /// Notes a node that cannot be read.
    pub(in super::super) fn node(
        &mut self,
        run: PageRef,
        page_size: u32,
        level: Option<u8>,
        (low, high): Span<'_>,
        error: &Error,
    ) {
        self.nodes += 1;
        let low = low.map_or(Bound::Unbounded, |low| Bound::Included(low.to_vec()));
        let high = high.map_or(Bound::Unbounded, |high| Bound::Excluded(high.to_vec()));
        let kind = PageKind::of_node(level);
        self.page(run, page_size, kind, (low, high), error);
    }

    /// Notes a value in a run of its own that cannot be read.
    pub(in super::super) fn value(
        &mut self,
        value: ValueRun,
        page_size: u32,
        key: &[u8],
        error: &Error,
    ) {
        self.values += 1;
        let bound = Bound::Included(key.to_vec());
        let keys = (bound.clone(), bound);
        if let Some(page) = self.page(value.run, page_size, PageKind::Value, keys, error) {
            page.value_len = Some(value.len);
        }
    }

    fn page(
        &mut self,
        run: PageRef,
        page_size: u32,
        kind: PageKind,
        keys: (Bound<Vec<u8>>, Bound<Vec<u8>>),
        error: &Error,
    ) -> Option<&mut DamagedPage> {
        if self.listed == MOST_PAGES {
            return None;
        }
        self.listed += 1;
        self.pages.push(DamagedPage {
            page: run.page,
            pages: run.pages.into(),
            offset: run.page.saturating_mul(page_size.into()),
            kind,
            keys,
            value_len: None,
            reason: match error {
                Error::Corrupted { reason, .. } => reason,
                _ => "it could not be read",
            },
        });
        self.pages.last_mut()
    }

    /// Whether nodes of the bucket that is walked now could not be read, so that its numbers of keys and buckets say what they held.
    pub(in super::super) fn has_nodes(&self) -> bool {
        self.nodes > 0
    }

    /// Ends the bucket at `place`, in whose unreadable nodes there were so many keys and buckets.
    pub(in super::super) fn end(&mut self, paths: &Paths, place: Place, keys: u64, buckets: u64) {
        if self.nodes + self.values > 0 {
            self.done.push(Damage {
                bucket: paths.path(place),
                keys_lost: keys.saturating_add(self.values),
                buckets_lost: buckets,
                pages: std::mem::take(&mut self.pages),
            });
        }
        self.nodes = 0;
        self.values = 0;
    }

    pub(in super::super) fn into_damage(self) -> Vec<Damage> {
        self.done
    }
}
