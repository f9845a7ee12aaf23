//! A leaf or branch as it lies in its page.

use std::ops::Range;

use super::super::{
    Bytes,
    page::{
        HEADER, NodeHeader, PageRef, StoredValue, branch_entry, branch_key, leaf_entry, leaf_key,
        slots,
    },
    slots::{SLOT, Slot, place, search},
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

    /// How many bytes all keys have in common.
    pub(in super::super) fn prefix(&self) -> usize {
        self.header.prefix
    }

    /// The slots, and the entries side by side.
    pub(in super::super) fn parts(&self) -> Result<(&[Slot], &[u8]), &'static str> {
        let slots = self.slots()?;
        let entries = HEADER + slots.len() * SLOT..self.used();
        let entries = self.buf.as_slice().get(entries).ok_or(CHANGED)?;
        Ok((slots, entries))
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
        let slot = self.slots()?.get(i).ok_or(CHANGED)?;
        self.key_of(*slot).ok_or(CHANGED)
    }

    pub(in super::super) fn bytes(&self, range: Range<usize>) -> Result<Bytes<'t>, &'static str> {
        self.buf.slice(range.start, range.end).ok_or(CHANGED)
    }

    /// Where `key` is in a leaf, or where it would come.
    pub(in super::super) fn search(
        &self,
        key: &[u8],
    ) -> Result<Result<usize, usize>, &'static str> {
        self.search_in(self.slots()?, key)
    }

    /// The child of a branch below which `key` lies.
    pub(in super::super) fn child_of(&self, key: &[u8]) -> Result<usize, &'static str> {
        let (_, keyed) = self.slots()?.split_first().ok_or(CHANGED)?;
        let found = self.search_in(keyed, key)?;
        Ok(found.map_or_else(|before| before, |at| at + 1))
    }

    fn slots(&self) -> Result<&[Slot], &'static str> {
        slots(self.buf.as_slice(), self.count()).ok_or(CHANGED)
    }

    fn search_in(&self, slots: &[Slot], key: &[u8]) -> Result<Result<usize, usize>, &'static str> {
        search(slots, self.header.prefix, None, key, |slot| {
            self.key_of(slot)
        })
        .ok_or(CHANGED)
    }

    fn key_of(&self, slot: Slot) -> Option<&[u8]> {
        let page = self.buf.as_slice();
        if self.level() == 0 {
            leaf_key(page, place(slot))
        } else {
            branch_key(page, place(slot))
        }
    }
}
