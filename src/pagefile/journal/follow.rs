//! Reading the file and its journal while somebody else writes them, without a lock.
//!
//! Nothing that is read is believed before it shows that it is whole: a meta and the header of a group have their checksums, a group says stretch, place and number, and a page of a tree has its
//! checksum in its parent. So what is being written, or was used again meanwhile, is seen to be none of it, and never taken for something else.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::super::{
    Error, FileStorage, ReadTxn, Storage,
    meta::{FORMAT, HEAD_LEN, Meta, SLOT_DISTANCE, SLOT_LEN, Slot},
    shared::Snapshot,
    source::Source,
};
use super::group::Header;
use super::stretches::{Stretch, Stretches};

/// How often the metas are read again where neither is whole: one of them is only for as long as it is being written.
const TRIES: u32 = 100;

/// A file that somebody else may be writing.
pub(crate) struct Watched {
    storage: Arc<dyn Storage>,
}

/// A state that the file had a moment ago. Its pages may be used again: then reading it gives [`Error::Corrupted`], and a newer one is there.
pub(crate) struct Seen {
    pub(crate) read: ReadTxn,
    journal: Arc<Stretches>,
}

impl Seen {
    /// The number of the commit that made it.
    pub(crate) fn commit(&self) -> u64 {
        self.read.commit_number()
    }
}

/// Where the next group of a journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    stretch: Stretch,
    page: u32,
    group: u64,
}

impl Watched {
    /// Opens the file at `path`. It is not locked.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("open"))?;
        Ok(Self::on(Arc::new(FileStorage::new(file))))
    }

    pub(crate) fn on(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// The newest state whose meta is whole.
    pub(crate) fn see(&self) -> Result<Seen, Error> {
        let mut refusal = Error::NotAPageFile;
        for _ in 0..TRIES {
            match self.newest()? {
                Ok(meta) => {
                    let source = Source {
                        storage: Arc::clone(&self.storage),
                        mapped: None,
                        page_size: meta.page_size,
                        pages: meta.pages,
                    };
                    let snapshot = Snapshot::new(&meta, source);
                    return Ok(Seen {
                        journal: Arc::clone(&meta.journal),
                        read: ReadTxn::new(Arc::new(snapshot)),
                    });
                }
                Err(error @ Error::DamagedMeta { .. }) => refusal = error,
                Err(error) => return Err(error),
            }
            std::thread::yield_now();
        }
        Err(refusal)
    }

    /// The newest meta. The outer error is one of reading.
    fn newest(&self) -> Result<Result<Meta, Error>, Error> {
        let len = self.storage.len().map_err(Error::io("measure"))?;
        if len < HEAD_LEN {
            let expected = HEAD_LEN;
            return Ok(Err(Error::Truncated { len, expected }));
        }
        let mut found: Option<Meta> = None;
        let mut refusal = Error::NotAPageFile;
        for offset in [0, SLOT_DISTANCE] {
            let mut bytes = [0; SLOT_LEN];
            let read = self.storage.read_at(offset, &mut bytes);
            read.map_err(Error::io("read"))?;
            match Meta::decode(&bytes) {
                Slot::Whole(meta) => {
                    if found
                        .as_ref()
                        .is_none_or(|other| meta.commit > other.commit)
                    {
                        found = Some(meta);
                    }
                }
                Slot::Newer(version) => {
                    return Ok(Err(Error::NewerFormat {
                        found: version,
                        supported: FORMAT,
                    }));
                }
                Slot::Damaged(reason) => refusal = Error::DamagedMeta { offset, reason },
                Slot::Foreign => {}
            }
        }
        Ok(found.ok_or(refusal))
    }

    /// The group at `at`, and behind it the place of the next one; `None` where there is none yet, or not any more.
    pub(crate) fn group(
        &self,
        seen: &Seen,
        at: Position,
    ) -> Result<Option<(Group, Position)>, Error> {
        for place in seen.places(at) {
            if let Some(found) = self.group_at(seen, place)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn group_at(&self, seen: &Seen, at: Position) -> Result<Option<(Group, Position)>, Error> {
        let page_size = seen.read.snapshot.source.page_size;
        let run = at.stretch.run;
        let left = run.pages.saturating_sub(at.page.into());
        let offset = (run.start + u64::from(at.page)) * u64::from(page_size);
        let len = self.storage.len().map_err(Error::io("measure"))?;
        // A dropped stretch may be behind the end by now.
        if left == 0 || offset + u64::from(page_size) > len {
            return Ok(None);
        }
        let mut pages = vec![0; page_size as usize];
        if !self.read(offset, &mut pages)? {
            return Ok(None);
        }
        let Some(header) = Header::decode(&pages) else {
            return Ok(None);
        };
        let is_next =
            (header.stretch, header.page, header.group) == (at.stretch.number, at.page, at.group);
        let bytes = u64::from(header.pages) * u64::from(page_size);
        if !is_next || !(1..=left).contains(&u64::from(header.pages)) || offset + bytes > len {
            return Ok(None);
        }
        pages.resize(usize::try_from(bytes).unwrap_or_default(), 0);
        if !self.read(offset, &mut pages)? {
            return Ok(None);
        }
        let Some(records) = header.records(&pages) else {
            return Ok(None);
        };
        let next = Position {
            page: at.page + header.pages,
            group: at.group + 1,
            ..at
        };
        Ok(Some((Group { pages, records }, next)))
    }

    /// Reads; `false` where the file has become shorter meanwhile.
    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<bool, Error> {
        match self.storage.read_at(offset, bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(Error::io("read")(error)),
        }
    }
}

impl Seen {
    /// Where the journal begins; `None` where there is none.
    pub(crate) fn begin(&self) -> Option<Position> {
        let stretch = *self.journal.list.first()?;
        Some(Position {
            stretch,
            page: self.journal.page,
            group: self.journal.group,
        })
    }

    /// Whether the journal goes on at this place, or has what follows it.
    pub(crate) fn goes_on_at(&self, at: Position) -> bool {
        self.journal.list.contains(&at.stretch) && at.group >= self.journal.group
    }

    /// Whether the beginning has passed the group before this place: who moved it has synced that.
    pub(crate) fn has_passed(&self, at: Position) -> bool {
        !self.journal.list.contains(&at.stretch) || self.journal.group >= at.group
    }

    /// Where the group of a position can be: there, or at the beginning of the next stretch. Which one that is, is not known where the stretch itself was dropped.
    fn places(&self, at: Position) -> impl Iterator<Item = Position> {
        let list = &self.journal.list;
        let known = list.iter().position(|stretch| *stretch == at.stretch);
        let next = list.get(known.map_or(0, |known| known + 1));
        let next = next.map(|stretch| Position {
            stretch: *stretch,
            page: 0,
            ..at
        });
        std::iter::once(at).chain(next)
    }
}

/// A group that was read.
pub(crate) struct Group {
    pages: Vec<u8>,
    records: Vec<std::ops::Range<usize>>,
}

impl Group {
    pub(crate) fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.records
            .iter()
            .map(|range| self.pages.get(range.clone()).unwrap_or_default())
    }
}
