//! Where pages are read from: a mapped file, or any storage.

use std::{
    fs::File,
    io,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering, fence},
    },
};

use super::{
    Bytes, Error, Storage, checksum,
    mapping::Mapping,
    meta::first_page,
    page::{KIND_VALUE, PageRef, VALUE_HEADER, ValueRun, validate},
    tree::NodePage,
};

/// A map has room for a file of half as much again, and for so many bytes more.
const LEAST_ROOM: u64 = 1 << 20;

/// A mapped file as far as one state of it goes.
pub(super) struct Mapped {
    map: Arc<Map>,
    pages: u64,
}

/// A mapped file, and what has been verified of it.
struct Map {
    mapping: Mapping,
    /// For each page, a word that tells which content of it was found right, so that a page is verified once and not with each read: a random
    /// `get` among 300,000 rows takes 2.1 µs with it, and 4.4 µs without. A page that is written anew has another checksum in its parent; whoever
    /// writes it notes its word.
    verified: Box<[AtomicU64]>,
}

impl Mapped {
    /// A map of the first pages of a file. What `before`, another map of the same file, has verified is not verified again.
    pub(super) fn new(
        file: &File,
        pages: u64,
        page_size: u32,
        before: Option<&Self>,
    ) -> io::Result<Self> {
        let page_size = u64::from(page_size);
        let len = pages * page_size;
        if let Some(Self { map, pages: old }) = before
            && pages >= *old
            && map.mapping.extend(file, len)?
        {
            // A new map would have to be filled again, page by page.
            let map = Arc::clone(map);
            return Ok(Self { map, pages });
        }
        let mapping = Mapping::new(file, len, len + len / 2 + LEAST_ROOM)?;
        let seen = before.map_or(&[][..], |before| &before.map.verified);
        let seen = seen.iter().map(|word| word.load(Ordering::Relaxed));
        let words = seen.chain(std::iter::repeat(0)).map(AtomicU64::new);
        let count = usize::try_from(mapping.room() / page_size).unwrap_or(usize::MAX);
        let verified = words.take(count).collect();
        let map = Arc::new(Map { mapping, verified });
        Ok(Self { map, pages })
    }

    fn get(&self, offset: u64, len: usize, end: u64) -> Option<&[u8]> {
        let inside = end <= self.pages;
        inside.then(|| self.map.mapping.get(offset, len)).flatten()
    }

    /// The word of a page.
    fn seen(&self, page: u64) -> Option<&AtomicU64> {
        self.map.verified.get(usize::try_from(page).ok()?)
    }
}

/// The maps of the file that somebody may read: it must not become shorter than any of them, for to touch a map behind the end of its file kills the process.
#[derive(Default)]
pub(super) struct Maps(Mutex<Vec<Weak<Mapped>>>);

impl Maps {
    pub(super) fn add(&self, mapped: &Arc<Mapped>) {
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        maps.retain(|map| map.strong_count() > 0);
        maps.push(Arc::downgrade(mapped));
    }

    /// Whether none of them has more than so many pages.
    pub(super) fn end_at(&self, pages: u64) -> bool {
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        maps.retain(|map| map.strong_count() > 0);
        // What was read through a map that is gone was read before what follows.
        fence(Ordering::Acquire);
        maps.iter()
            .filter_map(Weak::upgrade)
            .all(|map| map.pages <= pages)
    }
}

/// The pages of one state of the file. Cheap to clone.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) mapped: Option<Arc<Mapped>>,
    pub(super) page_size: u32,
    /// No page of this state has this number or a higher one.
    pub(super) pages: u64,
}

/// What a page is read as. Part of the verified word: a page found right as a value is not thereby right as a node.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Node = 0,
    Value = 1,
}

impl Kind {
    /// What a page that was just made is.
    pub(super) fn of(page: &[u8]) -> Self {
        match page.first() {
            Some(&KIND_VALUE) => Self::Value,
            _ => Self::Node,
        }
    }
}

/// The word of a run that is right.
fn word(run: PageRef, kind: Kind) -> u64 {
    run.checksum ^ (kind as u64) ^ (u64::from(run.pages) << 1)
}

/// A page or run, verified.
#[derive(Clone)]
pub(super) enum PageBuf<'t> {
    /// In the map, or in a meta.
    Borrowed(&'t [u8]),
    Shared(Arc<[u8]>),
}

impl<'t> PageBuf<'t> {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> Option<Bytes<'t>> {
        match self {
            Self::Borrowed(bytes) => bytes.get(start..end).map(Bytes::borrowed),
            Self::Shared(bytes) => Bytes::shared(bytes, start, end),
        }
    }
}

