//! Nodes in memory: those that a write transaction has changed.

use std::{mem, ops::Range, sync::Arc};

use super::{
    super::{
        Error,
        page::{
            BRANCH_FIXED, BucketRecord, HEADER, LEAF_FIXED, PageRef, SLOT, StoredValue, ValueRun,
        },
        source::Source,
    },
    node_page::NodePage,
};

/// A node below a branch, or the root of a tree. A clone shares what is changed, and the next edit of either copies its path: so a savepoint costs
/// nothing but what is changed after it.
#[derive(Clone)]
pub(in super::super) enum Child {
    Stored(PageRef),
    /// A leaf of one page that the commit writes to another place as it is.
    Moved(PageRef),
    Dirty(Arc<Node>),
}

impl Child {
    /// The leaf that lies in a meta, to be edited.
    pub(in super::super) fn inline(leaf: &[u8], source: &Source) -> Result<Self, Error> {
        let node = Node::load(&source.inline(leaf)?, source)?;
        Ok(Self::Dirty(Arc::new(node)))
    }

    /// Where the node lies, if it does not have to be stored.
    pub(in super::super) fn stored(&self) -> Option<PageRef> {
        match self {
            Self::Stored(page) => Some(*page),
            Self::Moved(_) | Self::Dirty(_) => None,
        }
    }
}

/// A leaf or branch in memory.
#[derive(Clone)]
pub(in super::super) struct Node {
    /// The page that this node was read from; entries that were not changed still lie in it.
    base: Arc<[u8]>,
    pub(super) body: Body,
    /// The bytes that the node takes when stored.
    pub(super) size: usize,
}

#[derive(Clone)]
pub(super) enum Body {
    Leaf(Leaf),
    Branch(Branch),
}

#[derive(Clone)]
pub(super) struct Leaf {
    pub(super) entries: Vec<LeafEntry>,
    /// How many of the last insertions in a row came at the end: a sorted load is seen by it.
    pub(super) appended: u32,
}

#[derive(Clone)]
pub(super) struct Branch {
    pub(super) level: u8,
    /// The first key is not used.
    pub(super) children: Vec<BranchEntry>,
}

#[derive(Clone)]
pub(super) struct LeafEntry {
    pub(super) key: Slice,
    pub(super) value: Value,
}

#[derive(Clone)]
pub(super) struct BranchEntry {
    pub(super) key: Slice,
    pub(super) child: Child,
}

/// Bytes in the page of the node, or of their own.
#[derive(Clone)]
pub(super) enum Slice {
    Base { start: u32, end: u32 },
    Owned(Box<[u8]>),
}

#[derive(Clone)]
pub(super) enum Value {
    Inline(Slice),
    /// Too large for a leaf, and not yet stored.
    Large(Arc<[u8]>),
    Run(ValueRun),
    Bucket(Box<BucketRecord>),
}

/// A value to put.
#[derive(Clone, Copy)]
pub(in super::super) enum NewValue<'a> {
    Bytes(&'a [u8]),
    Bucket(BucketRecord),
}

impl Slice {
    pub(super) fn owned(bytes: &[u8]) -> Self {
        Self::Owned(Box::from(bytes))
    }

    fn base(range: Range<usize>) -> Self {
        Self::Base {
            start: range.start as u32,
            end: range.end as u32,
        }
    }

    pub(super) fn get<'n>(&'n self, base: &'n [u8]) -> &'n [u8] {
        match self {
            Self::Base { start, end } => &base[*start as usize..*end as usize],
            Self::Owned(bytes) => bytes,
        }
    }

    /// Makes the bytes independent of the page they lie in.
    fn detach(&mut self, base: &[u8]) {
        if let Self::Base { .. } = self {
            *self = Self::owned(self.get(base));
        }
    }
}

impl Value {
    /// `large_from` is the first length that does not lie in a leaf.
    pub(super) fn new(value: NewValue<'_>, large_from: usize) -> Self {
        match value {
            NewValue::Bytes(bytes) if bytes.len() < large_from => Self::Inline(Slice::owned(bytes)),
            NewValue::Bytes(bytes) => Self::Large(Arc::from(bytes)),
            NewValue::Bucket(record) => Self::Bucket(Box::new(record)),
        }
    }

    pub(super) fn is_bucket(&self) -> bool {
        matches!(self, Self::Bucket(_))
    }

    fn stored_len(&self) -> usize {
        match self {
            Self::Inline(Slice::Base { start, end }) => (end - start) as usize,
            Self::Inline(Slice::Owned(bytes)) => bytes.len(),
            Self::Large(_) | Self::Run(_) => ValueRun::LEN,
            Self::Bucket(_) => BucketRecord::LEN,
        }
    }
}

impl LeafEntry {
    /// Makes an entry that may lie in the page `from` one of a node whose page is `to`.
    pub(super) fn lie_in(&mut self, from: &[u8], to: &[u8]) {
        if !std::ptr::eq(from, to) {
            self.detach(from);
        }
    }

    fn detach(&mut self, base: &[u8]) {
        self.key.detach(base);
        if let Value::Inline(slice) = &mut self.value {
            slice.detach(base);
        }
    }

    /// The bytes that the entry takes in a page, with its slot.
    pub(super) fn size(&self, base: &[u8]) -> usize {
        SLOT + LEAF_FIXED + self.key.get(base).len() + self.value.stored_len()
    }
}

