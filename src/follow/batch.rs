//! What a follower hands out.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::db::{Change, Snapshot};
use crate::key::KeyBuf;
use crate::table::{Query, Table};
use crate::{Revision, Row};

/// One step of a follower: all that changed in its query from one revision to another.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    pub(super) from: Option<Revision>,
    pub(super) to: Revision,
    pub(super) changes: Vec<Change<T>>,
}

impl<T> Batch<T> {
    /// The revision before the step; `None` for the first, which holds the rows that there are.
    pub fn from(&self) -> Option<Revision> {
        self.from
    }

    /// The revision after the step.
    pub fn to(&self) -> Revision {
        self.to
    }

    /// The changes, in the order of the index; each row once.
    pub fn changes(&self) -> &[Change<T>] {
        &self.changes
    }

    /// The number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// The changes one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Change<T>> {
        self.changes.iter()
    }

    /// Whether there are none: only a first step may be empty.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl<T> IntoIterator for Batch<T> {
    type Item = Change<T>;
    type IntoIter = std::vec::IntoIter<Change<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.changes.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Batch<T> {
    type Item = &'a Change<T>;
    type IntoIter = std::slice::Iter<'a, Change<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.changes.iter()
    }
}

/// What differs between two snapshots in a query: each row once, also where it has several entries or moved within the index.
pub(super) fn changes<T: Table>(
    old: &Snapshot,
    new: &Snapshot,
    query: &Query<T>,
) -> Vec<Change<T>> {
    type Sides<'a, T> = (Option<&'a Row<T>>, Option<&'a Row<T>>);
    let mut sides: Vec<Sides<'_, T>> = Vec::new();
    let mut places: HashMap<KeyBuf, usize> = HashMap::new();
    let primary = query.index() == 0;
    let _: ControlFlow<()> = old.diff(new, query, |change| {
        if primary {
            sides.push((change.old, change.new));
            return ControlFlow::Continue(());
        }
        // In a unique index one key can go from one row to another, so each side is looked at by itself.
        let mut side = |row: &Row<T>| {
            let mut key = KeyBuf::new();
            row.encode_key(&mut key);
            let place = *places.entry(key).or_insert(sides.len());
            if place == sides.len() {
                sides.push((None, None));
            }
            place
        };
        let places = (change.old.map(&mut side), change.new.map(&mut side));
        if let Some(place) = places.0 {
            sides[place].0 = change.old;
        }
        if let Some(place) = places.1 {
            sides[place].1 = change.new;
        }
        ControlFlow::Continue(())
    });
    sides
        .into_iter()
        .filter_map(|(old, new)| Change::of(old, new))
        .collect()
}
