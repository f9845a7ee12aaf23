//! Giving changed nodes their pages, at commit. Children come before their parents, for a parent holds their checksums; large values come before
//! their leaf. The order is that of the keys, so that the same changes give the same bytes.

use std::sync::Arc;

use super::{
    super::{
        Error, checksum,
        page::{
            HEADER, NodeHeader, PageRef, SLOT, VALUE_HEADER, ValueBytes, ValueRun,
            encode_value_header, put_branch_entry, put_leaf_entry, put_slot,
        },
    },
    node::{Body, Child, Node, Value},
};

/// Where pages of a commit go.
pub(in super::super) trait Pages {
    /// The number of the commit, which every page carries.
    fn commit(&self) -> u64;

    /// Fills the next `pages` pages, zeroed before, and gives the number of the first of them and their checksum.
    fn write(&mut self, pages: u32, fill: &mut dyn FnMut(&mut [u8])) -> Result<PageRef, Error>;
}

/// Appends to `counts` how many pages each node and value takes, in the order in which [`store`] writes them.
pub(in super::super) fn page_counts(child: &Child, page_size: usize, counts: &mut Vec<u32>) {
    let Child::Dirty(node) = child else { return };
    match &node.body {
        Body::Leaf(leaf) => {
            for entry in &leaf.entries {
                if let Value::Large(bytes) = &entry.value {
                    counts.push(value_pages(bytes, page_size));
                }
            }
        }
        Body::Branch(branch) => {
            for entry in &branch.children {
                page_counts(&entry.child, page_size, counts);
            }
        }
    }
    counts.push(node_pages(node, page_size));
}

/// Writes what is changed at and below `child`.
pub(in super::super) fn store(
    child: &mut Child,
    page_size: usize,
    pages: &mut dyn Pages,
) -> Result<PageRef, Error> {
    let node = match child {
        Child::Stored(page) => return Ok(*page),
        Child::Dirty(node) => Arc::make_mut(node),
    };
    match &mut node.body {
        Body::Leaf(leaf) => {
            for entry in &mut leaf.entries {
                if let Value::Large(bytes) = &entry.value {
                    entry.value = Value::Run(store_value(bytes, page_size, pages)?);
                }
            }
        }
        Body::Branch(branch) => {
            for entry in &mut branch.children {
                store(&mut entry.child, page_size, pages)?;
            }
        }
    }
    let commit = pages.commit();
    let count = node_pages(node, page_size);
    let page = pages.write(count, &mut |page| encode(node, commit, page))?;
    *child = Child::Stored(page);
    Ok(page)
}

fn node_pages(node: &Node, page_size: usize) -> u32 {
    node.size.div_ceil(page_size) as u32
}

fn value_pages(value: &[u8], page_size: usize) -> u32 {
    (VALUE_HEADER + value.len()).div_ceil(page_size) as u32
}

fn store_value(value: &[u8], page_size: usize, pages: &mut dyn Pages) -> Result<ValueRun, Error> {
    let commit = pages.commit();
    let run = pages.write(value_pages(value, page_size), &mut |run| {
        encode_value_header(run, commit);
        run[VALUE_HEADER..VALUE_HEADER + value.len()].copy_from_slice(value);
    })?;
    let len = value.len() as u64;
    Ok(ValueRun { len, run })
}

fn encode(node: &Node, commit: u64, page: &mut [u8]) {
    let base = node.base();
    let mut at = HEADER + node.count() * SLOT;
    match &node.body {
        Body::Leaf(leaf) => {
            for (i, entry) in leaf.entries.iter().enumerate() {
                put_slot(page, i, at);
                let value = match &entry.value {
                    Value::Inline(slice) => ValueBytes::Inline(slice.get(base)),
                    Value::Large(bytes) => ValueBytes::Inline(bytes),
                    Value::Run(run) => ValueBytes::Run(*run),
                    Value::Bucket(record) => ValueBytes::Bucket(**record),
                };
                at = put_leaf_entry(page, at, entry.key.get(base), &value);
            }
        }
        Body::Branch(branch) => {
            for (i, entry) in branch.children.iter().enumerate() {
                put_slot(page, i, at);
                let key = if i == 0 { &[] } else { entry.key.get(base) };
                if let Child::Stored(child) = &entry.child {
                    at = put_branch_entry(page, at, key, *child);
                }
            }
        }
    }
    let header = NodeHeader {
        level: node.level(),
        count: node.count(),
        commit,
        used: at,
    };
    header.encode(page);
}

/// The reference to a page that lies at `page` with these bytes.
pub(in super::super) fn reference(page: u64, pages: u32, bytes: &[u8]) -> PageRef {
    PageRef {
        page,
        pages,
        checksum: checksum::of(bytes),
    }
}
