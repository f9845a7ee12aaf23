//! Looking keys up, in stored and changed nodes alike.

use super::{
    super::{
        Bytes, Error,
        page::{BucketRecord, PageRef, StoredValue},
        source::Source,
    },
    node::{Child, Node, Value},
    node_page::NodePage,
};

/// Where a tree begins.
#[derive(Clone, Copy)]
pub(in super::super) enum Root<'t> {
    Empty,
    Stored(PageRef),
    /// A leaf that lies outside of the pages.
    Inline(&'t [u8]),
    Dirty(&'t Node),
}

impl<'t> Root<'t> {
    pub(in super::super) fn of(child: Option<&'t Child>) -> Self {
        match child {
            None => Self::Empty,
            Some(Child::Stored(page) | Child::Moved(page)) => Self::Stored(*page),
            Some(Child::Dirty(node)) => Self::Dirty(node),
        }
    }

    pub(in super::super) fn stored(page: Option<PageRef>) -> Self {
        page.map_or(Self::Empty, Self::Stored)
    }
}

/// Which of the two a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Value,
    Bucket,
}

/// What a key leads to.
pub(in super::super) enum Found<'t> {
    Value(Bytes<'t>),
    Bucket(BucketRecord),
}

/// A node, wherever it lies.
#[derive(Clone)]
pub(super) enum NodeView<'t> {
    Page(NodePage<'t>),
    Dirty(&'t Node),
}

impl<'t> NodeView<'t> {
    /// The node at the top of a tree, or below a branch of the level above `level`.
    pub(super) fn open(
        source: &'t Source,
        root: Root<'t>,
        level: Option<u8>,
    ) -> Result<Option<Self>, Error> {
        match root {
            Root::Empty => Ok(None),
            Root::Stored(page) => Ok(Some(Self::Page(source.node(page, level)?))),
            Root::Inline(leaf) => Ok(Some(Self::Page(source.inline(leaf)?))),
            Root::Dirty(node) => Ok(Some(Self::Dirty(node))),
        }
    }

    pub(super) fn level(&self) -> u8 {
        match self {
            Self::Page(page) => page.level(),
            Self::Dirty(node) => node.level(),
        }
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::Page(page) => page.count(),
            Self::Dirty(node) => node.count(),
        }
    }

    /// The bytes that the node takes when stored.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Page(page) => page.used(),
            Self::Dirty(node) => node.size(),
        }
    }

    fn checked<T>(&self, source: &Source, result: Result<T, &'static str>) -> Result<T, Error> {
        result.map_err(|reason| match self {
            Self::Page(page) => source.corrupted(page.page(), reason),
            Self::Dirty(_) => source.corrupted(0, reason),
        })
    }

    /// Where `key` is in a leaf, or where it would come.
    pub(super) fn search(
        &self,
        source: &Source,
        key: &[u8],
    ) -> Result<Result<usize, usize>, Error> {
        match self {
            Self::Page(page) => self.checked(source, page.search(key)),
            Self::Dirty(node) => Ok(node.search(key)),
        }
    }

    /// The child of a branch below which `key` lies.
    pub(super) fn child_of(&self, source: &Source, key: &[u8]) -> Result<usize, Error> {
        match self {
            Self::Page(page) => self.checked(source, page.child_of(key)),
            Self::Dirty(node) => Ok(node.child_of(key)),
        }
    }

    /// Child `i` of a branch.
    pub(super) fn child(&self, source: &'t Source, i: usize) -> Result<Option<Self>, Error> {
        let below = self.level().checked_sub(1);
        let child = match self {
            Self::Page(page) => Root::Stored(self.checked(source, page.branch_entry(i))?.1),
            Self::Dirty(node) => node.below(i),
        };
        Self::open(source, child, below)
    }

    /// The key of entry `i` of a leaf.
    pub(super) fn key(&self, source: &Source, i: usize) -> Result<Bytes<'t>, Error> {
        match self {
            Self::Page(page) => {
                let entry = self.checked(source, page.leaf_entry(i))?;
                self.checked(source, page.bytes(entry.0))
            }
            Self::Dirty(node) => Ok(Bytes::borrowed(node.key(i))),
        }
    }

    /// What entry `i` of a leaf is; a value in a run of its own is not read for it.
    pub(super) fn kind(&self, source: &Source, i: usize) -> Result<Kind, Error> {
        let is_bucket = match self {
            Self::Page(page) => {
                let (_, value) = self.checked(source, page.leaf_entry(i))?;
                matches!(value, StoredValue::Bucket(_))
            }
            Self::Dirty(node) => node.value(i).is_bucket(),
        };
        Ok(if is_bucket { Kind::Bucket } else { Kind::Value })
    }

    /// The value of entry `i` of a leaf.
    pub(super) fn value(&self, source: &'t Source, i: usize) -> Result<Option<Found<'t>>, Error> {
        let found = match self {
            Self::Page(page) => match self.checked(source, page.leaf_entry(i))?.1 {
                StoredValue::Inline(range) => {
                    Found::Value(self.checked(source, page.bytes(range))?)
                }
                StoredValue::Run(run) => Found::Value(source.value(run)?),
                StoredValue::Bucket(record) => Found::Bucket(record),
            },
            Self::Dirty(node) => match node.value(i) {
                Value::Inline(bytes) | Value::Large(bytes) => Found::Value(Bytes::borrowed(bytes)),
                Value::Run(run) => Found::Value(source.value(run)?),
                Value::Bucket(record) => Found::Bucket(record),
            },
        };
        Ok(Some(found))
    }
}

/// What `key` leads to. O(depth) pages.
pub(in super::super) fn find<'t>(
    source: &'t Source,
    root: Root<'t>,
    key: &[u8],
) -> Result<Option<Found<'t>>, Error> {
    match entry(source, root, key)? {
        Some((leaf, at)) => leaf.value(source, at),
        None => Ok(None),
    }
}

/// What kind of thing `key` leads to. O(depth) pages.
pub(in super::super) fn find_kind(
    source: &Source,
    root: Root<'_>,
    key: &[u8],
) -> Result<Option<Kind>, Error> {
    match entry(source, root, key)? {
        Some((leaf, at)) => leaf.kind(source, at).map(Some),
        None => Ok(None),
    }
}

fn entry<'t>(
    source: &'t Source,
    root: Root<'t>,
    key: &[u8],
) -> Result<Option<(NodeView<'t>, usize)>, Error> {
    let Some(mut node) = NodeView::open(source, root, None)? else {
        return Ok(None);
    };
    while node.level() > 0 {
        let at = node.child_of(source, key)?;
        match node.child(source, at)? {
            Some(child) => node = child,
            None => return Ok(None),
        }
    }
    Ok(node.search(source, key)?.ok().map(|at| (node, at)))
}
