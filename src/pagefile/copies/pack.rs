//! Building a tree from its entries in order: every node as full as it can be, each page written once.

use std::mem;

use super::super::{
    Error,
    page::{
        BRANCH_FIXED, BucketRecord, HEADER, LEAF_FIXED, NodeHeader, PageRef, VALUE_HEADER,
        ValueBytes, ValueRun, encode_value_header, leaf_key, prefix_of, push_branch_entry,
        push_leaf_entry, put_children, put_slot,
    },
    slots::{SLOT, head},
    storage::PIECE,
    tree::reference,
};

/// Takes bytes that lie from an offset on, each piece behind the one before.
pub(in crate::pagefile) type Sink<'o> = dyn FnMut(u64, &[u8]) -> Result<(), Error> + 'o;

/// Pages on their way to where they are kept, one after the other.
pub(in crate::pagefile) struct NewPages<'o> {
    sink: &'o mut Sink<'o>,
    pub(in crate::pagefile) page_size: u32,
    /// The number that all pages carry.
    commit: u64,
    /// The page behind all others.
    pub(in crate::pagefile) end: u64,
    /// The last pages before `end`, not yet written.
    buffer: Vec<u8>,
}

impl<'o> NewPages<'o> {
    pub(in crate::pagefile) fn new(
        sink: &'o mut Sink<'o>,
        page_size: u32,
        commit: u64,
        first_page: u64,
    ) -> Self {
        Self {
            sink,
            page_size,
            commit,
            end: first_page,
            buffer: Vec::new(),
        }
    }

