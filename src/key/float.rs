//! Floating-point numbers in a total order.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Serialize};

use super::{Key, KeyBuf, KeyDecodeError, KeyOf, option::stands_for_some, take};

/// A floating-point number that can be a key: `-0.0` equals `0.0`, every NaN equals every other, and NaN comes last.
///
/// It compares and hashes as it is encoded, and it is serialised as the number alone.
///
/// ```
/// use sapwood::key::Total;
///
/// let mut load = [Total(0.5), Total(f64::NAN), Total(-1.0)];
/// load.sort();
/// assert_eq!(load, [Total(-1.0), Total(0.5), Total(f64::NAN)]);
/// ```
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Total<F>(pub F);

impl<F: fmt::Debug> fmt::Debug for Total<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<F: fmt::Display> fmt::Display for Total<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<F> From<F> for Total<F> {
    fn from(value: F) -> Self {
        Self(value)
    }
}

macro_rules! total {
    ($float:ident as $wire:ident) => {
        impl Total<$float> {
            const SIGN: $wire = 1 << ($wire::BITS - 1);

            /// The number as an integer that sorts as it does.
            fn rank(self) -> $wire {
                let canonical = if self.0.is_nan() {
                    $float::NAN.abs()
                } else if self.0 == 0.0 {
                    0.0
                } else {
                    self.0
                };
                let bits = canonical.to_bits();
                if bits & Self::SIGN == 0 {
                    bits ^ Self::SIGN
                } else {
                    !bits
                }
            }

            fn from_rank(rank: $wire) -> Option<Self> {
                let bits = if rank & Self::SIGN == 0 {
                    !rank
                } else {
                    rank ^ Self::SIGN
                };
                let total = Self($float::from_bits(bits));
                (total.rank() == rank).then_some(total)
            }
        }

        impl PartialEq for Total<$float> {
            fn eq(&self, other: &Self) -> bool {
                self.rank() == other.rank()
            }
        }

        impl Eq for Total<$float> {}

        impl PartialOrd for Total<$float> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for Total<$float> {
            fn cmp(&self, other: &Self) -> Ordering {
                self.rank().cmp(&other.rank())
            }
        }

        impl Hash for Total<$float> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.rank().hash(state);
            }
        }

        impl KeyOf<Total<$float>> for Total<$float> {
            fn encode(&self, out: &mut KeyBuf) {
                out.extend_from_slice(&self.rank().to_be_bytes());
            }
        }

        #[diagnostic::do_not_recommend]
        impl KeyOf<Total<$float>> for $float {
            fn encode(&self, out: &mut KeyBuf) {
                KeyOf::<Total<$float>>::encode(&Total(*self), out);
            }
        }

        stands_for_some!(Total<$float> as Total<$float>);
        stands_for_some!($float as Total<$float>);

        impl Key for Total<$float> {
            fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                Self::from_rank($wire::from_be_bytes(take(input)?)).ok_or(KeyDecodeError::Invalid {
                    expected: stringify!($float),
                })
            }
        }
    };
}

total!(f32 as u32);
total!(f64 as u64);
