//! Freeing a whole tree.

use super::{
    super::{
        Error,
        meta::Run,
        page::{BucketRecord, PageRef, StoredValue},
        page_set::PageSet,
        source::Source,
    },
    node::{Child, Node, Value},
};

/// Gathers the pages of trees, and the buckets that lie in them: those are trees too, and the caller's to go on with.
pub(in super::super) struct Freed<'p> {
    pub(in super::super) source: &'p Source,
    pub(in super::super) runs: Vec<Run>,
    /// The pages of them: one that is reached twice is damage, and could be reached without end.
    seen: PageSet,
    /// Names and records, as they were stored last.
    pub(in super::super) buckets: Vec<(Vec<u8>, BucketRecord)>,
}

impl<'p> Freed<'p> {
    pub(in super::super) fn new(source: &'p Source) -> Self {
        Self {
            source,
            runs: Vec::new(),
            seen: PageSet::new(source.pages),
            buckets: Vec::new(),
        }
    }

    fn push(&mut self, page: PageRef) -> Result<(), Error> {
        let run = Run {
            start: page.page,
            pages: u64::from(page.pages),
        };
        if !self.seen.insert_run(run) {
            let reason = "it is reached twice";
            return Err(self.source.corrupted(page.page, reason));
        }
        self.runs.push(run);
        Ok(())
    }

    /// Adds a tree. O(pages), on hostile bytes too.
    pub(in super::super) fn add(&mut self, root: Option<&Child>) -> Result<(), Error> {
        match root {
            None => Ok(()),
            Some(Child::Stored(page) | Child::Moved(page)) => self.add_stored(*page, None),
            Some(Child::Dirty(node)) => self.add_dirty(node),
        }
    }

    fn add_stored(&mut self, page: PageRef, level: Option<u8>) -> Result<(), Error> {
        let node = self.source.node(page, level)?;
        self.push(page)?;
        let source = self.source;
        let corrupted = |reason| source.corrupted(page.page, reason);
        for i in 0..node.count() {
            if node.level() > 0 {
                let (_, child) = node.branch_entry(i).map_err(corrupted)?;
                self.add_stored(child, Some(node.level() - 1))?;
                continue;
            }
            match node.leaf_entry(i).map_err(corrupted)?.1 {
                StoredValue::Inline(_) => {}
                StoredValue::Run(value) => self.push(value.run)?,
                StoredValue::Bucket(record) => {
                    let name = node.key(i).map_err(corrupted)?.to_vec();
                    self.buckets.push((name, record));
                }
            }
        }
        Ok(())
    }

    /// The page that the node came from was freed when it was changed.
    fn add_dirty(&mut self, node: &Node) -> Result<(), Error> {
        if node.level() > 0 {
            let below = Some(node.level() - 1);
            for child in node.all_children() {
                match child {
                    Child::Stored(page) | Child::Moved(page) => self.add_stored(page, below)?,
                    Child::Dirty(child) => self.add_dirty(&child)?,
                }
            }
            return Ok(());
        }
        for (i, value) in node.values().enumerate() {
            match value {
                Value::Inline(_) | Value::Large(_) => {}
                Value::Run(value) => self.push(value.run)?,
                Value::Bucket(record) => self.buckets.push((node.key(i).to_vec(), record)),
            }
        }
        Ok(())
    }
}
