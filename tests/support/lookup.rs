//! Longest prefixes and joins, compared with what a look at every row finds.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sapwood::Row;

use super::added::Handle;
use super::ask::{Pick, text};
use super::item::Item;
use super::lease::Lease;
use super::model::{Model, Reads, Stored};
use super::modelled::{Modelled, Part, Parts, number};

/// Looks something up in one of these ways.
pub(crate) fn check(model: &Model, reads: &impl Reads, pick: Pick) {
    let of = &format!("{}{}", text(pick.low[0]), text(pick.high[0]));
    let owner = pick.low[1] % 4;
    match pick.shape % 8 {
        0 => prefixes(model, &reads.prefixes(Item::BY_NODE, of), 1, &[], of),
        1 => prefixes(model, &reads.prefixes(Item::BY_TAGS, of), 4, &[], of),
        2 => {
            let found = reads.prefixes(Item::BY_OWNER_TAG, (owner, of));
            prefixes(model, &found, 11, &[number(owner)], of);
        }
        3 => prefixes(model, &reads.prefixes(Lease::BY_HOLDER, of), 6, &[], of),
        4 => {
            let left = Lease::ask(pick);
            let found = reads.left_join(left.query.clone(), Item::BY_PORTS, |row| Some(row.port));
            let key = |lease: &Lease| Some(vec![number(lease.port)]);
            join(&model.find(&left), &found, model, 5, key);
        }
        5 => {
            let left = Item::ask_in(model, pick);
            let found = reads.left_join(left.query.clone(), Item::BY_OWNER_TAG, |row| {
                Some((row.owner, row.node.as_deref()?))
            });
            let key =
                |item: &Item| Some(vec![number(item.owner), Part::from(item.node.as_deref()?)]);
            join(&model.find(&left), &found, model, 11, key);
        }
        _ => in_added(model, reads, pick, of),
    }
}

/// In the indexes that were added, as far as they are there.
fn in_added(model: &Model, reads: &impl Reads, pick: Pick, of: &String) {
    for added in &model.added {
        match added.handle {
            Handle::Text(index) => {
                prefixes(model, &reads.prefixes(index, of), added.index(), &[], of);
            }
            Handle::Node(index) => {
                prefixes(model, &reads.prefixes(index, of), added.index(), &[], of);
            }
            Handle::Serial(index) => {
                let left = Lease::ask(pick);
                let found = reads.left_join(left.query.clone(), index, |row| Some(row.port));
                let key = |lease: &Lease| Some(vec![number(lease.port)]);
                join(&model.find(&left), &found, model, added.index(), key);
            }
            _ => {}
        }
    }
}

/// The rows with a key that begins with these columns, and whose last column is the beginning of a text: the longest first.
fn prefixes<T: Modelled>(
    model: &Model,
    found: &[&Row<T>],
    index: usize,
    before: &[Part],
    of: &str,
) {
    let mut longest: BTreeMap<&T::Key, (usize, &Stored<T>)> = BTreeMap::new();
    let matching = |key: &[Part]| {
        let text = key.strip_prefix(before);
        matches!(text, Some([Part::Text(text)]) if of.starts_with(text))
    };
    // From the shortest to the longest, for each is the beginning of the next one.
    for (key, row, stored) in model.entries::<T>(index, matching) {
        let Some(Part::Text(text)) = key.last() else {
            unreachable!("it matched")
        };
        longest.insert(row, (text.len(), stored));
    }
    let mut expected: Vec<_> = longest.into_iter().collect();
    expected.sort_by_key(|(_, (len, _))| Reverse(*len));
    let found = found.iter().map(|row| Stored::of(row));
    assert!(
        found.eq(expected.into_iter().map(|(_, (_, stored))| stored.clone())),
        "{of:?}"
    );
}

/// Each row with every one that has its key, or alone.
fn join<L: Modelled, R: Modelled>(
    left: &[&Stored<L>],
    found: &[(&Row<L>, Option<&Row<R>>)],
    model: &Model,
    index: usize,
    key: impl Fn(&L) -> Option<Parts>,
) {
    let mut right: BTreeMap<Parts, Vec<&Stored<R>>> = BTreeMap::new();
    for (key, _, stored) in model.entries::<R>(index, |_| true) {
        right.entry(key).or_default().push(stored);
    }
    let mut expected = Vec::new();
    for row in left {
        let others = key(&row.row).and_then(|key| right.get(&key));
        match others {
            Some(others) => expected.extend(others.iter().map(|other| (*row, Some(*other)))),
            None => expected.push((*row, None)),
        }
    }
    assert_eq!(found.len(), expected.len());
    for ((row, other), (expected_row, expected_other)) in found.iter().zip(expected) {
        assert_eq!(Stored::of(row), *expected_row);
        assert_eq!(other.map(Stored::of).as_ref(), expected_other);
    }
}
