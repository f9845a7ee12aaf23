//! Walking all pages of a state: to find the free ones, and to check.

use super::{
    Error,
    meta::Directory,
    page::{BucketRecord, PageRef, StoredValue},
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
    problems: Option<Vec<Error>>,
    /// Buckets met and not yet walked: a list and no recursion, for nothing bounds how deep buckets lie in one another.
    waiting: Vec<BucketRecord>,
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
            problems: None,
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
            problems: Some(Vec::new()),
            ..Self::new(source, commit, file_pages)
        }
    }

    pub(super) fn into_seen(self) -> PageSet {
        self.seen
    }

    pub(super) fn into_parts(self) -> (PageSet, Vec<Error>) {
        (self.seen, self.problems.unwrap_or_default())
    }

    /// Walks the tree of buckets, all buckets, and all in them.
    pub(super) fn state(&mut self, directory: &Directory, buckets: u64) -> Result<(), Error> {
        let met = match directory {
            Directory::Empty => Ok(0),
            Directory::Stored(root) => self.node(*root, None, (None, None), true),
            Directory::Inline(leaf) => self
                .source
                .inline(leaf)
                .and_then(|leaf| self.leaf(&leaf, true)),
        };
        let page = match directory {
            Directory::Stored(root) => root.page,
            Directory::Empty | Directory::Inline(_) => 0,
        };
        let outcome = met.and_then(|met| self.compare(met == buckets, page));
        self.note(outcome)?;
        while let Some(record) = self.waiting.pop() {
            let outcome = self.bucket(record);
            self.note(outcome)?;
        }
        Ok(())
    }

    /// Ends the walk with the error, or goes on with it noted.
    fn note(&mut self, outcome: Result<(), Error>) -> Result<(), Error> {
        match (outcome, &mut self.problems) {
            (Err(problem), Some(problems)) => {
                if problems.len() < MOST_PROBLEMS {
                    problems.push(problem);
                }
                Ok(())
            }
            (outcome, _) => outcome,
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

    fn bucket(&mut self, record: BucketRecord) -> Result<(), Error> {
        let before = self.tally.buckets;
        let entries = match record.root {
            None => 0,
            Some(root) => self.node(root, None, (None, None), false)?,
        };
        let buckets = self.tally.buckets - before;
        let claimed = record.rows.checked_add(record.buckets);
        let page = record.root.map_or(0, |root| root.page);
        self.compare(claimed == Some(entries) && buckets == record.buckets, page)
    }

    fn compare(&self, is_right: bool, page: u64) -> Result<(), Error> {
        if is_right || self.skipped.is_some() {
            return Ok(());
        }
        Err(self
            .source
            .corrupted(page, "its tree has another number of keys or buckets"))
    }

    /// Walks a node whose keys must lie between the bounds, and gives the number of entries in the leaves at and below it.
    fn node(
        &mut self,
        page: PageRef,
        level: Option<u8>,
        (low, high): (Option<&[u8]>, Option<&[u8]>),
        is_root: bool,
    ) -> Result<u64, Error> {
        if self.skipped.is_some_and(|other| other.contains(page.page)) {
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
            self.note(outcome)?;
        }
        Ok(rows)
    }

    /// Walks what the entries of a leaf lead to, and gives their number.
    fn leaf(&mut self, leaf: &NodePage<'_>, is_root: bool) -> Result<u64, Error> {
        for i in 0..leaf.count() {
            let (_, value) = leaf
                .leaf_entry(i)
                .map_err(|reason| self.source.corrupted(leaf.page(), reason))?;
            let outcome = self.value(leaf.page(), &value, is_root);
            self.note(outcome)?;
        }
        Ok(leaf.count() as u64)
    }

    fn value(&mut self, leaf: u64, value: &StoredValue, is_root: bool) -> Result<(), Error> {
        match value {
            StoredValue::Bucket(record) => {
                self.tally.buckets += 1;
                self.waiting.push(*record);
                Ok(())
            }
            StoredValue::Run(value) if !is_root => {
                self.tally.rows += 1;
                if self.skipped.is_some_and(|o| o.contains(value.run.page)) {
                    return Ok(());
                }
                self.claim(value.run)?;
                self.tally.value_pages += u64::from(value.run.pages);
                if self.deep {
                    self.source.value(*value)?;
                }
                Ok(())
            }
            StoredValue::Inline(_) if !is_root => {
                self.tally.rows += 1;
                Ok(())
            }
            _ => Err(self
                .source
                .corrupted(leaf, "the tree of buckets holds a value")),
        }
    }
}
