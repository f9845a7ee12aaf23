//! The layout of pages: references, headers, and the entries of leaves and branches. docs/format.md draws all of it.

use std::ops::Range;

use super::{
    field::{get_u16, get_u32, get_u64, put},
    slots::{SLOT, Slot, common, head, head_of, place, slot},
};

/// Before the slots of a leaf or branch.
pub(in crate::pagefile) const HEADER: usize = 24;
/// Before the bytes of a value in a run of its own.
pub(in crate::pagefile) const VALUE_HEADER: usize = 16;
/// The lengths before the key of a leaf entry.
pub(in crate::pagefile) const LEAF_FIXED: usize = 4;
/// The reference and the length before the key of a branch entry.
pub(in crate::pagefile) const BRANCH_FIXED: usize = PageRef::LEN + 2;
/// A tree is never this high: with two children for each branch it would have more leaves than a file has pages.
pub(in crate::pagefile) const MAX_LEVEL: u8 = 63;
/// The longest key, in bytes.
pub(in crate::pagefile) const MAX_KEY: usize = u16::MAX as usize;

pub(in crate::pagefile) const KIND_LEAF: u8 = 1;
pub(in crate::pagefile) const KIND_BRANCH: u8 = 2;
pub(in crate::pagefile) const KIND_VALUE: u8 = 3;

const LEVEL: usize = 1;
const COUNT: usize = 4;
const COMMIT: usize = 8;
const USED: usize = 16;
const PREFIX: usize = 20;

/// Value lengths that mean something else.
const IN_RUN: u16 = 0xFFFF;
const BUCKET: u16 = 0xFFFE;

/// Where a page or run is, and what it must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pagefile) struct PageRef {
    pub(in crate::pagefile) page: u64,
    pub(in crate::pagefile) pages: u32,
    pub(in crate::pagefile) checksum: u64,
}

impl PageRef {
    pub(in crate::pagefile) const LEN: usize = 20;

    pub(in crate::pagefile) fn encode(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(&mut bytes, 0, &self.page.to_le_bytes());
        put(&mut bytes, 8, &self.pages.to_le_bytes());
        put(&mut bytes, 12, &self.checksum.to_le_bytes());
        bytes
    }

    pub(in crate::pagefile) fn decode(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self {
            page: get_u64(bytes, at)?,
            pages: get_u32(bytes, at + 8)?,
            checksum: get_u64(bytes, at + 12)?,
        })
    }

    /// No page is all zeros.
    pub(in crate::pagefile) fn encode_option(page: Option<Self>) -> [u8; Self::LEN] {
        page.map_or([0; Self::LEN], Self::encode)
    }

    /// `Some(None)` where there is no page.
    #[expect(clippy::option_option, reason = "bytes too short, no page, a page")]
    pub(in crate::pagefile) fn decode_option(bytes: &[u8], at: usize) -> Option<Option<Self>> {
        let page = Self::decode(bytes, at)?;
        Some((page.pages != 0).then_some(page))
    }
}

/// A value that lies in a run of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pagefile) struct ValueRun {
    pub(in crate::pagefile) len: u64,
    pub(in crate::pagefile) run: PageRef,
}

impl ValueRun {
    pub(in crate::pagefile) const LEN: usize = 8 + PageRef::LEN;
}

/// What a tree holds for each bucket that lies in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::pagefile) struct BucketRecord {
    pub(in crate::pagefile) root: Option<PageRef>,
    /// The keys that lie directly in it.
    pub(in crate::pagefile) rows: u64,
    /// The buckets that lie directly in it.
    pub(in crate::pagefile) buckets: u64,
    pub(in crate::pagefile) sequence: u64,
}

impl BucketRecord {
    pub(in crate::pagefile) const LEN: usize = PageRef::LEN + 24;
}

/// The value of a leaf entry, as it lies in its page.
#[derive(Clone, Debug)]
pub(in crate::pagefile) enum StoredValue {
    Inline(Range<usize>),
    Run(ValueRun),
    Bucket(BucketRecord),
}

