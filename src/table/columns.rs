//! Parts of a compound key: its first columns, and the beginning of one of them.
//!
//! A bare value and a tuple both can be the first columns of a key. Rust would take a rule for each to be in conflict, so the traits carry a
//! marker that says which rule is meant; the compiler finds the only one that fits.

use crate::key::{Extends, KeyBuf, KeyOf, KeyPrefixOf};

/// Rules by which a value is taken as a part of a key.
pub mod rule {
    use std::marker::PhantomData;

    /// The value is the whole key, or the beginning of its only column.
    #[derive(Debug)]
    pub struct Whole;

    /// The value is the first column, or its beginning.
    #[derive(Debug)]
    pub struct First;

    /// The value is a tuple, of which the last column is at this place of the key.
    #[derive(Debug)]
    pub struct Tuple<const LAST: usize>;

    /// The value is first columns by this other rule.
    #[derive(Debug)]
    pub struct Leading<M>(PhantomData<M>);
}

use rule::{First, Leading, Tuple, Whole};

/// The first columns of a compound key `K`, but not all: what [`Index::prefix`](super::Index::prefix) takes. `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the first columns of a key of type `{K}`",
    label = "not the first columns of `{K}`",
    note = "give the bare first column, or a tuple of the first columns; for all columns use `eq`, for the beginning of a string `starts_with`"
)]
pub trait LeadingColumns<K, M> {
    #[doc(hidden)]
    fn encode_columns(&self, out: &mut KeyBuf);
}

/// One end of a range: a whole key `K`, or its first columns. `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an end of a range over keys of type `{K}`",
    label = "neither a key of type `{K}` nor its first columns"
)]
pub trait RangeEnd<K, M> {
    #[doc(hidden)]
    fn encode_end(&self, out: &mut KeyBuf);
}

/// The beginning of a column of a key `K`, after the columns before it: what [`Index::starts_with`](super::Index::starts_with) takes.
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "no key of type `{K}` can be searched by the beginning `{Self}`",
    label = "not the beginning of such a key",
    note = "strings begin with a `&str`, bytes with a `&[u8]`; before the beginning of a later column all columns before it are needed, in a tuple"
)]
pub trait StartsWith<K, M> {
    #[doc(hidden)]
    fn encode_beginning(&self, low: &mut KeyBuf, high: &mut KeyBuf);
}

/// What a key `K` can be the beginning of in its last column, after the columns before it: what longest-prefix match takes. `M` is found by the
/// compiler.
#[diagnostic::on_unimplemented(
    message = "no key of type `{K}` can be a prefix of `{Self}`",
    label = "not something that begins with such a key",
    note = "strings are prefixes of a `&str`, bytes of a `&[u8]`, and networks, with feature `ipnet`, of an address or a network; in a compound key the last column is, and all columns before it are needed, in a tuple"
)]
pub trait ExtendsLast<K, M> {
    #[doc(hidden)]
    type Column: ?Sized;
    #[doc(hidden)]
    type Extension: Extends<Self::Column> + ?Sized;

    #[doc(hidden)]
    fn encode_before(&self, out: &mut KeyBuf);

    #[doc(hidden)]
    fn extension(&self) -> &Self::Extension;
}

#[diagnostic::do_not_recommend]
impl<K, P: Extends<K>> ExtendsLast<K, Whole> for P {
    type Column = K;
    type Extension = P;

    fn encode_before(&self, _: &mut KeyBuf) {}

