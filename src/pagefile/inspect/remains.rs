//! A damaged file, read as far as that goes.

use std::{ops::ControlFlow, path::Path, sync::Arc, time::Duration};

use super::{
    super::{
        Error, FileStorage, Storage,
        journal::replay,
        lock::{Opened, open_locked},
        source::Source,
        walk::{Met, Walk},
    },
    Damage, Paths, Place,
    chosen::Chosen,
};

/// The newest state that there is to read in a file that may be damaged. Nothing is written to it.
pub(crate) struct Remains {
    chosen: Chosen,
    source: Source,
}

/// What takes in the names that lead to a bucket, and a key and a value in it.
pub(crate) type EachKey<'e> = dyn FnMut(&[Vec<u8>], &[u8], &[u8]) + 'e;

/// What a walk through it has found wrong.
pub(crate) struct Wrong {
    pub(crate) damage: Vec<Damage>,
    /// Also what takes no key with it.
    pub(crate) problems: Vec<Error>,
}

impl Remains {
    /// Finds it in the file at `path`, which is locked for as long as this lives. Read by system calls, so that a page which the disk refuses is an error and no signal.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        match open_locked(path, Duration::ZERO, true)? {
            Opened::File(file) => Self::of(Arc::new(FileStorage::new(file))),
            Opened::Missing => Err(Error::io("open")(std::io::ErrorKind::NotFound.into())),
        }
    }

    fn of(storage: Arc<dyn Storage>) -> Result<Self, Error> {
        let chosen = Chosen::find(&*storage, false, None)?;
        let len = storage.len().map_err(Error::io("measure"))?;
        let page_size = chosen.page_size;
        let source = Source {
            storage,
            mapped: None,
            page_size,
            pages: len / u64::from(page_size),
        };
        Ok(Self { chosen, source })
    }

    /// The pages of the file.
    pub(crate) fn pages(&self) -> u64 {
        self.source.pages
    }

    /// Calls `row` with every key and value that is verified, bucket after bucket, in each in the order of the keys: the names that lead to the bucket, key and value. `told` hears
    /// of how many pages were read. O(file).
    pub(crate) fn walk(
        &self,
        row: &mut EachKey<'_>,
        told: &mut dyn FnMut(u64),
    ) -> Result<Wrong, Error> {
        let mut at = Paths::TOP;
        let mut path = Vec::new();
        let mut pages = 0;
        let mut observe = |paths: &Paths, place: Place, met: Met<'_>| {
            pages += met.pages();
            if let Met::Row { key, value } = met {
                if place != at {
                    (at, path) = (place, paths.path(place));
                }
                row(&path, key, value);
            } else {
                told(pages);
            }
            ControlFlow::Continue(())
        };
        let meta = self.chosen.meta.as_ref();
        let commit = meta.map_or(0, |meta| meta.commit);
        let mut walk = Walk::deep(&self.source, commit, self.source.pages).told_to(&mut observe);
        if let Some(meta) = meta {
            walk.state(&meta.directory, meta.buckets)?;
        }
        let (_, found) = walk.into_parts();
        Ok(Wrong {
            damage: found.damage,
            problems: found.problems,
        })
    }

    /// Calls `each` for the records of the journal, up to a group that is damaged.
    pub(crate) fn journal<E: From<Error>>(
        &self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(meta) = &self.chosen.meta else {
            return Ok(());
        };
        let Source {
            storage, page_size, ..
        } = &self.source;
        let replayed = replay(&**storage, *page_size, &meta.journal, |record, _| {
            each(record)
        });
        replayed.map(drop)
    }
}