impl StoredValue {
    /// The bytes that the value takes in its leaf entry.
    pub(in crate::pagefile) fn stored_len(&self) -> usize {
        match self {
            Self::Inline(range) => range.len(),
            Self::Run(_) => ValueRun::LEN,
            Self::Bucket(_) => BucketRecord::LEN,
        }
    }
}

/// The header of a leaf or branch.
#[derive(Clone, Copy, Debug)]
pub(in crate::pagefile) struct NodeHeader {
    /// 0 is a leaf.
    pub(in crate::pagefile) level: u8,
    pub(in crate::pagefile) count: usize,
    pub(in crate::pagefile) commit: u64,
    pub(in crate::pagefile) used: usize,
    /// How many bytes all keys have in common, which heads leave out.
    pub(in crate::pagefile) prefix: usize,
}

impl NodeHeader {
    pub(in crate::pagefile) fn encode(self, page: &mut [u8]) {
        page[0] = if self.level == 0 {
            KIND_LEAF
        } else {
            KIND_BRANCH
        };
        page[LEVEL] = self.level;
        put(page, COUNT, &(self.count as u32).to_le_bytes());
        put(page, COMMIT, &self.commit.to_le_bytes());
        put(page, USED, &(self.used as u32).to_le_bytes());
        put(page, PREFIX, &(self.prefix as u16).to_le_bytes());
    }

    /// How many bytes the node that begins so says to have; `None` where no node does.
    pub(in crate::pagefile) fn claimed(first_page: &[u8]) -> Option<usize> {
        let is_node = matches!(first_page.first(), Some(&(KIND_LEAF | KIND_BRANCH)));
        let used = get_u32(first_page, USED).filter(|_| is_node)?;
        usize::try_from(used).ok()
    }

    pub(in crate::pagefile) fn decode(page: &[u8]) -> Result<Self, &'static str> {
        let short = "the page is too short";
        let level = *page.get(LEVEL).ok_or(short)?;
        match page[0] {
            KIND_LEAF if level == 0 => {}
            KIND_BRANCH if (1..=MAX_LEVEL).contains(&level) => {}
            _ => return Err("it is neither leaf nor branch"),
        }
        let count = get_u32(page, COUNT).ok_or(short)? as usize;
        let used = get_u32(page, USED).ok_or(short)? as usize;
        if count == 0 {
            return Err("it has no entry");
        }
        if used > page.len() || count > (page.len() - HEADER.min(page.len())) / SLOT {
            return Err("it claims more than it holds");
        }
        Ok(Self {
            level,
            count,
            commit: get_u64(page, COMMIT).ok_or(short)?,
            used,
            prefix: usize::from(get_u16(page, PREFIX).ok_or(short)?),
        })
    }
}

/// Writes the header of a value run.
pub(in crate::pagefile) fn encode_value_header(page: &mut [u8], commit: u64) {
    page[0] = KIND_VALUE;
    put(page, COMMIT, &commit.to_le_bytes());
}

/// The slots of so many entries.
pub(in crate::pagefile) fn slots(page: &[u8], count: usize) -> Option<&[Slot]> {
    Some(page.get(HEADER..HEADER + count * SLOT)?.as_chunks().0)
}

/// Where entry `i` begins.
fn entry(page: &[u8], i: usize) -> Option<usize> {
    let slot = page.get(HEADER + i * SLOT..)?.first_chunk()?;
    Some(place(*slot))
}

/// The key of the leaf entry at `at`.
pub(in crate::pagefile) fn leaf_key(page: &[u8], at: usize) -> Option<&[u8]> {
    let (fixed, bytes) = page.get(at..)?.split_first_chunk::<LEAF_FIXED>()?;
    bytes.get(..usize::from(u16::from_le_bytes([fixed[0], fixed[1]])))
}

/// The key of the branch entry at `at`.
pub(in crate::pagefile) fn branch_key(page: &[u8], at: usize) -> Option<&[u8]> {
    let bytes = page.get(at + PageRef::LEN..)?;
    let (len, bytes) = bytes.split_first_chunk()?;
    bytes.get(..usize::from(u16::from_le_bytes(*len)))
}

