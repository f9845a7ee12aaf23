//! Slots: where the entries of a node begin, each with a *head*, the first bytes of its key in which the keys of the node differ. Heads lie side by side,
//! entries all over the page. So a search goes through heads, and looks at one entry: in a page that is in no cache, that saves a miss for each
//! step of the search.

use std::cmp::Ordering;

/// The bytes of a slot.
pub(in crate::pagefile) const SLOT: usize = 8;
/// The bytes of a head.
const HEAD: usize = 4;

/// Place (4 bytes) and head (4 bytes), both as little-endian numbers.
pub(in crate::pagefile) type Slot = [u8; SLOT];

/// The slot of an entry that begins at `place`.
pub(in crate::pagefile) fn slot(place: usize, head: u32) -> Slot {
    (u64::from(head) << 32 | place as u64).to_le_bytes()
}

pub(in crate::pagefile) fn place(slot: Slot) -> usize {
    u64::from_le_bytes(slot) as u32 as usize
}

pub(in crate::pagefile) fn head_of(slot: Slot) -> u32 {
    (u64::from_le_bytes(slot) >> 32) as u32
}

/// The bytes of a key behind the first `prefix` ones, as far as a head holds them: a number that ascends as keys do that share the prefix.
pub(in crate::pagefile) fn head(key: &[u8], prefix: usize) -> u32 {
    let rest = key.get(prefix..).unwrap_or_default();
    if let Some(bytes) = rest.first_chunk() {
        return u32::from_be_bytes(*bytes);
    }
    let mut bytes = [0; HEAD];
    bytes[..rest.len()].copy_from_slice(rest);
    u32::from_be_bytes(bytes)
}

/// How many bytes two keys have in common at their beginning.
pub(in crate::pagefile) fn common(left: &[u8], right: &[u8]) -> usize {
    let pairs = left.iter().zip(right);
    pairs.take_while(|(left, right)| left == right).count()
}

/// Where `key` is among ascending keys that share their first `prefix` bytes, or where it would come. These bytes may be `known`. `key_of` gives the key of a
/// slot; where it gives none, there is no answer.
pub(in crate::pagefile) fn search<'k>(
    slots: &[Slot],
    prefix: usize,
    known: Option<&'k [u8]>,
    key: &[u8],
    key_of: impl Fn(Slot) -> Option<&'k [u8]>,
) -> Option<Result<usize, usize>> {
    let wanted = head(key, prefix);
    let mut low = slots.partition_point(|slot| head_of(*slot) < wanted);
    let mut high = low;
    if let Some(slot) = slots.get(low)
        && head_of(*slot) == wanted
    {
        match key_of(*slot)?.cmp(key) {
            Ordering::Equal => return Some(Ok(low)),
            Ordering::Greater => {}
            Ordering::Less => {
                low += 1;
                high = low + slots[low..].partition_point(|slot| head_of(*slot) == wanted);
            }
        }
    }
    while low < high {
        let middle = usize::midpoint(low, high);
        match key_of(slots[middle])?.cmp(key) {
            Ordering::Less => low = middle + 1,
            Ordering::Equal => return Some(Ok(middle)),
            Ordering::Greater => high = middle,
        }
    }
    if prefix == 0 || slots.is_empty() {
        return Some(Err(low));
    }
    // Heads say nothing about a key that does not share the prefix: it lies before or behind all.
    let shared = match known {
        Some(shared) => shared,
        None => key_of(slots[low.min(slots.len() - 1)])?.get(..prefix)?,
    };
    let start = &key[..key.len().min(prefix)];
    Some(Err(match start.cmp(shared) {
        Ordering::Less => 0,
        Ordering::Equal => low,
        Ordering::Greater => slots.len(),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{common, head, search, slot};

    proptest! {
        /// Searching by heads finds what searching by keys does, whatever the keys have in common, and whatever part of that is skipped.
        #[test]
        fn heads_lead_where_keys_do(
            shared in prop::collection::vec(0u8..3, 0..6),
            ends in prop::collection::btree_set(prop::collection::vec(0u8..3, 0..7), 1..40),
            wanted in prop::collection::vec(0u8..3, 0..12),
            is_below in any::<bool>(),
        ) {
            let keys: Vec<Vec<u8>> = ends.iter().map(|end| [&shared[..], &end[..]].concat()).collect();
            let most = common(&keys[0], &keys[keys.len() - 1]);
            let wanted = if is_below { [&shared[..], &wanted[..]].concat() } else { wanted };
            for prefix in [0, most / 2, most] {
                let slots: Vec<_> = keys.iter().enumerate().map(|(i, key)| slot(i, head(key, prefix))).collect();
                for known in [None, Some(&keys[0][..prefix])] {
                    let found = search(&slots, prefix, known, &wanted, |slot| keys.get(super::place(slot)).map(Vec::as_slice));
                    prop_assert_eq!(found, Some(keys.binary_search(&wanted)));
                }
            }
        }
    }
}
