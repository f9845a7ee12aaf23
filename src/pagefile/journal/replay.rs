//! Reading the journal when the file is opened.

use super::super::{Error, Storage};
use super::group::Header;
use super::stretches::Stretches;

/// What is read at once, in bytes, where headers are looked for.
const PIECE: u64 = 1 << 20;

/// Where the journal goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::pagefile) struct End {
    /// The stretch, by its place among them.
    pub(in crate::pagefile) stretch: usize,
    pub(in crate::pagefile) page: u32,
    /// The number of the next group.
    pub(in crate::pagefile) group: u64,
}

/// Calls `each` for every record, in order; with each, where its group begins.
///
/// What a crash left of the last group is no error: its commit was never acknowledged. But a group that is damaged with a later one behind it was whole once.
pub(in crate::pagefile) fn replay<E: From<Error>>(
    storage: &dyn Storage,
    page_size: u32,
    stretches: &Stretches,
    mut each: impl FnMut(&[u8], End) -> Result<(), E>,
) -> Result<End, E> {
    let reader = Reader {
        storage,
        page_size,
        stretches,
    };
    let mut end = End {
        stretch: 0,
        page: stretches.page,
        group: stretches.group,
    };
    let mut pages = Vec::new();
    while !stretches.list.is_empty() {
        // A group that had no room in the rest of a stretch is at the beginning of the next one.
        let next = End {
            stretch: end.stretch + 1,
            page: 0,
            ..end
        };
        let mut found = None;
        for place in [end, next] {
            if let Some((header, records)) = reader.group(place, &mut pages)? {
                found = Some((place, header, records));
                break;
            }
        }
        let Some((place, header, records)) = found else {
            break;
        };
        for record in records {
            each(&pages[record], place)?;
        }
        end = End {
            page: place.page + header.pages,
            group: place.group + 1,
            ..place
        };
    }
    reader.nothing_behind(end)?;
    Ok(end)
}

/// The pages where a group begins that should come next and is not whole: what a crash left of it. Whoever writes another group there could bring what it lacks, so that it would
/// come back; so these go before.
pub(super) fn remains(
    storage: &dyn Storage,
    page_size: u32,
    stretches: &Stretches,
    end: End,
) -> Result<Vec<u64>, Error> {
    let reader = Reader {
        storage,
        page_size,
        stretches,
    };
    let next = End {
        stretch: end.stretch + 1,
        page: 0,
        ..end
    };
    let mut pages = Vec::new();
    for place in [end, next] {
        let Some(stretch) = stretches.list.get(place.stretch) else {
            continue;
        };
        if u64::from(place.page) >= stretch.run.pages {
            continue;
        }
        let page = stretch.run.start + u64::from(place.page);
        let mut bytes = vec![0; page_size as usize];
        reader.read(page, &mut bytes)?;
        let is_next = Header::decode(&bytes).is_some_and(|header| {
            (header.stretch, header.page, header.group) == (stretch.number, place.page, place.group)
        });
        if is_next {
            pages.push(page);
        }
    }
    Ok(pages)
}

struct Reader<'r> {
    storage: &'r dyn Storage,
    page_size: u32,
    stretches: &'r Stretches,
}

impl Reader<'_> {
    fn page_size(&self) -> u64 {
        u64::from(self.page_size)
    }

    fn read(&self, page: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let read = self.storage.read_at(page * self.page_size(), bytes);
        read.map_err(Error::io("read"))
    }

    /// The group that the journal goes on with, if it is at this place and whole: its header, and where its records are in `pages`.
    #[allow(clippy::type_complexity, reason = "a header and ranges")]
    fn group(
        &self,
        place: End,
        pages: &mut Vec<u8>,
    ) -> Result<Option<(Header, Vec<std::ops::Range<usize>>)>, Error> {
        let Some(stretch) = self.stretches.list.get(place.stretch) else {
            return Ok(None);
        };
        let left = stretch.run.pages - u64::from(place.page).min(stretch.run.pages);
        if left == 0 {
            return Ok(None);
        }
        let first = stretch.run.start + u64::from(place.page);
        let page_size = self.page_size as usize;
        pages.resize(page_size, 0);
        self.read(first, pages)?;
        let Some(header) = Header::decode(pages) else {
            return Ok(None);
        };
        let is_next = (header.stretch, header.page, header.group)
            == (stretch.number, place.page, place.group);
        if !is_next || header.pages == 0 || u64::from(header.pages) > left {
            return Ok(None);
        }
        pages.resize(header.pages as usize * page_size, 0);
        self.read(first, pages)?;
        Ok(header.records(pages).map(|records| (header, records)))
    }

    /// Refuses a journal that goes on behind its end: the group that should be there was damaged.
    fn nothing_behind(&self, end: End) -> Result<(), Error> {
        let page_size = self.page_size();
        let step = (PIECE / page_size).max(1);
        let mut bytes = Vec::new();
        for (i, stretch) in self.stretches.list.iter().enumerate().skip(end.stretch) {
            let mut at = if i == end.stretch {
                u64::from(end.page)
            } else {
                0
            };
            while at < stretch.run.pages {
                let count = step.min(stretch.run.pages - at);
                let len = usize::try_from(count * page_size).unwrap_or_default();
                bytes.resize(len, 0);
                self.read(stretch.run.start + at, &mut bytes)?;
                for page in bytes.chunks(self.page_size as usize) {
                    let behind = Header::decode(page).is_some_and(|header| {
                        header.stretch == stretch.number
                            && u64::from(header.page) == at
                            && header.group > end.group
                    });
                    if behind {
                        return Err(self.damaged(end));
                    }
                    at += 1;
                }
            }
        }
        Ok(())
    }

    fn damaged(&self, end: End) -> Error {
        let stretches = &self.stretches.list;
        let stretch = &stretches[end.stretch.min(stretches.len() - 1)];
        let page = stretch.run.start + u64::from(end.page).min(stretch.run.pages - 1);
        Error::Corrupted {
            page,
            offset: page * self.page_size(),
            reason: "the journal has a group that is damaged, and later ones behind it",
        }
    }
}
