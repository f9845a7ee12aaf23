//! Bringing a page or a value into memory, so that it is written to another place.

use super::{
    super::{
        Error,
        page::{PageRef, StoredValue, ValueRun},
        source::Source,
    },
    edit::Edit,
    node::{Child, NewValue, Value},
    read::Root,
};

/// Where a stored node or value was found in its tree. The tree may have been changed since.
#[derive(Clone, Debug)]
pub(in super::super) struct Place {
    /// A key that leads there.
    pub(in super::super) key: Box<[u8]>,
    pub(in super::super) thing: Thing,
}

/// What lies at a [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Thing {
    Node(PageRef),
    /// A value in a run of its own.
    Value(ValueRun),
}

impl Edit<'_> {
    /// Brings what lies at a place into memory, and what leads there; and tells whether it was still there. An error leaves the tree as
    /// [`put`](Self::put) does.
    pub(in super::super) fn relocate(
        &mut self,
        root: &mut Option<Child>,
        place: &Place,
    ) -> Result<bool, Error> {
        match root {
            Some(root) if is_there(self.source, root, place)? => {
                self.bring(root, None, place)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn bring(&mut self, child: &mut Child, level: Option<u8>, place: &Place) -> Result<(), Error> {
        let is_it = is_node(child, place);
        let node = self.dirty(child, level)?;
        if is_it {
            return Ok(());
        }
        if node.level() > 0 {
            let at = node.child_of(&place.key);
            let below = Some(node.level() - 1);
            return self.bring(node.child_mut(at), below, place);
        }
        if let Ok(at) = node.search(&place.key)
            && let Value::Run(run) = node.value(at)
        {
            // Large from the first byte on: the entry keeps its size, for the value will have a run again.
            let freed = node.replace(at, NewValue::Bytes(&self.source.value(run)?), 0);
            self.free(freed);
        }
        Ok(())
    }
}

fn is_node(child: &Child, place: &Place) -> bool {
    matches!(child, Child::Stored(page) if Thing::Node(*page) == place.thing)
}

/// Whether the thing is stored at its place. What is in memory is written anew in any case.
fn is_there(source: &Source, mut child: &Child, place: &Place) -> Result<bool, Error> {
    loop {
        match child {
            Child::Stored(page) | Child::Moved(page) => {
                return is_stored_there(source, *page, place);
            }
            Child::Dirty(node) if node.level() > 0 => {
                let at = node.child_of(&place.key);
                match node.below(at) {
                    Root::Stored(page) => return is_stored_there(source, page, place),
                    _ => match node.children.get(at) {
                        Some(below) => child = below,
                        None => return Ok(false),
                    },
                }
            }
            Child::Dirty(node) => {
                let value = node.search(&place.key).map(|at| node.value(at));
                return Ok(
                    matches!(value, Ok(Value::Run(run)) if Thing::Value(run) == place.thing),
                );
            }
        }
    }
}

fn is_stored_there(source: &Source, mut page: PageRef, place: &Place) -> Result<bool, Error> {
    let mut level = None;
    loop {
        if Thing::Node(page) == place.thing {
            return Ok(true);
        }
        let node = source.node(page, level)?;
        let corrupted = |reason| source.corrupted(page.page, reason);
        let Some(below) = node.level().checked_sub(1) else {
            let Ok(at) = node.search(&place.key).map_err(corrupted)? else {
                return Ok(false);
            };
            let (_, value) = node.leaf_entry(at).map_err(corrupted)?;
            return Ok(matches!(value, StoredValue::Run(run) if Thing::Value(run) == place.thing));
        };
        let at = node.child_of(&place.key).map_err(corrupted)?;
        let (_, child) = node.branch_entry(at).map_err(corrupted)?;
        (page, level) = (child, Some(below));
    }
}
