//! A leaf or branch as it lies in its page.

use std::{cmp::Ordering, ops::Range};

use super::super::{
    Bytes,
    page::{NodeHeader, PageRef, StoredValue, branch_entry, leaf_entry},
    source::PageBuf,
};

/// Said where a page that was found right gives an entry out of bounds: it was changed behind our back.
const CHANGED: &str = "an entry lies outside";

/// A verified page. All access is bounds-checked nevertheless.
#[derive(Clone)]
pub(in super::super) struct NodePage<'t> {
    buf: PageBuf<'t>,
    page: u64,
    header: NodeHeader,
}

impl<'t> NodePage<'t> {
    pub(in super::super) fn new(buf: PageBuf<'t>, page: u64) -> Result<Self, &'static str> {
        let header = NodeHeader::decode(buf.as_slice())?;
        Ok(Self { buf, page, header })
    }

    /// The number of the page.
    pub(in super::super) fn page(&self) -> u64 {
        self.page
    }

    pub(in super::super) fn level(&self) -> u8 {
        self.header.level
    }

    pub(in super::super) fn count(&self) -> usize {
        self.header.count
    }

    pub(in super::super) fn commit(&self) -> u64 {
        self.header.commit
    }

    /// The bytes of it that are in use.
    pub(in super::super) fn used(&self) -> usize {
        self.header.used
    }

    pub(in super::super) fn buf(&self) -> &PageBuf<'t> {
        &self.buf
    }

    pub(in super::super) fn leaf_entry(
        &self,
        i: usize,
    ) -> Result<(Range<usize>, StoredValue), &'static str> {
        leaf_entry(self.buf.as_slice(), i).ok_or(CHANGED)
    }

    pub(in super::super) fn branch_entry(
        &self,
        i: usize,
    ) -> Result<(Range<usize>, PageRef), &'static str> {
        branch_entry(self.buf.as_slice(), i).ok_or(CHANGED)
    }

    pub(in super::super) fn key(&self, i: usize) -> Result<&[u8], &'static str> {
        let range = if self.level() == 0 {
            self.leaf_entry(i)?.0
        } else {
            self.branch_entry(i)?.0
        };
        self.buf.as_slice().get(range).ok_or(CHANGED)
    }

    pub(in super::super) fn bytes(&self, range: Range<usize>) -> Result<Bytes<'t>, &'static str> {
        self.buf.slice(range.start, range.end).ok_or(CHANGED)
    }

    /// Where `key` is in a leaf, or where it would come.
    pub(in super::super) fn search(
        &self,
        key: &[u8],
    ) -> Result<Result<usize, usize>, &'static str> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.key(middle)?.cmp(key) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(Ok(middle)),
                Ordering::Greater => high = middle,
            }
        }
        Ok(Err(low))
    }

    /// The child of a branch below which `key` lies.
    pub(in super::super) fn child_of(&self, key: &[u8]) -> Result<usize, &'static str> {
        let (mut low, mut high) = (1, self.count());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.key(middle)? <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low - 1)
    }
}
