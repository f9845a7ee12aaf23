//! Walking all pages of a state: to find the free ones, and to check.

use std::ops::ControlFlow;

use super::{
    Error,
    inspect::{Damage, Damages, Paths, Place, Span},
    meta::Directory,
    page::{BucketRecord, PageRef, StoredValue, ValueRun},
    page_set::PageSet,
    source::Source,
    tree::NodePage,
};

/// More problems than this are not collected.
const MOST_PROBLEMS: usize = 1000;

/// What a walk has met.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) branch_pages: u64,
    pub(super) leaf_pages: u64,
    pub(super) value_pages: u64,
    pub(super) buckets: u64,
    pub(super) rows: u64,
}

/// What a walk meets and finds sound.
pub(super) enum Met<'m> {
    /// A leaf or branch, with the bounds that its parents set to its keys; before what lies below it.
    Node {
        run: PageRef,
        node: &'m NodePage<'m>,
        keys: Span<'m>,
    },
    /// A value in a run of its own.
    Run { value: ValueRun, key: &'m [u8] },
    /// A key and its value.
    Row { key: &'m [u8], value: &'m [u8] },
    /// A bucket in the one that is walked, which gets this place; it is walked later.
    Bucket {
        place: Place,
        record: &'m BucketRecord,
    },
}

impl Met<'_> {
    /// How many pages were read for it.
    pub(super) fn pages(&self) -> u64 {
        match self {
            Self::Node { run, .. } => run.pages.into(),
            Self::Run { value, .. } => value.run.pages.into(),
            Self::Row { .. } | Self::Bucket { .. } => 0,
        }
    }
}

/// Is told what a walk meets, in the bucket at a place; a break ends the walk, and then nothing that it has found means anything.
pub(super) type Observer<'w> = &'w mut dyn FnMut(&Paths, Place, Met<'_>) -> ControlFlow<()>;

/// What a walk has found wrong.
#[derive(Default)]
pub(super) struct Found {
    pub(super) problems: Vec<Error>,
    pub(super) damage: Vec<Damage>,
}

#[derive(Default)]
struct Collected {
    problems: Vec<Error>,
    damages: Damages,
    paths: Paths,
}

/// A walk over the pages that a state reaches. Each is claimed once; a second claim is an error, so the walk ends whatever the file holds.
pub(super) struct Walk<'w> {
    source: &'w Source,
    commit: u64,
    seen: PageSet,
    /// Pages of another state: what lies below them is not walked again, and so not counted.
    skipped: Option<&'w PageSet>,
    /// Whether the runs of values are read too.
    deep: bool,
    /// Where problems are collected; without it the first one ends the walk.
    collected: Option<Collected>,
    observer: Option<Observer<'w>>,
    is_stopped: bool,
    /// The bucket that is walked.
    place: Place,
    /// Buckets met and not yet walked: a list and no recursion, for nothing bounds how deep buckets lie in one another.
    waiting: Vec<(Place, BucketRecord)>,
    pub(super) tally: Tally,
}