    pub(in crate::pagefile) fn flush(&mut self) -> Result<(), Error> {
        let start = self.end * u64::from(self.page_size) - self.buffer.len() as u64;
        (self.sink)(start, &self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// A run for `len` bytes, which `fill` writes.
    fn write(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<PageRef, Error> {
        let page_size = self.page_size as usize;
        let pages = len.div_ceil(page_size);
        let at = self.buffer.len();
        self.buffer.resize(at + pages * page_size, 0);
        fill(&mut self.buffer[at..]);
        let written = reference(self.end, pages as u32, &self.buffer[at..]);
        self.end += pages as u64;
        let at = self.end * u64::from(self.page_size);
        if at.is_multiple_of(PIECE as u64) || self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(written)
    }
}

/// A tree that grows at its right end.
#[derive(Default)]
pub(in crate::pagefile) struct Tree {
    leaf: Leaf,
    /// From the parents of the leaves upwards.
    branches: Vec<Level>,
}

/// Entries that are not yet written, side by side.
#[derive(Default)]
struct Leaf {
    /// What the parent will have as its key.
    separator: Vec<u8>,
    last_key: Vec<u8>,
    starts: Vec<usize>,
    bytes: Vec<u8>,
}

/// The nodes of one level that are not yet written.
#[derive(Default)]
struct Level {
    /// A full node, kept back so that it can lend a child to a last node that has only one.
    full: Vec<(Vec<u8>, PageRef)>,
    open: Vec<(Vec<u8>, PageRef)>,
}

impl Tree {
    /// Adds a key, behind all others, with its value.
    pub(in crate::pagefile) fn push_value(
        &mut self,
        key: &[u8],
        value: &[u8],
        out: &mut NewPages<'_>,
    ) -> Result<(), Error> {
        if value.len() <= out.page_size as usize / 4 {
            return self.push(key, &ValueBytes::Inline(value), out);
        }
        let commit = out.commit;
        let run = out.write(VALUE_HEADER + value.len(), |run| {
            encode_value_header(run, commit);
            run[VALUE_HEADER..VALUE_HEADER + value.len()].copy_from_slice(value);
        })?;
        let len = value.len() as u64;
        let value = ValueBytes::Run(ValueRun { len, run });
        self.push(key, &value, out)
    }

    /// Adds a bucket, whose tree is written already.
    pub(in crate::pagefile) fn push_bucket(
        &mut self,
        name: &[u8],
        record: BucketRecord,
        out: &mut NewPages<'_>,
    ) -> Result<(), Error> {
        self.push(name, &ValueBytes::Bucket(record), out)
    }

    fn push(
        &mut self,
        key: &[u8],
        value: &ValueBytes<'_>,
        out: &mut NewPages<'_>,
    ) -> Result<(), Error> {
        let len = LEAF_FIXED + key.len() + value.len();
        let leaf = &self.leaf;
        if !leaf.starts.is_empty() && leaf.size() + SLOT + len > out.page_size as usize {
            let separator = separator(&leaf.last_key, key);
            self.close_leaf(out)?;
            self.leaf.separator = separator;
        }
        let leaf = &mut self.leaf;
        let start = leaf.bytes.len();
        leaf.starts.push(start);
        push_leaf_entry(&mut leaf.bytes, key, value);
        leaf.last_key.clear();
        leaf.last_key.extend_from_slice(key);
        Ok(())
    }

    /// Writes what is left and gives the root; `None` where nothing was added.
    pub(in crate::pagefile) fn finish(
        mut self,
        out: &mut NewPages<'_>,
    ) -> Result<Option<PageRef>, Error> {
        if !self.leaf.starts.is_empty() {
            self.close_leaf(out)?;
        }
        let mut i = 0;
        while i < self.branches.len() {
            let is_top = i + 1 == self.branches.len();
            let Level { mut full, mut open } = mem::take(&mut self.branches[i]);
            if is_top && full.is_empty() && open.len() == 1 {
                return Ok(open.pop().map(|(_, root)| root));
            }
            if open.len() == 1 && full.len() > 2 {
                open.splice(0..0, full.pop());
            } else if open.len() == 1 {
                // A node of two keys that fill a page has the third child too.
                full.append(&mut open);
            }
            for children in [full, open] {
                self.write_branch(i, children, out)?;
            }
            i += 1;
        }
        Ok(None)
    }

    fn close_leaf(&mut self, out: &mut NewPages<'_>) -> Result<(), Error> {
        let leaf = mem::take(&mut self.leaf);
        let key = |start: &usize| leaf_key(&leaf.bytes, *start);
        let prefix = prefix_of(leaf.starts.first().and_then(key), Some(&leaf.last_key));
        let header = NodeHeader {
            level: 0,
            count: leaf.starts.len(),
            commit: out.commit,
            used: leaf.size(),
            prefix,
        };
        let page = out.write(leaf.size(), |page| {
            let first = HEADER + leaf.starts.len() * SLOT;
            header.encode(page);
            for (i, start) in leaf.starts.iter().enumerate() {
                let head = key(start).map_or(0, |key| head(key, prefix));
                put_slot(page, i, first + start, head);
            }
            page[first..first + leaf.bytes.len()].copy_from_slice(&leaf.bytes);
        })?;
        self.add_child(0, leaf.separator, page, out)
    }

    /// Adds a node to its parent, which is on level `i` of the branches.
    fn add_child(
        &mut self,
        i: usize,
        key: Vec<u8>,
        child: PageRef,
        out: &mut NewPages<'_>,
    ) -> Result<(), Error> {
        if i == self.branches.len() {
            self.branches.push(Level::default());
        }
        let level = &mut self.branches[i];
        level.open.push((key, child));
        if level.open.len() > 2
            && branch_size(&level.open) > out.page_size as usize
            && let Some(last) = level.open.pop()
        {
            let closed = mem::replace(&mut level.open, vec![last]);
            let full = mem::replace(&mut level.full, closed);
            self.write_branch(i, full, out)?;
        }
        Ok(())
    }

    fn write_branch(
        &mut self,
        i: usize,
        mut children: Vec<(Vec<u8>, PageRef)>,
        out: &mut NewPages<'_>,
    ) -> Result<(), Error> {
        let Some((key, _)) = children.first_mut() else {
            return Ok(());
        };
        let separator = mem::take(key);
        let header = NodeHeader {
            level: (i + 1) as u8,
            count: children.len(),
            commit: out.commit,
            used: branch_size(&children),
            prefix: prefix_of(
                children.get(1).map(|(key, _)| &key[..]),
                children
                    .last()
                    .filter(|_| children.len() > 1)
                    .map(|(key, _)| &key[..]),
            ),
        };
        let page = out.write(header.used, |page| {
            header.encode(page);
            let at = HEADER + children.len() * SLOT;
            let mut entries = Vec::new();
            for (i, (key, _)) in children.iter().enumerate() {
                let prefix = if i == 0 { 0 } else { header.prefix };
                put_slot(page, i, at + entries.len(), head(key, prefix));
                push_branch_entry(&mut entries, key);
            }
            page[at..at + entries.len()].copy_from_slice(&entries);
            let children = children.iter().map(|(_, child)| *child);
            put_children(page, children.enumerate());
        })?;
        self.add_child(i + 1, separator, page, out)
    }
}

impl Leaf {
    fn size(&self) -> usize {
        HEADER + self.starts.len() * SLOT + self.bytes.len()
    }
}

/// The bytes of a branch, whose first key is not stored.
fn branch_size(children: &[(Vec<u8>, PageRef)]) -> usize {
    let keys = children.iter().skip(1).map(|(key, _)| key.len());
    HEADER + children.len() * (SLOT + BRANCH_FIXED) + keys.sum::<usize>()
}

/// The shortest key that is above `left` and not above `right`.
fn separator(left: &[u8], right: &[u8]) -> Vec<u8> {
    let common = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    right[..right.len().min(common + 1)].to_vec()
}
