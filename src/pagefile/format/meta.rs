//! The two meta slots: which state of the file holds.

use std::sync::Arc;

use super::super::journal::Stretches;
use super::{
    checksum,
    field::{get_u16, get_u32, get_u64, put},
    page::{NodeHeader, PageRef, validate},
};

/// The format that this version writes, and the newest that it reads.
pub(in crate::pagefile) const FORMAT: u32 = 1;
/// The bytes of a slot: one sector, so that most media write it whole or not at all.
pub(in crate::pagefile) const SLOT_LEN: usize = 512;
/// Where the second slot begins. It is another sector also where sectors have 4 KiB, and the same place whatever the page size.
pub(in crate::pagefile) const SLOT_DISTANCE: u64 = 4096;
/// What lies before the first page, at least.
pub(in crate::pagefile) const HEAD_LEN: u64 = 2 * SLOT_DISTANCE;
/// What the runs of a commit, a tree of buckets that is in the meta, and the stretches of a journal have together, in bytes.
pub(in crate::pagefile) const ROOM: usize = SUM - RUNS;
/// The bytes of a run in a meta.
pub(in crate::pagefile) const RUN_LEN: usize = 12;

/// The first byte is not ASCII, so that no text is taken for a page file.
const MAGIC: [u8; 8] = *b"\x89SAPWOOD";

const VERSION: usize = 8;
const PAGE_SIZE: usize = VERSION + 4;
const COMMIT: usize = PAGE_SIZE + 4;
const PAGES: usize = COMMIT + 8;
const ROOT: usize = PAGES + 8;
const BUCKETS: usize = ROOT + PageRef::LEN;
const RUN_COUNT: usize = BUCKETS + 8;
/// Runs are counted in one byte, for more have no room; the stretches of the journal in the next.
const STRETCH_COUNT: usize = RUN_COUNT + 1;
const INLINE_LEN: usize = STRETCH_COUNT + 1;
const RUNS_SUM: usize = INLINE_LEN + 2;
const RUNS: usize = RUNS_SUM + 8;
const SUM: usize = SLOT_LEN - 8;

/// Pages that lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pagefile) struct Run {
    pub(in crate::pagefile) start: u64,
    pub(in crate::pagefile) pages: u64,
}

/// Where the tree of buckets is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pagefile) enum Directory {
    /// There is none: no bucket.
    Empty,
    Stored(PageRef),
    /// In the meta, as a leaf that ends with its last entry.
    Inline(Arc<[u8]>),
}

impl Directory {
    fn inline(&self) -> &[u8] {
        match self {
            Self::Inline(leaf) => leaf,
            Self::Empty | Self::Stored(_) => &[],
        }
    }
}

/// One state of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pagefile) struct Meta {
    pub(in crate::pagefile) page_size: u32,
    /// The number of the commit that made this state.
    pub(in crate::pagefile) commit: u64,
    /// Every page in use has a lower number.
    pub(in crate::pagefile) pages: u64,
    pub(in crate::pagefile) directory: Directory,
    pub(in crate::pagefile) buckets: u64,
    /// What the commit wrote and has not synced before the meta. Ascending.
    pub(in crate::pagefile) runs: Vec<Run>,
    pub(in crate::pagefile) runs_sum: u64,
    pub(in crate::pagefile) journal: Arc<Stretches>,
}

/// What a slot holds.
pub(in crate::pagefile) enum Slot {
    /// A meta with the right checksum.
    Whole(Meta),
    /// A meta with the right checksum, in a format of later days.
    Newer(u32),
    /// The magic is there; the rest is not right.
    Damaged(&'static str),
    /// Not even the magic.
    Foreign,
}

/// The page size, where it is one that a page file can have.
pub(in crate::pagefile) fn is_page_size(size: u32) -> bool {
    size.is_power_of_two() && (512..=65_536).contains(&size)
}

/// The number of the first page behind the slots.
pub(in crate::pagefile) fn first_page(page_size: u32) -> u64 {
    HEAD_LEN.div_ceil(u64::from(page_size))
}

impl Meta {
    /// A page file without a bucket.
    pub(in crate::pagefile) fn empty(page_size: u32) -> Self {
        Self {
            page_size,
            commit: 0,
            pages: first_page(page_size),
            directory: Directory::Empty,
            buckets: 0,
            runs: Vec::new(),
            runs_sum: 0,
            journal: Arc::default(),
        }
    }

    /// The meta of the same state, as one whose pages are known to be durable.
    pub(in crate::pagefile) fn complete(&self) -> Self {
        Self {
            runs: Vec::new(),
            runs_sum: 0,
            ..self.clone()
        }
    }

