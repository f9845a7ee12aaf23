//! Digits: what an inner node tells its children apart by, and a bucket its rows.
//!
//! A digit is the next [`SPAN`] bytes of a key as one integer, and below them how many bytes there still are (8 for "more").
//! So the order of digits is the order of the keys as far as the digit reaches, a key that ends is told from one that goes on with
//! zeros, and two keys whose digits are equal and below "more" are the same key.

/// How many bytes of a key a digit holds.
pub(super) const SPAN: usize = 7;

/// The lowest byte of a digit whose key goes on behind it.
pub(super) const MORE: u64 = 8;

/// The digit of `key` at position `at`, which is not behind the key's end.
#[inline]
pub(super) fn digit(key: &[u8], at: usize) -> u64 {
    let rest = key.get(at..).unwrap_or_default();
    if let Some(word) = rest.first_chunk::<8>() {
        return (u64::from_be_bytes(*word) & !0xFF) | MORE;
    }
    let len = rest.len() as u64;
    if rest.is_empty() {
        return 0;
    }
    // The key's last 8 bytes in one load, instead of a loop over the rest.
    if let Some(word) = key.last_chunk::<8>() {
        return (u64::from_be_bytes(*word) << (64 - 8 * len)) | len;
    }
    let mut word = [0; 8];
    word[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(word) | len
}

/// The digit of keys that lose their first `cut` bytes, at most [`SPAN`], which they all share.
///
/// It still separates what `bound` separated: a bound between two keys that share these bytes has them too, and is at least as long.
pub(super) fn shifted(bound: u64, cut: usize) -> u64 {
    let len = bound & 0xFF;
    ((bound & !0xFF) << (8 * cut)) | len.saturating_sub(cut as u64)
}

/// The bytes that the digit itself holds: its first [`SPAN`] at most.
#[inline]
pub(super) fn bytes_of(digit: u64) -> ([u8; 8], usize) {
    (digit.to_be_bytes(), ((digit & 0xFF) as usize).min(SPAN))
}

/// How many bytes `a` and `b` have in common at their beginning.
#[inline]
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::{SPAN, common, digit, shifted};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        vec(
            prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()],
            0..20,
        )
    }

    proptest! {
        // The order of digits is that of the keys, as far as digits reach.
        #[test]
        fn digits_keep_the_order_of_keys(head in key(), a in key(), b in key()) {
            let (a, b) = ([&head[..], &a].concat(), [&head[..], &b].concat());
            let (x, y) = (digit(&a, head.len()), digit(&b, head.len()));
            if x != y {
                prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            } else if x & 0xFF < 8 {
                prop_assert_eq!(a, b);
            } else {
                prop_assert!(common(&a[head.len()..], &b[head.len()..]) >= SPAN);
            }
        }

        // A bound between two keys still lies between them when both lose what they share.
        #[test]
        fn shifting_a_bound_keeps_it_between_its_keys(head in vec(any::<u8>(), 0..7), a in key(), b in key(), c in key()) {
            let mut keys = [a, b, c].map(|tail| [&head[..], &tail].concat());
            keys.sort();
            let [a, bound, c] = keys;
            // `bound` is a digit of some key between `a` and `c`.
            let (low, mid, high) = (digit(&a, 0), digit(&bound, 0), digit(&c, 0));
            prop_assume!(low < mid && mid <= high);
            let cut = common(&a, &c).min(SPAN);
            let moved = shifted(mid, cut);
            prop_assert!(digit(&a, cut) < moved && moved <= digit(&c, cut));
        }
    }
}