    fn extension(&self) -> &P {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<K, Q: KeyOf<K>> RangeEnd<K, Whole> for Q {
    fn encode_end(&self, out: &mut KeyBuf) {
        self.encode(out);
    }
}

#[diagnostic::do_not_recommend]
impl<K, M, Q: LeadingColumns<K, M>> RangeEnd<K, Leading<M>> for Q {
    fn encode_end(&self, out: &mut KeyBuf) {
        self.encode_columns(out);
    }
}

#[diagnostic::do_not_recommend]
impl<K, P: KeyPrefixOf<K>> StartsWith<K, Whole> for P {
    fn encode_beginning(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
        self.encode_prefix(low, high);
    }
}

/// All rules for the keys of a number of columns.
macro_rules! compound {
    ($(($key:ident $query:ident $place:tt))+) => {
        compound!(@first [$($key)+]);
        compound!(@step [$($key)+] [] $(($key $query $place))+);
    };
    (@first [$first:ident $($other:ident)+]) => {
        #[diagnostic::do_not_recommend]
        impl<$first, $($other,)+ Q: KeyOf<$first>> LeadingColumns<($first, $($other,)+), First> for Q {
            fn encode_columns(&self, out: &mut KeyBuf) {
                self.encode(out);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$first, $($other,)+ P: KeyPrefixOf<$first>> StartsWith<($first, $($other,)+), First>
            for P
        {
            fn encode_beginning(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                self.encode_prefix(low, high);
            }
        }
    };
    // One column after the other goes to those that are done; the last one has a beginning, but does not lead.
    (@step $all:tt [] $column:tt $($rest:tt)+) => {
        leading!($all [] $column);
        compound!(@step $all [$column] $($rest)+);
    };
    (@step $all:tt [$($done:tt)+] $column:tt) => {
        beginning!($all [$($done)+] $column);
        extension!([$($done)+] $column);
    };
    (@step $all:tt [$($done:tt)+] $column:tt $($rest:tt)+) => {
        beginning!($all [$($done)+] $column);
        leading!($all [$($done)+] $column);
        compound!(@step $all [$($done)+ $column] $($rest)+);
    };
}

macro_rules! leading {
    (
        [$($all:ident)+]
        [$(($key:ident $query:ident $place:tt))*] ($last_key:ident $last_query:ident $last:tt)
    ) => {
        #[diagnostic::do_not_recommend]
        impl<$($all,)+ $($query: KeyOf<$key>,)* $last_query: KeyOf<$last_key>>
            LeadingColumns<($($all,)+), Tuple<$last>> for ($($query,)* $last_query,)
        {
            fn encode_columns(&self, out: &mut KeyBuf) {
                $(self.$place.encode(out);)*
                self.$last.encode(out);
            }
        }
    };
}

macro_rules! beginning {
    (
        [$($all:ident)+]
        [$(($key:ident $query:ident $place:tt))+] ($last_key:ident $last_query:ident $last:tt)
    ) => {
        #[diagnostic::do_not_recommend]
        impl<$($all,)+ $($query: KeyOf<$key>,)+ $last_query: KeyPrefixOf<$last_key>>
            StartsWith<($($all,)+), Tuple<$last>> for ($($query,)+ $last_query,)
        {
            fn encode_beginning(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                $(
                    self.$place.encode(low);
                    self.$place.encode(high);
                )+
                self.$last.encode_prefix(low, high);
            }
        }
    };
}

macro_rules! extension {
    (
        [$(($key:ident $query:ident $place:tt))+] ($last_key:ident $last_query:ident $last:tt)
    ) => {
        #[diagnostic::do_not_recommend]
        impl<$($key, $query: KeyOf<$key>,)+ $last_key, $last_query: Extends<$last_key>>
            ExtendsLast<($($key,)+ $last_key,), Tuple<$last>> for ($($query,)+ $last_query,)
        {
            type Column = $last_key;
            type Extension = $last_query;

            fn encode_before(&self, out: &mut KeyBuf) {
                $(self.$place.encode(out);)+
            }

            fn extension(&self) -> &$last_query {
                &self.$last
            }
        }
    };
}

compound!((K0 Q0 0)(K1 Q1 1));
compound!((K0 Q0 0)(K1 Q1 1)(K2 Q2 2));
compound!((K0 Q0 0)(K1 Q1 1)(K2 Q2 2)(K3 Q3 3));
compound!((K0 Q0 0)(K1 Q1 1)(K2 Q2 2)(K3 Q3 3)(K4 Q4 4));
compound!((K0 Q0 0)(K1 Q1 1)(K2 Q2 2)(K3 Q3 3)(K4 Q4 4)(K5 Q5 5));
compound!((K0 Q0 0)(K1 Q1 1)(K2 Q2 2)(K3 Q3 3)(K4 Q4 4)(K5 Q5 5)(K6 Q6 6));
compound!((K0 Q0 0)(K1 Q1 1)(K2 Q2 2)(K3 Q3 3)(K4 Q4 4)(K5 Q5 5)(K6 Q6 6)(K7 Q7 7));
