//! A place in a tree, moved by hand.

use std::{mem, ops::Bound};

use super::{
    super::{Bytes, Error, source::Source},
    iter::{Path, advance, seek},
    read::{Found, Root},
};

/// A place in a tree: at an entry, before the first one, or behind the last.
#[derive(Clone)]
pub(in super::super) struct Walker<'t> {
    source: &'t Source,
    root: Root<'t>,
    place: Place<'t>,
}

#[derive(Clone)]
enum Place<'t> {
    Start,
    At(Path<'t>),
    End,
}

impl<'t> Walker<'t> {
    /// Before the first entry.
    pub(in super::super) fn new(source: &'t Source, root: Root<'t>) -> Self {
        let place = Place::Start;
        Self {
            source,
            root,
            place,
        }
    }

    /// Moves to the first entry within a bound from below, or the last one within a bound from above; where there is none, behind all, or before all.
    /// After an error it is before the first entry.
    pub(in super::super) fn seek(
        &mut self,
        bound: Bound<&[u8]>,
        forward: bool,
    ) -> Result<(), Error> {
        self.place = Place::Start;
        let path = seek(self.source, self.root, bound, forward)?;
        self.settle(path, forward);
        Ok(())
    }

    /// Moves on by one entry. After an error it is before the first entry.
    pub(in super::super) fn step(&mut self, forward: bool) -> Result<(), Error> {
        let mut path = match mem::replace(&mut self.place, Place::Start) {
            Place::Start if !forward => return Ok(()),
            Place::End if forward => {
                self.place = Place::End;
                return Ok(());
            }
            Place::Start | Place::End => return self.seek(Bound::Unbounded, forward),
            Place::At(path) => path,
        };
        let key = match path.last() {
            Some((leaf, at)) => leaf.key(self.source, *at)?,
            None => return Ok(()),
        };
        let is_there = advance(self.source, &mut path, forward, &key)?;
        self.settle(is_there.then_some(path), forward);
        Ok(())
    }

    /// The entry that the place is at.
    pub(in super::super) fn entry(&self) -> Result<Option<(Bytes<'t>, Found<'t>)>, Error> {
        let Place::At(path) = &self.place else {
            return Ok(None);
        };
        let Some((leaf, at)) = path.last() else {
            return Ok(None);
        };
        let key = leaf.key(self.source, *at)?;
        let value = leaf.value(self.source, *at)?;
        Ok(value.map(|value| (key, value)))
    }

    fn settle(&mut self, path: Option<Path<'t>>, forward: bool) {
        self.place = match path {
            Some(path) => Place::At(path),
            None if forward => Place::End,
            None => Place::Start,
        };
    }
}
