//! Freeing a whole tree.

use super::{
    super::{
        Error,
        meta::Run,
        page::{PageRef, StoredValue},
    },
    edit::Edit,
    node::{Body, Child, Node, Value},
};

impl Edit<'_> {
    /// Notes all pages of a tree as freed. O(pages). An error frees nothing.
    ///
    /// Ends also on hostile bytes: a write transaction begins only after a walk that reached each page of the state once.
    pub(in super::super) fn free_tree(&mut self, root: Option<&Child>) -> Result<(), Error> {
        let mut freed = Vec::new();
        match root {
            None => {}
            Some(Child::Stored(page) | Child::Moved(page)) => {
                self.free_stored(*page, None, &mut freed)?;
            }
            Some(Child::Dirty(node)) => self.free_dirty(node, &mut freed)?,
        }
        self.freed.append(&mut freed);
        Ok(())
    }

    fn free_stored(
        &self,
        page: PageRef,
        level: Option<u8>,
        freed: &mut Vec<Run>,
    ) -> Result<(), Error> {
        let node = self.source.node(page, level)?;
        let corrupted = |reason| self.source.corrupted(page.page, reason);
        for i in 0..node.count() {
            if node.level() == 0 {
                if let (_, StoredValue::Run(value)) = node.leaf_entry(i).map_err(corrupted)? {
                    freed.push(run(value.run));
                }
            } else {
                let (_, child) = node.branch_entry(i).map_err(corrupted)?;
                self.free_stored(child, Some(node.level() - 1), freed)?;
            }
        }
        freed.push(run(page));
        Ok(())
    }

    /// The page that the node came from was freed when it was changed.
    fn free_dirty(&self, node: &Node, freed: &mut Vec<Run>) -> Result<(), Error> {
        match &node.body {
            Body::Leaf(leaf) => {
                for entry in &leaf.entries {
                    if let Value::Run(value) = &entry.value {
                        freed.push(run(value.run));
                    }
                }
            }
            Body::Branch(branch) => {
                let below = Some(branch.level - 1);
                for entry in &branch.children {
                    match &entry.child {
                        Child::Stored(page) | Child::Moved(page) => {
                            self.free_stored(*page, below, freed)?;
                        }
                        Child::Dirty(child) => self.free_dirty(child, freed)?,
                    }
                }
            }
        }
        Ok(())
    }
}

fn run(page: PageRef) -> Run {
    Run {
        start: page.page,
        pages: u64::from(page.pages),
    }
}