/// Key and value of leaf entry `i`.
pub(in crate::pagefile) fn leaf_entry(
    page: &[u8],
    i: usize,
) -> Option<(Range<usize>, StoredValue)> {
    leaf_entry_at(page, entry(page, i)?)
}

/// Key and value of the leaf entry that begins at `at`.
pub(in crate::pagefile) fn leaf_entry_at(
    page: &[u8],
    at: usize,
) -> Option<(Range<usize>, StoredValue)> {
    let bytes = page.get(at..)?;
    let key_len = usize::from(get_u16(bytes, 0)?);
    let value_len = get_u16(bytes, 2)?;
    let key = at + LEAF_FIXED..at + LEAF_FIXED + key_len;
    let value = key.end - at;
    let stored = match value_len {
        IN_RUN => StoredValue::Run(ValueRun {
            len: get_u64(bytes, value)?,
            run: PageRef::decode(bytes, value + 8)?,
        }),
        BUCKET => StoredValue::Bucket(BucketRecord {
            root: PageRef::decode_option(bytes, value)?,
            rows: get_u64(bytes, value + PageRef::LEN)?,
            buckets: get_u64(bytes, value + PageRef::LEN + 8)?,
            sequence: get_u64(bytes, value + PageRef::LEN + 16)?,
        }),
        len => StoredValue::Inline(key.end..key.end + usize::from(len)),
    };
    if key.end + stored.stored_len() > page.len() {
        return None;
    }
    Some((key, stored))
}

/// The bytes of the leaf entry that begins at `at`.
pub(in crate::pagefile) fn leaf_entry_len(page: &[u8], at: usize) -> Option<usize> {
    let value = match get_u16(page, at + 2)? {
        IN_RUN => ValueRun::LEN,
        BUCKET => BucketRecord::LEN,
        len => usize::from(len),
    };
    Some(LEAF_FIXED + usize::from(get_u16(page, at)?) + value)
}

/// Key and child of branch entry `i`.
pub(in crate::pagefile) fn branch_entry(page: &[u8], i: usize) -> Option<(Range<usize>, PageRef)> {
    let at = entry(page, i)?;
    let bytes = page.get(at..)?;
    let child = PageRef::decode(bytes, 0)?;
    let key_len = usize::from(get_u16(bytes, PageRef::LEN)?);
    let key = at + BRANCH_FIXED..at + BRANCH_FIXED + key_len;
    if key.end > page.len() {
        return None;
    }
    Some((key, child))
}

/// Appends a leaf entry.
pub(in crate::pagefile) fn push_leaf_entry(
    entries: &mut Vec<u8>,
    key: &[u8],
    value: &ValueBytes<'_>,
) {
    let at = entries.len();
    entries.extend_from_slice(&(key.len() as u16).to_le_bytes());
    entries.extend_from_slice(&[0; 2]);
    entries.extend_from_slice(key);
    let value_at = entries.len();
    match value {
        ValueBytes::Inline(bytes) => {
            entries.extend_from_slice(bytes);
            put(entries, at + 2, &(bytes.len() as u16).to_le_bytes());
        }
        ValueBytes::Run(_) | ValueBytes::Bucket(_) => {
            entries.resize(value_at + value.len(), 0);
            put_value(entries, at, value_at, value);
        }
    }
}

/// Writes the value of the leaf entry at `at`, whose place and length are right.
pub(in crate::pagefile) fn put_value(
    page: &mut [u8],
    at: usize,
    value_at: usize,
    value: &ValueBytes<'_>,
) {
    let code = match value {
        ValueBytes::Inline(bytes) => {
            put(page, value_at, bytes);
            bytes.len() as u16
        }
        ValueBytes::Run(run) => {
            put(page, value_at, &run.len.to_le_bytes());
            put(page, value_at + 8, &run.run.encode());
            IN_RUN
        }
        ValueBytes::Bucket(record) => {
            put(page, value_at, &PageRef::encode_option(record.root));
            let rows = value_at + PageRef::LEN;
            put(page, rows, &record.rows.to_le_bytes());
            put(page, rows + 8, &record.buckets.to_le_bytes());
            put(page, rows + 16, &record.sequence.to_le_bytes());
            BUCKET
        }
    };
    put(page, at + 2, &code.to_le_bytes());
}

