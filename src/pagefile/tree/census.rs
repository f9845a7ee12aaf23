//! Counting what a tree takes.

use super::{
    super::{
        Error,
        bucket_stats::BucketStats,
        page::{PageRef, StoredValue, VALUE_HEADER, ValueRun},
        source::Source,
    },
    node::{Child, Node, Value},
    node_page::NodePage,
    read::Root,
};

/// Counts the pages and bytes of trees. What is in memory is counted as it will be stored.
pub(in super::super) struct Census<'c> {
    pub(in super::super) source: &'c Source,
    pub(in super::super) stats: BucketStats,
    /// Names of the buckets that were met.
    pub(in super::super) buckets: Vec<Vec<u8>>,
    /// Stored pages that were met.
    pub(in super::super) stored: u64,
}

impl Census<'_> {
    /// Adds a tree. O(pages), without those of values in runs of their own.
    pub(in super::super) fn add(&mut self, root: Root<'_>) -> Result<(), Error> {
        match root {
            Root::Empty => Ok(()),
            Root::Stored(page) => self.add_stored(page, None),
            Root::Inline(leaf) => {
                self.stats.depth = self.stats.depth.max(1);
                self.entries(&self.source.inline(leaf)?)
            }
            Root::Dirty(node) => self.add_dirty(node),
        }
    }

    fn add_child(&mut self, child: &Child, level: u8) -> Result<(), Error> {
        match child {
            Child::Stored(page) | Child::Moved(page) => self.add_stored(*page, Some(level)),
            Child::Dirty(node) => self.add_dirty(node),
        }
    }

    fn add_stored(&mut self, page: PageRef, level: Option<u8>) -> Result<(), Error> {
        let source = self.source;
        // Nothing has proven that each page is reached once. Where it is not, this ends all the same.
        self.stored = self.stored.saturating_add(page.pages.into());
        if self.stored > source.pages {
            return Err(source.corrupted(page.page, "more pages are reached than there are"));
        }
        let node = source.node(page, level)?;
        self.node(node.level(), node.used(), page.pages.into());
        self.entries(&node)
    }

    /// Adds what the entries of a stored node lead to.
    fn entries(&mut self, node: &NodePage<'_>) -> Result<(), Error> {
        let source = self.source;
        let corrupted = |reason| source.corrupted(node.page(), reason);
        for i in 0..node.count() {
            if node.level() > 0 {
                let (_, child) = node.branch_entry(i).map_err(corrupted)?;
                self.add_stored(child, Some(node.level() - 1))?;
                continue;
            }
            match node.leaf_entry(i).map_err(corrupted)?.1 {
                StoredValue::Inline(_) => self.stats.keys += 1,
                StoredValue::Run(run) => self.run(run),
                StoredValue::Bucket(_) => self.bucket(node.key(i).map_err(corrupted)?),
            }
        }
        Ok(())
    }

    fn add_dirty(&mut self, node: &Node) -> Result<(), Error> {
        self.node(node.level(), node.size(), self.pages(node.size()));
        if node.level() > 0 {
            let below = node.level() - 1;
            let mut children = node.all_children();
            return children.try_for_each(|child| self.add_child(&child, below));
        }
        for (i, value) in node.values().enumerate() {
            match value {
                Value::Inline(_) => self.stats.keys += 1,
                Value::Large(bytes) => {
                    let len = VALUE_HEADER + bytes.len();
                    self.value(len as u64, self.pages(len));
                }
                Value::Run(run) => self.run(run),
                Value::Bucket(_) => self.bucket(node.key(i)),
            }
        }
        Ok(())
    }

    fn pages(&self, bytes: usize) -> u64 {
        bytes.div_ceil(self.source.page_size as usize) as u64
    }

    fn node(&mut self, level: u8, bytes: usize, pages: u64) {
        let stats = &mut self.stats;
        stats.depth = stats.depth.max(u32::from(level) + 1);
        if level == 0 {
            stats.leaf_pages += pages;
            stats.leaf_bytes += bytes as u64;
        } else {
            stats.branch_pages += pages;
            stats.branch_bytes += bytes as u64;
        }
    }

    fn run(&mut self, run: ValueRun) {
        let bytes = run.len.saturating_add(VALUE_HEADER as u64);
        self.value(bytes, run.run.pages.into());
    }

    fn value(&mut self, bytes: u64, pages: u64) {
        self.stats.keys += 1;
        self.stats.value_pages += pages;
        self.stats.value_bytes = self.stats.value_bytes.saturating_add(bytes);
    }

    fn bucket(&mut self, name: &[u8]) {
        self.stats.buckets += 1;
        self.buckets.push(name.to_vec());
    }
}
