//! The bytes of a group of records.
//!
//! | offset | bytes | header field |
//! |---|---|---|
//! | 0 | 1 | kind: 4 |
//! | 1 | 3 | zero |
//! | 4 | 4 | the number of records |
//! | 8 | 8 | the number of the stretch |
//! | 16 | 8 | the number of the group |
//! | 24 | 4 | in which page of the stretch it begins |
//! | 28 | 4 | how many pages it has |
//! | 32 | 8 | checksum of what follows the header, to the end of the last page |
//! | 40 | 8 | checksum of bytes 0 to 39 |
//!
//! Behind it each record, its length (4 bytes) first; then zeros to the end of the page.

use super::super::{
    checksum,
    field::{get_u32, get_u64, put},
};

/// No page of a tree begins with it.
const KIND: u8 = 4;

const COUNT: usize = 4;
const STRETCH: usize = 8;
const GROUP: usize = 16;
const PAGE: usize = 24;
const PAGES: usize = 28;
const SUM: usize = 32;
const HEADER_SUM: usize = 40;
pub(super) const HEADER: usize = 48;

/// What a group says of itself, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) stretch: u64,
    pub(super) group: u64,
    /// In the stretch.
    pub(super) page: u32,
    pub(super) pages: u32,
    count: u32,
    sum: u64,
}

/// The pages that these records need as a group; `None` where no group can have so many.
pub(super) fn pages(records: &[impl AsRef<[u8]>], page_size: u32) -> Option<u32> {
    let mut len = HEADER as u64;
    for record in records {
        let record = u32::try_from(record.as_ref().len()).ok()?;
        len += 4 + u64::from(record);
    }
    u32::try_from(len.div_ceil(u64::from(page_size))).ok()
}

/// Puts the pages of a group together, in the place of what `out` has. `pages` is what [`pages`] says.
pub(super) fn encode(
    records: &[impl AsRef<[u8]>],
    (stretch, page): (u64, u32),
    group: u64,
    pages: u32,
    page_size: u32,
    out: &mut Vec<u8>,
) {
    let len = pages as usize * page_size as usize;
    out.clear();
    out.reserve(len);
    out.resize(HEADER, 0);
    for record in records {
        let record = record.as_ref();
        let len = record.len() as u32;
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(record);
    }
    out.resize(len, 0);
    out[0] = KIND;
    let count = records.len() as u32;
    put(out, COUNT, &count.to_le_bytes());
    put(out, STRETCH, &stretch.to_le_bytes());
    put(out, GROUP, &group.to_le_bytes());
    put(out, PAGE, &page.to_le_bytes());
    put(out, PAGES, &pages.to_le_bytes());
    let sum = checksum::of(&out[HEADER..]);
    put(out, SUM, &sum.to_le_bytes());
    let sum = checksum::of(&out[..HEADER_SUM]);
    put(out, HEADER_SUM, &sum.to_le_bytes());
}

impl Header {
    /// The header that a page begins with, if it does.
    pub(super) fn decode(page: &[u8]) -> Option<Self> {
        let header = page.get(..HEADER)?;
        if header[0] != KIND
            || get_u64(header, HEADER_SUM) != Some(checksum::of(&header[..HEADER_SUM]))
        {
            return None;
        }
        Some(Self {
            stretch: get_u64(header, STRETCH)?,
            group: get_u64(header, GROUP)?,
            page: get_u32(header, PAGE)?,
            pages: get_u32(header, PAGES)?,
            count: get_u32(header, COUNT)?,
            sum: get_u64(header, SUM)?,
        })
    }

    /// Where the records lie in the pages of the group; `None` where these are not what was written.
    pub(super) fn records(&self, pages: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
        if checksum::of(pages.get(HEADER..)?) != self.sum {
            return None;
        }
        let mut at = HEADER;
        let mut records = Vec::new();
        for _ in 0..self.count {
            let len = usize::try_from(get_u32(pages, at)?).ok()?;
            let end = (at + 4).checked_add(len)?;
            if end > pages.len() {
                return None;
            }
            records.push(at + 4..end);
            at = end;
        }
        Some(records)
    }
}