/// A value on its way into a page.
pub(in crate::pagefile) enum ValueBytes<'a> {
    Inline(&'a [u8]),
    Run(ValueRun),
    Bucket(BucketRecord),
}

impl ValueBytes<'_> {
    /// The bytes that the value takes in its leaf entry.
    pub(in crate::pagefile) fn len(&self) -> usize {
        match self {
            Self::Inline(bytes) => bytes.len(),
            Self::Run(_) => ValueRun::LEN,
            Self::Bucket(_) => BucketRecord::LEN,
        }
    }
}

/// Appends a branch entry without a reference.
pub(in crate::pagefile) fn push_branch_entry(entries: &mut Vec<u8>, key: &[u8]) {
    entries.extend_from_slice(&[0; PageRef::LEN]);
    entries.extend_from_slice(&(key.len() as u16).to_le_bytes());
    entries.extend_from_slice(key);
}

/// Writes references of a branch, whose slots and entries are there, each into the entry that is given.
pub(in crate::pagefile) fn put_children(
    page: &mut [u8],
    children: impl Iterator<Item = (usize, PageRef)>,
) {
    for (i, child) in children {
        if let Some(at) = entry(page, i) {
            put(page, at, &child.encode());
        }
    }
}

/// Writes the slot of entry `i`, which begins at `at`.
pub(in crate::pagefile) fn put_slot(page: &mut [u8], i: usize, at: usize, head: u32) {
    put(page, HEADER + i * SLOT, &slot(at, head));
}

/// How many bytes the keys of a node have in common, which are ascending; the first child's key does not count.
pub(in crate::pagefile) fn prefix_of(first: Option<&[u8]>, last: Option<&[u8]>) -> usize {
    first
        .zip(last)
        .map_or(0, |(first, last)| common(first, last))
}

/// Whether a page is what a writer of this format would have written: entries side by side in the order of their slots, keys ascending. So no
/// later access to it fails.
pub(in crate::pagefile) fn validate(page: &[u8]) -> Result<(), &'static str> {
    let header = NodeHeader::decode(page)?;
    let outside = "an entry lies outside";
    let mut at = HEADER + header.count * SLOT;
    let mut first: Option<&[u8]> = None;
    let mut previous: Option<&[u8]> = None;
    let slots = slots(page, header.count).ok_or(outside)?;
    for (i, slot) in slots.iter().enumerate() {
        if place(*slot) != at {
            return Err("an entry is not where it must be");
        }
        let key = if header.level == 0 {
            let (key, value) = leaf_entry(page, i).ok_or(outside)?;
            at = key.end + value.stored_len();
            key
        } else {
            let (key, _) = branch_entry(page, i).ok_or(outside)?;
            at = key.end;
            key
        };
        let key = page.get(key).ok_or(outside)?;
        if header.level > 0 && i == 0 && !key.is_empty() {
            return Err("its first child has a key");
        }
        if previous.is_some_and(|previous| previous >= key) {
            return Err("its keys do not ascend");
        }
        let is_first_child = header.level > 0 && i == 0;
        let prefix = if is_first_child { 0 } else { header.prefix };
        if head_of(*slot) != head(key, prefix) {
            return Err("a slot has not the head of its key");
        }
        if !is_first_child {
            first = first.or(Some(key));
        }
        previous = Some(key);
    }
    // A branch with one child has no key at all.
    if header.prefix != prefix_of(first, previous.filter(|_| first.is_some())) {
        return Err("its keys do not share what it says");
    }
    if at != header.used {
        return Err("its entries do not end where it says");
    }
    Ok(())
}