    pub(in crate::pagefile) fn encode(&self) -> [u8; SLOT_LEN] {
        let mut slot = [0; SLOT_LEN];
        put(&mut slot, 0, &MAGIC);
        put(&mut slot, VERSION, &FORMAT.to_le_bytes());
        put(&mut slot, PAGE_SIZE, &self.page_size.to_le_bytes());
        put(&mut slot, COMMIT, &self.commit.to_le_bytes());
        put(&mut slot, PAGES, &self.pages.to_le_bytes());
        if let Directory::Stored(root) = self.directory {
            put(&mut slot, ROOT, &root.encode());
        }
        put(&mut slot, BUCKETS, &self.buckets.to_le_bytes());
        let count = self.runs.len() as u8;
        put(&mut slot, RUN_COUNT, &[count, self.journal.count()]);
        let inline = self.directory.inline();
        let inline_len = inline.len() as u16;
        put(&mut slot, INLINE_LEN, &inline_len.to_le_bytes());
        put(&mut slot, RUNS_SUM, &self.runs_sum.to_le_bytes());
        for (i, run) in self.runs.iter().enumerate() {
            put(&mut slot, RUNS + i * RUN_LEN, &run.start.to_le_bytes());
            let pages = run.pages as u32;
            put(&mut slot, RUNS + i * RUN_LEN + 8, &pages.to_le_bytes());
        }
        let inline_at = RUNS + self.runs.len() * RUN_LEN;
        put(&mut slot, inline_at, inline);
        self.journal
            .encode(&mut slot[inline_at + inline.len()..SUM]);
        let sum = checksum::of(&slot[..SUM]);
        put(&mut slot, SUM, &sum.to_le_bytes());
        slot
    }

    pub(in crate::pagefile) fn decode(slot: &[u8]) -> Slot {
        if !slot.starts_with(&MAGIC) {
            return Slot::Foreign;
        }
        let sum = slot.get(..SUM).map(checksum::of);
        if sum.is_none() || sum != get_u64(slot, SUM) {
            return Slot::Damaged("the checksum does not match");
        }
        // Magic, version and checksum keep their places in every format, so that an older version never takes a newer file for a damaged one.
        match get_u32(slot, VERSION) {
            Some(FORMAT) => {}
            Some(version) if version > FORMAT => return Slot::Newer(version),
            _ => return Slot::Damaged("the format number is unknown"),
        }
        match Self::unverified(slot) {
            Some(meta) => Slot::Whole(meta),
            None => Slot::Damaged("a field is out of its bounds"),
        }
    }

    /// The fields of a slot whose magic, format and checksum nobody has looked at.
    pub(in crate::pagefile) fn unverified(slot: &[u8]) -> Option<Self> {
        let page_size = get_u32(slot, PAGE_SIZE)?;
        if !is_page_size(page_size) {
            return None;
        }
        let first = first_page(page_size);
        let pages = get_u64(slot, PAGES)?;
        // Offsets of pages below this number can be computed without a check.
        if pages < first || pages > i64::MAX as u64 / u64::from(page_size) {
            return None;
        }
        let count = usize::from(*slot.get(RUN_COUNT)?);
        let stretches = *slot.get(STRETCH_COUNT)?;
        let inline_len = usize::from(get_u16(slot, INLINE_LEN)?);
        let inline_at = RUNS + count * RUN_LEN;
        let journal_at = inline_at + inline_len;
        if journal_at + Stretches::len(Stretches::number(stretches)) > SUM {
            return None;
        }
        let mut runs = Vec::with_capacity(count);
        let mut free_from = first;
        for at in (0..count).map(|i| RUNS + i * RUN_LEN) {
            let run = Run {
                start: get_u64(slot, at)?,
                pages: u64::from(get_u32(slot, at + 8)?),
            };
            let end = run.start.checked_add(run.pages)?;
            if run.start < free_from || run.pages == 0 || end > pages {
                return None;
            }
            free_from = end;
            runs.push(run);
        }
        let commit = get_u64(slot, COMMIT)?;
        // So that there is always a next one.
        if commit > i64::MAX as u64 {
            return None;
        }
        Some(Self {
            page_size,
            commit,
            pages,
            directory: Self::directory(slot, inline_at, inline_len)?,
            buckets: get_u64(slot, BUCKETS)?,
            runs,
            runs_sum: get_u64(slot, RUNS_SUM)?,
            journal: Arc::new(Stretches::decode(
                slot.get(journal_at..SUM)?,
                stretches,
                first,
                pages,
            )?),
        })
    }

    fn directory(slot: &[u8], at: usize, len: usize) -> Option<Directory> {
        match PageRef::decode_option(slot, ROOT)? {
            Some(root) => (len == 0).then_some(Directory::Stored(root)),
            None if len == 0 => Some(Directory::Empty),
            None => {
                let leaf = slot.get(at..at + len)?;
                validate(leaf).ok()?;
                let header = NodeHeader::decode(leaf).ok()?;
                let is_leaf = header.level == 0 && header.used == len;
                is_leaf.then(|| Directory::Inline(Arc::from(leaf)))
            }
        }
    }
}
