//! Collections of which every element is an entry.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use crate::key::{Key, KeyOf};

/// A collection that `each` can be put on, as `#[index(each)]` or `on(node, each(labels))`: the row is found by each element.
///
/// An element of a map is the pair of key and value, so that such an index is asked with `eq(("team", "blue"))`, or for every value with
/// `prefix("team")`. An optional collection is empty where it is `None`.
#[diagnostic::on_unimplemented(
    message = "`each` needs a collection of keys, and `{Self}` is none",
    label = "not a collection of keys",
    note = "it goes with `Vec`, `VecDeque`, arrays, sets and maps of keys from the standard library, options of them, and types that implement `sapwood::Each`"
)]
pub trait Each {
    /// An element as a key.
    type Item: Key;
    /// An element, borrowed.
    type Borrowed<'a>: KeyOf<Self::Item>
    where
        Self: 'a;

    /// The elements, in any order.
    fn each(&self) -> impl Iterator<Item = Self::Borrowed<'_>>;
}

macro_rules! of_elements {
    ($([$($generics:tt)*] $collection:ty)*) => {$(
        impl<T: Key, $($generics)*> Each for $collection {
            type Item = T;
            type Borrowed<'a> = &'a T where Self: 'a;

            fn each(&self) -> impl Iterator<Item = &T> {
                self.iter()
            }
        }
    )*};
}

of_elements! {
    [] Vec<T>
    [] VecDeque<T>
    [] Box<[T]>
    [const N: usize] [T; N]
    [] BTreeSet<T>
    [S] HashSet<T, S>
}

macro_rules! of_pairs {
    ($([$($generics:tt)*] $collection:ty)*) => {$(
        impl<K: Key, V: Key, $($generics)*> Each for $collection {
            type Item = (K, V);
            type Borrowed<'a> = (&'a K, &'a V) where Self: 'a;

            fn each(&self) -> impl Iterator<Item = (&K, &V)> {
                self.iter()
            }
        }
    )*};
}

of_pairs! {
    [] BTreeMap<K, V>
    [S] HashMap<K, V, S>
}

impl<C: Each> Each for Option<C> {
    type Item = C::Item;
    type Borrowed<'a>
        = C::Borrowed<'a>
    where
        Self: 'a;

    fn each(&self) -> impl Iterator<Item = C::Borrowed<'_>> {
        self.iter().flat_map(C::each)
    }
}
