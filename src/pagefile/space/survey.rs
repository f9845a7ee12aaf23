//! Finding what of a state lies near the end of the file.

use super::super::{
    Error,
    meta::Directory,
    page::{BucketRecord, PageRef, StoredValue},
    shared::Snapshot,
    source::Source,
    tree::{NodePage, Place, Thing},
};

/// What lies at or behind a page, in the order of buckets and keys.
#[derive(Default)]
pub(in crate::pagefile) struct Survey {
    /// Each place with its bucket, among `buckets`.
    places: Vec<(usize, Place)>,
    /// The bucket that holds all others, and those met: the one that each lies in, and its name.
    buckets: Vec<(usize, Vec<u8>)>,
}

struct Surveyor<'s> {
    source: &'s Source,
    end: u64,
    most: usize,
    found: Survey,
    /// Buckets met and not yet walked, by their places among those found. A list and no recursion, for nothing bounds how deep they lie.
    waiting: Vec<(usize, BucketRecord)>,
    met: u64,
}

impl Survey {
    /// Looks for what of this state reaches to page `end` or behind it, until `most` are found. O(pages), but for values in runs of their own.
    pub(in crate::pagefile) fn new(state: &Snapshot, end: u64, most: usize) -> Result<Self, Error> {
        let mut surveyor = Surveyor {
            source: &state.source,
            end,
            most,
            found: Self::default(),
            waiting: Vec::new(),
            met: 0,
        };
        surveyor.found.buckets.push((0, Vec::new()));
        match &state.directory {
            Directory::Empty => {}
            Directory::Stored(root) => surveyor.node(0, *root, None, &[])?,
            Directory::Inline(leaf) => surveyor.leaf(0, &state.source.inline(leaf)?)?,
        }
        while let Some((bucket, record)) = surveyor.waiting.pop()
            && !surveyor.is_done()
        {
            if let Some(root) = record.root {
                surveyor.node(bucket, root, None, &[])?;
            }
        }
        Ok(surveyor.found)
    }

    pub(in crate::pagefile) fn len(&self) -> usize {
        self.places.len()
    }

    pub(in crate::pagefile) fn place(&self, i: usize) -> &Place {
        &self.places[i].1
    }

    /// The names that lead to the bucket of place `i`.
    pub(in crate::pagefile) fn path(&self, i: usize) -> Vec<&[u8]> {
        let mut path = Vec::new();
        let mut at = self.places[i].0;
        while at > 0 {
            let (parent, name) = &self.buckets[at];
            path.push(&name[..]);
            at = *parent;
        }
        path.reverse();
        path
    }
}

impl Surveyor<'_> {
    fn is_done(&self) -> bool {
        self.found.places.len() >= self.most
    }

    fn note(&mut self, bucket: usize, key: &[u8], run: PageRef, thing: Thing) {
        if run.page.saturating_add(u64::from(run.pages)) > self.end {
            let key = Box::from(key);
            self.found.places.push((bucket, Place { key, thing }));
        }
    }

    fn node(
        &mut self,
        bucket: usize,
        page: PageRef,
        level: Option<u8>,
        low: &[u8],
    ) -> Result<(), Error> {
        if self.is_done() {
            return Ok(());
        }
        let source = self.source;
        // The writer has walked all of it. Should the medium give something else now, this ends all the same.
        self.met += 1;
        if self.met > source.pages {
            return Err(source.corrupted(page.page, "more pages are reached than there are"));
        }
        self.note(bucket, low, page, Thing::Node(page));
        let node = source.node(page, level)?;
        let corrupted = |reason| source.corrupted(page.page, reason);
        let Some(below) = node.level().checked_sub(1) else {
            return self.leaf(bucket, &node);
        };
        for i in 0..node.count() {
            let (_, child) = node.branch_entry(i).map_err(corrupted)?;
            let low = if i == 0 {
                low
            } else {
                node.key(i).map_err(corrupted)?
            };
            self.node(bucket, child, Some(below), low)?;
        }
        Ok(())
    }

    fn leaf(&mut self, bucket: usize, leaf: &NodePage<'_>) -> Result<(), Error> {
        let corrupted = |reason| self.source.corrupted(leaf.page(), reason);
        for i in 0..leaf.count() {
            let (_, value) = leaf.leaf_entry(i).map_err(corrupted)?;
            let key = leaf.key(i).map_err(corrupted)?;
            match value {
                StoredValue::Inline(_) => {}
                StoredValue::Run(value) => {
                    self.note(bucket, key, value.run, Thing::Value(value));
                }
                StoredValue::Bucket(record) => {
                    self.waiting.push((self.found.buckets.len(), record));
                    self.found.buckets.push((bucket, key.to_vec()));
                }
            }
        }
        Ok(())
    }
}
