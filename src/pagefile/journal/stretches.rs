//! What a meta says of the journal: where it lies, and where it begins.

use std::hash::{BuildHasher, Hasher, RandomState};

use super::super::{
    field::{get_u32, get_u64, put},
    meta::Run,
};

/// The most stretches that a meta names.
pub(in crate::pagefile) const MOST: usize = 4;
/// In the number of stretches, as a meta says it: they are the page file's own log.
const LOG: u8 = 0x80;

const GROUP: usize = 0;
const PAGE: usize = GROUP + 8;
const FIRST: usize = PAGE + 4;
const STRETCH_LEN: usize = 8 + 4 + 8;

/// A run of pages that the journal fills from its beginning to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pagefile) struct Stretch {
    /// No other stretch has had it, of this file or of another one.
    pub(in crate::pagefile) number: u64,
    pub(in crate::pagefile) run: Run,
}

impl Stretch {
    /// A new one. Its number is drawn at random: one that is counted could come twice, where a damaged meta made the file forget that it was given.
    pub(in crate::pagefile) fn new(run: Run) -> Self {
        let number = RandomState::new().build_hasher().finish();
        Self { number, run }
    }
}

/// The journal, as a meta names it. Without stretches there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::pagefile) struct Stretches {
    /// In the order in which they are filled.
    pub(in crate::pagefile) list: Vec<Stretch>,
    /// In the first of them, the page where the first group is that counts.
    pub(in crate::pagefile) page: u32,
    /// The number of that group.
    pub(in crate::pagefile) group: u64,
    /// Whether what it holds are commits of this page file (`log`), and not the records of whoever uses the file.
    pub(in crate::pagefile) is_log: bool,
}

impl Stretches {
    /// How many there are and what they are, as a meta says it.
    pub(in crate::pagefile) fn count(&self) -> u8 {
        let log = if self.is_log && !self.list.is_empty() {
            LOG
        } else {
            0
        };
        self.list.len() as u8 | log
    }

    /// How many there are, of what a meta says.
    pub(in crate::pagefile) fn number(count: u8) -> usize {
        usize::from(count & !LOG)
    }

    /// The bytes of so many in a meta.
    pub(in crate::pagefile) fn len(count: usize) -> usize {
        if count == 0 {
            0
        } else {
            FIRST + count * STRETCH_LEN
        }
    }

    /// Whether somebody else than the page file keeps records there.
    pub(in crate::pagefile) fn is_foreign(&self) -> bool {
        !self.is_log && !self.list.is_empty()
    }

    pub(in crate::pagefile) fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.list.iter().map(|stretch| stretch.run)
    }

    /// Writes it into its place in a meta.
    pub(in crate::pagefile) fn encode(&self, out: &mut [u8]) {
        if self.list.is_empty() {
            return;
        }
        put(out, GROUP, &self.group.to_le_bytes());
        put(out, PAGE, &self.page.to_le_bytes());
        for (i, Stretch { number, run }) in self.list.iter().enumerate() {
            let at = FIRST + i * STRETCH_LEN;
            let pages = run.pages as u32;
            put(out, at, &run.start.to_le_bytes());
            put(out, at + 8, &pages.to_le_bytes());
            put(out, at + 12, &number.to_le_bytes());
        }
    }

    /// Reads it from its place in a meta of a file of so many pages, the first of which for data is `first`; `None` where it cannot be.
    pub(in crate::pagefile) fn decode(
        bytes: &[u8],
        count: u8,
        first: u64,
        pages: u64,
    ) -> Option<Self> {
        if count == 0 {
            return Some(Self::default());
        }
        let is_log = count & LOG != 0;
        let count = Self::number(count);
        if count == 0 {
            return None;
        }
        let mut list: Vec<Stretch> = Vec::new();
        for at in (0..count).map(|i| FIRST + i * STRETCH_LEN) {
            let run = Run {
                start: get_u64(bytes, at)?,
                pages: u64::from(get_u32(bytes, at + 8)?),
            };
            let end = run.start.checked_add(run.pages)?;
            let meets = |other: &Stretch| {
                run.start < other.run.start + other.run.pages && other.run.start < end
            };
            if run.pages == 0 || run.start < first || end > pages || list.iter().any(meets) {
                return None;
            }
            let number = get_u64(bytes, at + 12)?;
            list.push(Stretch { number, run });
        }
        let page = get_u32(bytes, PAGE)?;
        let group = get_u64(bytes, GROUP)?;
        // The number of each group is that of the one before and one more.
        if count > MOST || u64::from(page) > list[0].run.pages || group > i64::MAX as u64 {
            return None;
        }
        Some(Self {
            list,
            page,
            group,
            is_log,
        })
    }
}