impl<'w> Walk<'w> {
    /// A walk that ends at the first problem, and does not read values in runs of their own.
    pub(super) fn new(source: &'w Source, commit: u64, file_pages: u64) -> Self {
        Self {
            source,
            commit,
            seen: PageSet::new(file_pages),
            skipped: None,
            deep: false,
            collected: None,
            observer: None,
            is_stopped: false,
            place: Paths::TOP,
            waiting: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// A walk over what only this state reaches, and not the one whose pages are `skipped`.
    pub(super) fn beyond(
        source: &'w Source,
        commit: u64,
        file_pages: u64,
        skipped: &'w PageSet,
    ) -> Self {
        Self {
            skipped: Some(skipped),
            ..Self::new(source, commit, file_pages)
        }
    }

    /// A walk that reads everything and collects problems.
    pub(super) fn deep(source: &'w Source, commit: u64, file_pages: u64) -> Self {
        Self {
            deep: true,
            collected: Some(Collected::default()),
            ..Self::new(source, commit, file_pages)
        }
    }

    /// Tells what it meets.
    pub(super) fn told_to(mut self, observer: Observer<'w>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Does not walk what is in `skipped`, nor compare numbers that include it.
    pub(super) fn skipping(mut self, skipped: &'w PageSet) -> Self {
        self.skipped = Some(skipped);
        self
    }

    pub(super) fn into_seen(self) -> PageSet {
        self.seen
    }

    pub(super) fn into_parts(self) -> (PageSet, Found) {
        let collected = self.collected.unwrap_or_default();
        let found = Found {
            problems: collected.problems,
            damage: collected.damages.into_damage(),
        };
        (self.seen, found)
    }

    /// Walks the tree of buckets, all buckets, and all in them.
    pub(super) fn state(&mut self, directory: &Directory, buckets: u64) -> Result<(), Error> {
        let record = BucketRecord {
            buckets,
            root: match directory {
                Directory::Stored(root) => Some(*root),
                Directory::Empty | Directory::Inline(_) => None,
            },
            ..BucketRecord::default()
        };
        match directory {
            Directory::Inline(leaf) => {
                let mut entries = 0;
                let outcome = self
                    .source
                    .inline(leaf)
                    .and_then(|leaf| self.leaf(&leaf, true))
                    .map(|found| entries = found);
                self.note(outcome)?;
                self.end(&record, entries, self.tally.buckets)?;
            }
            Directory::Empty | Directory::Stored(_) => self.tree(&record, true)?,
        }
        self.rest()
    }

    /// Walks a tree whose root is no entry of another one, as the bucket `name`, and all below it. What it holds is counted, and compared with nothing.
    pub(super) fn orphan(&mut self, name: &[u8], root: PageRef) -> Result<(), Error> {
        self.place = self.enter(Paths::TOP, name);
        let outcome = self.node(root, None, (None, None), false);
        self.note_node(outcome.map(drop), root, None, (None, None))?;
        self.close(0, 0);
        self.rest()
    }

    fn rest(&mut self) -> Result<(), Error> {
        while let Some((place, record)) = self.waiting.pop() {
            if self.is_stopped {
                break;
            }
            self.place = place;
            self.tree(&record, false)?;
        }
        Ok(())
    }

    fn enter(&mut self, place: Place, name: &[u8]) -> Place {
        match &mut self.collected {
            Some(collected) => collected.paths.add(place, name),
            None => place,
        }
    }

    /// Walks the tree of the bucket at `place`, and compares what is in it with what its record says.
    fn tree(&mut self, record: &BucketRecord, is_top: bool) -> Result<(), Error> {
        let buckets = self.tally.buckets;
        let mut entries = 0;
        if let Some(root) = record.root {
            let outcome = self
                .node(root, None, (None, None), is_top)
                .map(|found| entries = found);
            self.note_node(outcome, root, None, (None, None))?;
        }
        let buckets = self.tally.buckets - buckets;
        self.end(record, entries, buckets)
    }

    /// Ends a bucket in whose leaves there were so many entries, and among them so many buckets.
    fn end(&mut self, record: &BucketRecord, entries: u64, buckets: u64) -> Result<(), Error> {
        let keys = entries.saturating_sub(buckets);
        let is_right = keys == record.rows && buckets == record.buckets;
        let has_damage = self
            .collected
            .as_ref()
            .is_some_and(|collected| collected.damages.has_nodes());
        let (keys_lost, buckets_lost) = (
            record.rows.saturating_sub(keys),
            record.buckets.saturating_sub(buckets),
        );
        self.close(keys_lost, buckets_lost);
        if is_right || has_damage || self.skipped.is_some() {
            return Ok(());
        }
        let page = record.root.map_or(0, |root| root.page);
        let reason = "its tree has another number of keys or buckets";
        self.note(Err(self.source.corrupted(page, reason)))
    }

    fn close(&mut self, keys_lost: u64, buckets_lost: u64) {
        if let Some(Collected { damages, paths, .. }) = &mut self.collected {
            let (keys, buckets) = if damages.has_nodes() {
                (keys_lost, buckets_lost)
            } else {
                (0, 0)
            };
            damages.end(paths, self.place, keys, buckets);
        }
    }

    /// Ends the walk with the error, or goes on with it noted.
    fn note(&mut self, outcome: Result<(), Error>) -> Result<(), Error> {
        match (outcome, &mut self.collected) {
            (Err(problem), Some(collected)) => {
                if collected.problems.len() < MOST_PROBLEMS {
                    collected.problems.push(problem);
                }
                Ok(())
            }
            (outcome, _) => outcome,
        }
    }

    /// Notes a node that cannot be read, and what is lost with it.
    fn note_node(
        &mut self,
        outcome: Result<(), Error>,
        run: PageRef,
        level: Option<u8>,
        keys: Span<'_>,
    ) -> Result<(), Error> {
        if let (Err(error), Some(collected)) = (&outcome, &mut self.collected) {
            let page_size = self.source.page_size;
            collected.damages.node(run, page_size, level, keys, error);
        }
        self.note(outcome)
    }

    fn tell(&mut self, met: Met<'_>) {
        if let (Some(observer), Some(collected)) = (&mut self.observer, &self.collected)
            && !self.is_stopped
        {
            self.is_stopped = observer(&collected.paths, self.place, met).is_break();
        }
    }

    fn claim(&mut self, run: PageRef) -> Result<(), Error> {
        self.source.place(run)?;
        for page in run.page..run.page + u64::from(run.pages) {
            let is_other = self.skipped.is_some_and(|skipped| skipped.contains(page));
            if is_other || !self.seen.insert(page) {
                return Err(self.source.corrupted(page, "it is reached twice"));
            }
        }
        Ok(())
    }

    /// Walks a node whose keys must lie between the bounds, and gives the number of entries in the leaves at and below it.
    fn node(
        &mut self,
        page: PageRef,
        level: Option<u8>,
        (low, high): Span<'_>,
        is_root: bool,
    ) -> Result<u64, Error> {
        if self.is_stopped || self.skipped.is_some_and(|other| other.contains(page.page)) {
            return Ok(0);
        }
        self.claim(page)?;
        let node = self.source.node(page, level)?;
        let corrupted = |reason| self.source.corrupted(page.page, reason);
        if node.commit() > self.commit {
            return Err(corrupted("it is of a later commit than the meta"));
        }
        let count = node.count();
        // The first key of a branch is empty and stands for its lower bound.
        let first = usize::from(node.level() > 0);
        if first < count {
            let lowest = node.key(first).map_err(corrupted)?;
            let highest = node.key(count - 1).map_err(corrupted)?;
            if low.is_some_and(|low| lowest < low) || high.is_some_and(|high| highest >= high) {
                return Err(corrupted("its keys do not lie between those of its parent"));
            }
        }
        self.tell(Met::Node {
            run: page,
            node: &node,
            keys: (low, high),
        });
        if node.level() == 0 {
            self.tally.leaf_pages += u64::from(page.pages);
            return self.leaf(&node, is_root);
        }
        self.tally.branch_pages += u64::from(page.pages);
        let mut rows = 0;
        for i in 0..count {
            let corrupted = |reason| self.source.corrupted(page.page, reason);
            let (_, child) = node.branch_entry(i).map_err(corrupted)?;
            let from = if i == 0 {
                low
            } else {
                Some(node.key(i).map_err(corrupted)?)
            };
            let to = if i + 1 == count {
                high
            } else {
                Some(node.key(i + 1).map_err(corrupted)?)
            };
            let below = Some(node.level() - 1);
            let outcome = self
                .node(child, below, (from, to), is_root)
                .map(|below| rows += below);
            self.note_node(outcome, child, below, (from, to))?;
        }
        Ok(rows)
    }

    /// Walks what the entries of a leaf lead to, and gives their number.
    fn leaf(&mut self, leaf: &NodePage<'_>, is_root: bool) -> Result<u64, Error> {
        let corrupted = |reason| self.source.corrupted(leaf.page(), reason);
        for i in 0..leaf.count() {
            let (_, value) = leaf.leaf_entry(i).map_err(corrupted)?;
            let key = leaf.key(i).map_err(corrupted)?;
            match value {
                StoredValue::Bucket(record) => {
                    self.tally.buckets += 1;
                    let place = self.enter(self.place, key);
                    self.tell(Met::Bucket {
                        place,
                        record: &record,
                    });
                    self.waiting.push((place, record));
                }
                _ if is_root => {
                    let reason = "the tree of buckets holds a value";
                    self.note(Err(self.source.corrupted(leaf.page(), reason)))?;
                }
                StoredValue::Run(value) => {
                    let outcome = self.run(key, value);
                    if let (Err(error), Some(collected)) = (&outcome, &mut self.collected) {
                        let page_size = self.source.page_size;
                        collected.damages.value(value, page_size, key, error);
                    }
                    self.note(outcome)?;
                }
                StoredValue::Inline(value) => {
                    self.tally.rows += 1;
                    if self.observer.is_some() {
                        let value = leaf.bytes(value).map_err(corrupted)?;
                        self.tell(Met::Row { key, value: &value });
                    }
                }
            }
        }
        Ok(leaf.count() as u64)
    }

    fn run(&mut self, key: &[u8], value: ValueRun) -> Result<(), Error> {
        if self.skipped.is_some_and(|o| o.contains(value.run.page)) {
            return Ok(());
        }
        self.claim(value.run)?;
        if self.deep {
            let bytes = self.source.value(value)?;
            self.tell(Met::Run { value, key });
            self.tell(Met::Row { key, value: &bytes });
        }
        self.tally.rows += 1;
        self.tally.value_pages += u64::from(value.run.pages);
        Ok(())
    }
}
