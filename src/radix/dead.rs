//! Dead lists, and how much is on them.

use super::history::Dead;
use super::layout::Layout;

/// How much memory something takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) nodes: usize,
    pub(crate) rows: usize,
    /// Of nodes their blocks, of rows what lies in them and not what they point at.
    pub(crate) bytes: usize,
}

impl Weight {
    pub(super) fn add(&mut self, other: Self) {
        self.nodes += other.nodes;
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// What one version reaches and the one after it does not.
#[derive(Debug, Default)]
pub(super) struct DeadList {
    entries: Vec<Dead>,
    weight: Weight,
}

impl DeadList {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    pub(super) fn weight(&self) -> Weight {
        self.weight
    }

    pub(super) fn entries(&self) -> &[Dead] {
        &self.entries
    }

    /// Adds an entry, which is alive.
    pub(super) fn push(&mut self, entry: Dead, layout: &Layout) {
        self.weight.add(entry.weight(layout));
        self.entries.push(entry);
    }

    /// Takes an entry off.
    pub(super) fn pop(&mut self, layout: &Layout) -> Option<Dead> {
        let entry = self.entries.pop()?;
        let Weight { nodes, rows, bytes } = entry.weight(layout);
        self.weight.nodes -= nodes;
        self.weight.rows -= rows;
        self.weight.bytes -= bytes;
        Some(entry)
    }

    pub(super) fn append(&mut self, other: Self) {
        self.weight.add(other.weight);
        self.entries.extend(other.entries);
    }
}

impl Dead {
    /// What it takes; the entry is alive, as all on the lists are.
    fn weight(self, layout: &Layout) -> Weight {
        match self {
            Self::Node(node) => Weight {
                nodes: 1,
                rows: 0,
                // SAFETY: what is on a list is not freed yet, and nobody writes to it.
                bytes: unsafe { node.get() }.size(),
            },
            Self::Row(_, family) => Weight {
                nodes: 0,
                rows: 1,
                bytes: layout.families[family].row.size(),
            },
        }
    }
}
