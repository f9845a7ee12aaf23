//! Giving changed nodes their pages, at commit. Children come before their parents, for a parent holds their checksums; large values come before
//! their leaf. The order is that of the keys, so that the same changes give the same bytes. Pages that will live long and pages that will not
//! are two sequences, each in that order.

use std::sync::Arc;

use super::{
    super::{
        Error, checksum,
        page::{PageRef, VALUE_HEADER, ValueRun, encode_value_header},
        source::Source,
    },
    node::{Child, Node, Value},
};

/// How long a page is likely to be in use. One branch lies above many leaves, so it is written anew as many times as often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Life {
    /// Leaves of buckets, and values.
    Long,
    /// Branches, and the tree of buckets.
    Short,
}

/// What a commit writes: how many pages each node and value takes, in the order in which [`store`] writes them.
#[derive(Default)]
pub(in super::super) struct Units {
    pub(in super::super) long: Vec<u32>,
    pub(in super::super) short: Vec<u32>,
}

impl Units {
    /// The pages of all of them.
    pub(in super::super) fn pages(&self) -> u64 {
        let units = self.long.iter().chain(&self.short);
        units.map(|&pages| u64::from(pages)).sum()
    }

    fn push(&mut self, life: Life, pages: u32) {
        match life {
            Life::Long => self.long.push(pages),
            Life::Short => self.short.push(pages),
        }
    }
}

/// Where pages of a commit go.
pub(in super::super) trait Pages {
    /// The number of the commit, which every page carries.
    fn commit(&self) -> u64;

    /// Fills the next `pages` pages of their sequence, zeroed before, and gives the number of the first of them and their checksum.
    fn write(
        &mut self,
        life: Life,
        pages: u32,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<PageRef, Error>;

    /// Takes the bytes of a page, which are verified, for the next page of a sequence.
    fn copy(&mut self, life: Life, bytes: &[u8], from: PageRef) -> Result<PageRef, Error>;
}

/// Appends what is to be written at and below `child` to `units`. `leaves`: how long the leaves of this tree live.
pub(in super::super) fn count_units(
    child: &Child,
    leaves: Life,
    page_size: usize,
    units: &mut Units,
) {
    let node = match child {
        Child::Stored(_) => return,
        Child::Moved(_) => return units.push(leaves, 1),
        Child::Dirty(node) => node,
    };
    if node.has_large() {
        for value in node.values() {
            if let Value::Large(bytes) = value {
                units.push(leaves, value_pages(bytes, page_size));
            }
        }
    }
    for (_, child) in node.children.iter() {
        count_units(child, leaves, page_size, units);
    }
    units.push(life(node, leaves), node_pages(node, page_size));
}

/// Writes what is changed or moved at and below `child`.
pub(in super::super) fn store(
    child: &mut Child,
    leaves: Life,
    source: &Source,
    pages: &mut dyn Pages,
) -> Result<PageRef, Error> {
    let page_size = source.page_size as usize;
    let commit = pages.commit();
    let node = match child {
        Child::Stored(page) => return Ok(*page),
        Child::Moved(page) => {
            let moved = source.node(*page, Some(0))?;
            let page = pages.copy(leaves, moved.buf().as_slice(), *page)?;
            *child = Child::Stored(page);
            return Ok(page);
        }
        Child::Dirty(node) => Arc::make_mut(node),
    };
    node.store_large(|bytes| store_value(bytes, leaves, page_size, pages))?;
    for child in node.children.iter_mut() {
        store(child, leaves, source, pages)?;
    }
    let count = node_pages(node, page_size);
    let life = life(node, leaves);
    let page = pages.write(life, count, &mut |page| node.encode(commit, page))?;
    *child = Child::Stored(page);
    Ok(page)
}

/// The bytes that a tree takes as a leaf in a meta; `None` where it is more than a leaf.
pub(in super::super) fn inline_len(child: &Child) -> Option<usize> {
    let Child::Dirty(node) = child else {
        return None;
    };
    (node.level() == 0 && !node.has_large()).then_some(node.size())
}

/// A tree as a leaf in the meta of a commit, where [`inline_len`] has told its length.
pub(in super::super) fn inline(child: &Child, commit: u64) -> Option<Arc<[u8]>> {
    let Child::Dirty(node) = child else {
        return None;
    };
    let mut leaf = vec![0; node.size()];
    node.encode(commit, &mut leaf);
    Some(Arc::from(leaf))
}

fn life(node: &Node, leaves: Life) -> Life {
    if node.level() == 0 {
        leaves
    } else {
        Life::Short
    }
}

fn node_pages(node: &Node, page_size: usize) -> u32 {
    node.size().div_ceil(page_size) as u32
}

fn value_pages(value: &[u8], page_size: usize) -> u32 {
    (VALUE_HEADER + value.len()).div_ceil(page_size) as u32
}

fn store_value(
    value: &[u8],
    life: Life,
    page_size: usize,
    pages: &mut dyn Pages,
) -> Result<ValueRun, Error> {
    let commit = pages.commit();
    let run = pages.write(life, value_pages(value, page_size), &mut |run| {
        encode_value_header(run, commit);
        run[VALUE_HEADER..VALUE_HEADER + value.len()].copy_from_slice(value);
    })?;
    let len = value.len() as u64;
    Ok(ValueRun { len, run })
}

/// The reference to a page that lies at `page` with these bytes.
pub(in super::super) fn reference(page: u64, pages: u32, bytes: &[u8]) -> PageRef {
    PageRef {
        page,
        pages,
        checksum: checksum::of(bytes),
    }
}
