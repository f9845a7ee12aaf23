//! The steps that put a row in the place of another in one tree.

use super::draft::Keys;

/// One change of one entry.
#[derive(Clone, Copy)]
pub(super) enum Step<'k> {
    Insert(&'k [u8]),
    Swap(&'k [u8]),
    Remove(&'k [u8]),
}

/// What leads from the keys of the old row to those of the new one, in key order.
pub(super) fn merged<'k, K: Keys>(
    old: Option<&'k K>,
    new: Option<&'k K>,
) -> impl Iterator<Item = Step<'k>> {
    let key = |keys: Option<&'k K>, index: usize| {
        keys.filter(|keys| index < keys.len())
            .map(|keys| keys.key(index))
    };
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || {
        let step = match (key(old, i), key(new, j)) {
            (Some(old), Some(new)) if old == new => Step::Swap(new),
            (Some(old), Some(new)) if old > new => Step::Insert(new),
            (None, Some(new)) => Step::Insert(new),
            (Some(old), _) => Step::Remove(old),
            (None, None) => return None,
        };
        i += usize::from(!matches!(step, Step::Insert(_)));
        j += usize::from(!matches!(step, Step::Remove(_)));
        Some(step)
    })
}