impl Source {
    /// Whether pages below `end` can be read, as far as the map goes.
    pub(super) fn reaches(&self, end: u64) -> bool {
        self.mapped
            .as_ref()
            .is_none_or(|mapped| mapped.pages >= end)
    }

    pub(super) fn corrupted(&self, page: u64, reason: &'static str) -> Error {
        Error::Corrupted {
            page,
            offset: page.saturating_mul(u64::from(self.page_size)),
            reason,
        }
    }

    /// A leaf or branch. `level` is that which its parent demands.
    pub(super) fn node(&self, page: PageRef, level: Option<u8>) -> Result<NodePage<'_>, Error> {
        let bytes = self.read(page, Kind::Node, validate)?;
        let node =
            NodePage::new(bytes, page.page).map_err(|reason| self.corrupted(page.page, reason))?;
        if level.is_some_and(|level| level != node.level()) {
            return Err(self.corrupted(page.page, "it is not of the level below its parent"));
        }
        Ok(node)
    }

    /// A leaf that lies in the meta, which was verified with it.
    pub(super) fn inline<'t>(&self, leaf: &'t [u8]) -> Result<NodePage<'t>, Error> {
        let node = NodePage::new(PageBuf::Borrowed(leaf), 0);
        node.map_err(|reason| self.corrupted(0, reason))
    }

    /// A value in a run of its own.
    pub(super) fn value(&self, value: ValueRun) -> Result<Bytes<'_>, Error> {
        let bytes = self.read(value.run, Kind::Value, |run| match run.first() {
            Some(&KIND_VALUE) => Ok(()),
            _ => Err("it is no run of a value"),
        })?;
        usize::try_from(value.len)
            .ok()
            .and_then(|len| len.checked_add(VALUE_HEADER))
            .and_then(|end| bytes.slice(VALUE_HEADER, end))
            .ok_or_else(|| self.corrupted(value.run.page, "its value is longer than its run"))
    }

    /// Where the run begins in the file, and its length, both in bytes, where this state can have it.
    pub(super) fn place(&self, run: PageRef) -> Result<(u64, usize), Error> {
        let size = u64::from(self.page_size);
        let end = run.page.checked_add(u64::from(run.pages));
        if run.pages == 0
            || run.page < first_page(self.page_size)
            || end.is_none_or(|end| end > self.pages)
        {
            return Err(self.corrupted(run.page, "its parent names it, and no such page can be"));
        }
        let len = usize::try_from(u64::from(run.pages) * size)
            .map_err(|_| self.corrupted(run.page, "its run is longer than memory"))?;
        Ok((run.page * size, len))
    }

    /// Notes that this run is written, with bytes that are right: it need not be verified when it is read through the same cache of the system.
    pub(super) fn trust(&self, run: PageRef, kind: Kind) {
        let seen = self.mapped.as_ref();
        if let Some(seen) = seen.and_then(|mapped| mapped.seen(run.page)) {
            seen.store(word(run, kind), Ordering::Relaxed);
        }
    }

    fn read(
        &self,
        run: PageRef,
        kind: Kind,
        check: impl FnOnce(&[u8]) -> Result<(), &'static str>,
    ) -> Result<PageBuf<'_>, Error> {
        let (offset, len) = self.place(run)?;
        let check = |bytes: &[u8]| {
            if checksum::of(bytes) == run.checksum {
                check(bytes)
            } else {
                Err("its checksum is not the one in its parent")
            }
        };
        if let Some(mapped) = &self.mapped {
            let outside = || self.corrupted(run.page, "it lies behind the end of the file");
            let end = run.page + u64::from(run.pages);
            let bytes = mapped.get(offset, len, end).ok_or_else(outside)?;
            let seen = mapped.seen(run.page).ok_or_else(outside)?;
            // Zero is the word of pages that were never read. Relaxed, for the word guards nothing but itself.
            let word = word(run, kind);
            if word == 0 || seen.load(Ordering::Relaxed) != word {
                check(bytes).map_err(|reason| self.corrupted(run.page, reason))?;
                seen.store(word, Ordering::Relaxed);
            }
            return Ok(PageBuf::Borrowed(bytes));
        }
        let mut bytes = vec![0; len];
        self.storage
            .read_at(offset, &mut bytes)
            .map_err(Error::io("read"))?;
        check(&bytes).map_err(|reason| self.corrupted(run.page, reason))?;
        Ok(PageBuf::Shared(Arc::from(bytes)))
    }
}
