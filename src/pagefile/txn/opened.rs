//! The buckets that a write transaction has opened to change them.

use std::{collections::BTreeMap, sync::Arc};

use super::super::{page::BucketRecord, tree::Child};

/// The place of the bucket that holds all others, the root of the file.
pub(in crate::pagefile) const TOP: usize = 0;
/// Leaves are filled to the end, in percent.
const FULL: u8 = 100;

/// A bucket that the transaction may have changed. Its record in the bucket that it lies in is brought up to date at commit.
#[derive(Clone, Default)]
pub(in crate::pagefile) struct OpenBucket {
    pub(in crate::pagefile) root: Option<Child>,
    pub(in crate::pagefile) rows: u64,
    pub(in crate::pagefile) buckets: u64,
    pub(in crate::pagefile) sequence: u64,
    pub(in crate::pagefile) is_changed: bool,
    /// How full leaves are left that grow at their end, in percent; not stored.
    pub(in crate::pagefile) fill: u8,
    /// Places of the open buckets that lie in it, by name.
    below: Arc<BTreeMap<Box<[u8]>, usize>>,
    /// Its own name, and the place of the bucket that it lies in.
    name: Arc<[u8]>,
    above: usize,
}

impl OpenBucket {
    pub(in crate::pagefile) fn new(record: BucketRecord) -> Self {
        Self {
            root: record.root.map(Child::Stored),
            rows: record.rows,
            buckets: record.buckets,
            sequence: record.sequence,
            fill: FULL,
            ..Self::default()
        }
    }

    /// The bucket that holds all others.
    pub(in crate::pagefile) fn top(root: Option<Child>, buckets: u64) -> Self {
        let top = Self::new(BucketRecord {
            buckets,
            ..BucketRecord::default()
        });
        Self { root, ..top }
    }

    /// The record of the bucket as it is now, once its tree is stored.
    pub(in crate::pagefile) fn record(&self) -> BucketRecord {
        BucketRecord {
            root: self.root.as_ref().and_then(Child::stored),
            rows: self.rows,
            buckets: self.buckets,
            sequence: self.sequence,
        }
    }
}

/// Open buckets, each below the one that it lies in. In one list, so that nothing recurses however deep they lie; a clone costs O(open buckets) and
/// shares their trees.
#[derive(Clone)]
pub(in crate::pagefile) struct Opened {
    buckets: Vec<OpenBucket>,
    /// Places of buckets that were deleted.
    vacant: Vec<usize>,
}

impl Opened {
    pub(in crate::pagefile) fn new(top: OpenBucket) -> Self {
        Self {
            buckets: vec![top],
            vacant: Vec::new(),
        }
    }

    pub(in crate::pagefile) fn get(&self, at: usize) -> &OpenBucket {
        &self.buckets[at]
    }

    pub(in crate::pagefile) fn get_mut(&mut self, at: usize) -> &mut OpenBucket {
        &mut self.buckets[at]
    }

    /// The open bucket `name` that lies in the one at `at`.
    pub(in crate::pagefile) fn below(&self, at: usize, name: &[u8]) -> Option<usize> {
        self.buckets[at].below.get(name).copied()
    }

    /// Opens a bucket that lies in the one at `at`, and gives its place.
    pub(in crate::pagefile) fn open(
        &mut self,
        at: usize,
        name: &[u8],
        record: BucketRecord,
    ) -> usize {
        let bucket = OpenBucket::new(record);
        let place = if let Some(place) = self.vacant.pop() {
            self.buckets[place] = bucket;
            place
        } else {
            self.buckets.push(bucket);
            self.buckets.len() - 1
        };
        self.attach(at, name, place);
        place
    }

    pub(in crate::pagefile) fn attach(&mut self, at: usize, name: &[u8], place: usize) {
        Arc::make_mut(&mut self.buckets[at].below).insert(Box::from(name), place);
        self.buckets[place].name = Arc::from(name);
        self.buckets[place].above = at;
    }

    /// The names that lead to the bucket at a place, the outermost first.
    pub(in crate::pagefile) fn path(&self, mut at: usize) -> Vec<&[u8]> {
        let mut path = Vec::new();
        while at != TOP {
            let bucket = &self.buckets[at];
            path.push(&*bucket.name);
            at = bucket.above;
        }
        path.reverse();
        path
    }

    /// The open buckets but for the topmost, with the names that lead to them.
    pub(in crate::pagefile) fn below_top(&self) -> impl Iterator<Item = (Vec<&[u8]>, &OpenBucket)> {
        let places = (TOP + 1..self.buckets.len()).filter(|at| !self.vacant.contains(at));
        places.map(|at| (self.path(at), &self.buckets[at]))
    }

    /// The same buckets, for the transactions to come: what was said for one of them only is forgotten.
    pub(in crate::pagefile) fn kept(&self) -> Self {
        let mut kept = self.clone();
        for bucket in &mut kept.buckets {
            bucket.fill = FULL;
        }
        kept
    }

    pub(in crate::pagefile) fn detach(&mut self, at: usize, name: &[u8]) -> Option<usize> {
        if !self.buckets[at].below.contains_key(name) {
            return None;
        }
        Arc::make_mut(&mut self.buckets[at].below).remove(name)
    }

    /// Forgets the bucket `name` in the one at `at`, and all that are open below it.
    pub(in crate::pagefile) fn forget(&mut self, at: usize, name: &[u8]) {
        let mut places: Vec<_> = self.detach(at, name).into_iter().collect();
        while let Some(place) = places.pop() {
            let bucket = std::mem::take(&mut self.buckets[place]);
            places.extend(bucket.below.values());
            self.vacant.push(place);
        }
    }

    /// The changed buckets, and with them all that these lie in: each behind those that lie in it, and these in the order of their names.
    pub(in crate::pagefile) fn changed(&mut self) -> Vec<usize> {
        let mut order = Vec::new();
        let mut places = vec![TOP];
        while let Some(place) = places.pop() {
            order.push(place);
            places.extend(self.buckets[place].below.values());
        }
        order.reverse();
        order.retain(|&place| {
            let mut below = self.buckets[place].below.values();
            let is_changed =
                self.buckets[place].is_changed || below.any(|&at| self.buckets[at].is_changed);
            self.buckets[place].is_changed = is_changed;
            is_changed
        });
        order
    }

    /// Names and records of the changed buckets that lie in the one at `at`.
    pub(in crate::pagefile) fn changed_below(&self, at: usize) -> Vec<(Box<[u8]>, BucketRecord)> {
        let below = self.buckets[at].below.iter();
        below
            .map(|(name, &place)| (name, &self.buckets[place]))
            .filter(|(_, bucket)| bucket.is_changed)
            .map(|(name, bucket)| (name.clone(), bucket.record()))
            .collect()
    }
}