impl BranchEntry {
    /// The bytes that the entry takes in a page, with its slot; the first one's key is not stored.
    pub(super) fn size(&self, base: &[u8], is_first: bool) -> usize {
        let key = if is_first {
            0
        } else {
            self.key.get(base).len()
        };
        SLOT + BRANCH_FIXED + key
    }
}

impl Node {
    pub(super) fn leaf(base: Arc<[u8]>, entries: Vec<LeafEntry>) -> Self {
        let body = Body::Leaf(Leaf {
            entries,
            appended: 0,
        });
        Self::new(base, body)
    }

    pub(super) fn branch(base: Arc<[u8]>, level: u8, children: Vec<BranchEntry>) -> Self {
        Self::new(base, Body::Branch(Branch { level, children }))
    }

    fn new(base: Arc<[u8]>, body: Body) -> Self {
        let mut node = Self {
            base,
            body,
            size: 0,
        };
        node.measure();
        node
    }

    /// A leaf of one entry.
    pub(super) fn first_leaf(key: &[u8], value: Value) -> Self {
        let entry = LeafEntry {
            key: Slice::owned(key),
            value,
        };
        Self::leaf(Arc::from([]), vec![entry])
    }

    /// Reads a stored node into memory.
    pub(super) fn load(page: &NodePage<'_>, source: &Source) -> Result<Self, Error> {
        let corrupted = |reason| source.corrupted(page.page(), reason);
        let base = page.buf().to_shared();
        if page.level() == 0 {
            let mut entries = Vec::with_capacity(page.count() + 1);
            for i in 0..page.count() {
                let (key, value) = page.leaf_entry(i).map_err(corrupted)?;
                let value = match value {
                    StoredValue::Inline(range) => Value::Inline(Slice::base(range)),
                    StoredValue::Run(run) => Value::Run(run),
                    StoredValue::Bucket(record) => Value::Bucket(Box::new(record)),
                };
                let key = Slice::base(key);
                entries.push(LeafEntry { key, value });
            }
            Ok(Self::leaf(base, entries))
        } else {
            let mut children = Vec::with_capacity(page.count() + 1);
            for i in 0..page.count() {
                let (key, child) = page.branch_entry(i).map_err(corrupted)?;
                children.push(BranchEntry {
                    key: Slice::base(key),
                    child: Child::Stored(child),
                });
            }
            Ok(Self::branch(base, page.level(), children))
        }
    }

    pub(super) fn base(&self) -> &Arc<[u8]> {
        &self.base
    }

    pub(super) fn level(&self) -> u8 {
        match &self.body {
            Body::Leaf(_) => 0,
            Body::Branch(branch) => branch.level,
        }
    }

    pub(super) fn count(&self) -> usize {
        match &self.body {
            Body::Leaf(leaf) => leaf.entries.len(),
            Body::Branch(branch) => branch.children.len(),
        }
    }

    pub(super) fn key(&self, i: usize) -> &[u8] {
        match &self.body {
            Body::Leaf(leaf) => leaf.entries[i].key.get(&self.base),
            Body::Branch(branch) => branch.children[i].key.get(&self.base),
        }
    }

    /// Where `key` is in a leaf, or where it would come.
    pub(super) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        match &self.body {
            Body::Leaf(leaf) => leaf
                .entries
                .binary_search_by(|entry| entry.key.get(&self.base).cmp(key)),
            Body::Branch(_) => Err(self.child_of(key)),
        }
    }

    /// The child of a branch below which `key` lies.
    pub(super) fn child_of(&self, key: &[u8]) -> usize {
        match &self.body {
            Body::Leaf(_) => 0,
            Body::Branch(branch) => branch
                .children
                .get(1..)
                .unwrap_or_default()
                .partition_point(|entry| entry.key.get(&self.base) <= key),
        }
    }

    /// Computes the size from the entries.
    pub(super) fn measure(&mut self) {
        let entries: usize = match &self.body {
            Body::Leaf(leaf) => leaf.entries.iter().map(|e| e.size(&self.base)).sum(),
            Body::Branch(branch) => branch
                .children
                .iter()
                .enumerate()
                .map(|(i, e)| e.size(&self.base, i == 0))
                .sum(),
        };
        self.size = HEADER + entries;
    }

    /// Moves all entries of `right`, the next sibling, behind those of this node. `separator` is the key between them.
    pub(super) fn absorb(&mut self, mut right: Self, separator: &[u8]) {
        right.detach();
        match (&mut self.body, &mut right.body) {
            (Body::Leaf(left), Body::Leaf(right)) => {
                left.entries.append(&mut right.entries);
                left.appended = 0;
            }
            (Body::Branch(left), Body::Branch(right)) => {
                if let Some(first) = right.children.first_mut() {
                    first.key = Slice::owned(separator);
                }
                left.children.append(&mut right.children);
            }
            // Siblings are of one level: loading checks it.
            _ => {}
        }
        self.measure();
    }

    fn detach(&mut self) {
        let base = mem::replace(&mut self.base, Arc::from([]));
        match &mut self.body {
            Body::Leaf(leaf) => {
                for entry in &mut leaf.entries {
                    entry.detach(&base);
                }
            }
            Body::Branch(branch) => {
                for entry in &mut branch.children {
                    entry.key.detach(&base);
                }
            }
        }
    }
}
