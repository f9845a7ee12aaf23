//! What the journal adds to the trees.

use std::collections::{BTreeMap, btree_map};

use super::catalogue::Unreadable;
use crate::db::Record;

/// For each table the rows that the journal knows better than the trees, by their keys: their values, empty for those that were removed.
pub(super) type Rows = BTreeMap<Box<[u8]>, Vec<u8>>;

/// What the journal adds to the trees.
pub(super) struct Replay {
    /// Of the trees.
    pub(super) begun: u64,
    /// Of the newest commit so far.
    pub(super) revision: u64,
    pub(super) tables: BTreeMap<String, Rows>,
}

impl Replay {
    /// Begins with trees that hold the state of this revision.
    pub(super) fn new(revision: u64) -> Self {
        Self {
            begun: revision,
            revision,
            tables: BTreeMap::new(),
        }
    }

    /// The rows of a table in the order of their keys, what the journal says of them in the place of what was `stored`.
    pub(super) fn over<S>(&self, table: &str, stored: S) -> Overlaid<'_, S>
    where
        S: DoubleEndedIterator,
    {
        Overlaid {
            stored: Ends::new(stored),
            newer: Ends::new(self.of(table).iter()),
        }
    }

    /// The rows of a table that it adds.
    pub(super) fn of(&self, table: &str) -> &Rows {
        self.tables.get(table).unwrap_or(&NONE)
    }

    /// Takes in the next record of the journal, and gives its revision. One that the trees have is passed over.
    pub(super) fn take(&mut self, record: &[u8]) -> Result<u64, Unreadable> {
        let mut input = Input { rest: record };
        let (revision, base) = (input.u64()?, input.u64()?);
        if revision <= self.revision {
            return Ok(revision);
        }
        // Where it changes a later state, a meta that had that was lost; the trees are of an older one.
        if base > self.revision {
            return Err(Unreadable::Foreign(format!(
                "the journal goes on with commit {revision} behind commit {base}, and the file has commit {}",
                self.revision
            )));
        }
        for _ in 0..input.u32()? {
            let name = std::str::from_utf8(input.piece()?).map_err(|_| Input::damaged())?;
            if !self.tables.contains_key(name) {
                self.tables.insert(name.to_owned(), Rows::new());
            }
            let Some(rows) = self.tables.get_mut(name) else {
                continue;
            };
            for _ in 0..input.u32()? {
                let key = input.piece()?;
                rows.insert(key.into(), input.piece()?.to_vec());
            }
        }
        if !input.rest.is_empty() {
            return Err(Input::damaged());
        }
        self.revision = revision;
        Ok(revision)
    }
}

static NONE: Rows = Rows::new();

/// Rows from both ends, of two sources in the order of their keys: [`Replay::over`].
pub(super) struct Overlaid<'r, S: DoubleEndedIterator> {
    stored: Ends<S>,
    newer: Ends<btree_map::Iter<'r, Box<[u8]>, Vec<u8>>>,
}

/// An iterator that can be looked at from both ends.
struct Ends<I: DoubleEndedIterator> {
    between: I,
    front: Option<I::Item>,
    back: Option<I::Item>,
}

impl<I: DoubleEndedIterator> Ends<I> {
    fn new(between: I) -> Self {
        Self {
            between,
            front: None,
            back: None,
        }
    }

    fn end(&mut self, is_front: bool) -> &mut Option<I::Item> {
        if is_front {
            if self.front.is_none() {
                self.front = self.between.next().or_else(|| self.back.take());
            }
            return &mut self.front;
        }
        if self.back.is_none() {
            self.back = self.between.next_back().or_else(|| self.front.take());
        }
        &mut self.back
    }
}

impl<E, S: DoubleEndedIterator<Item = Result<Record, E>>> Overlaid<'_, S> {
    fn step(&mut self, is_front: bool) -> Option<Result<Record, E>> {
        loop {
            let newer = self.newer.end(is_front);
            let stored = self.stored.end(is_front);
            let Some((key, row)) = newer else {
                return stored.take();
            };
            match stored {
                Some(Err(_)) => return stored.take(),
                Some(Ok((there, _))) if *there == **key => drop(stored.take()),
                Some(Ok((there, _))) if (*there < **key) == is_front => return stored.take(),
                _ => {}
            }
            let (key, row) = (key.clone(), row.clone());
            *newer = None;
            if !row.is_empty() {
                return Some(Ok((key, row)));
            }
        }
    }
}

impl<E, S: DoubleEndedIterator<Item = Result<Record, E>>> Iterator for Overlaid<'_, S> {
    type Item = Result<Record, E>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(true)
    }
}

impl<E, S: DoubleEndedIterator<Item = Result<Record, E>>> DoubleEndedIterator for Overlaid<'_, S> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(false)
    }
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn damaged() -> Unreadable {
        Unreadable::Foreign("a record of its journal is none of a database's".to_owned())
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(Self::damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, Unreadable> {
        let mut number = [0; 4];
        number.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(number))
    }

    fn u64(&mut self) -> Result<u64, Unreadable> {
        let mut number = [0; 8];
        number.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(number))
    }

    /// A length, and so many bytes.
    fn piece(&mut self) -> Result<&'a [u8], Unreadable> {
        let len = self.u32()?;
        self.take(usize::try_from(len).map_err(|_| Self::damaged())?)
    }
}
