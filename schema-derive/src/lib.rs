//! The derive macros of `sapwood`, which re-exports them: use them from there.
//!
//! Each goes from syntax to a model, which is checked, and from the model to code. Mistakes are collected on the way, so that all of them are
//! reported at once, each where it stands. The code that is emitted refers to `sapwood::__private` only.

mod attributes;
mod errors;
mod key;
mod table;
mod text;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct or an enum a key, or a column of one: see `sapwood::key`.
///
/// A struct is written as its fields in their order, an enum as the number of the variant in the order of the variants (`u8`, and `u16` past
/// 256 variants) and then its fields. So keys sort as with `#[derive(PartialOrd, Ord)]`. New variants may be added at the end; any other
/// change of order changes the keys.
///
/// Every field must be a key itself, and the type must be `Debug`.
///
/// - `#[key(crate = path)]`: where `sapwood` is, if it was renamed.
#[proc_macro_derive(Key, attributes(key))]
pub fn derive_key(input: TokenStream) -> TokenStream {
    key::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a struct with named fields the row of a table.
///
/// It gives the struct the constants `ALL`, a query for every row, and one typed handle for each index, such as `BY_ID` and `BY_NODE`. The
/// struct must also be `Serialize` and `Deserialize`.
///
/// On the struct:
///
/// - `#[table(name = "pods")]`: the name of the table; without it the struct's name in snake case.
/// - `#[table(key(namespace, name))]`: a primary key of several columns.
/// - `#[table(index(by_node_phase, on(node, phase)))]`: an index on several columns, at most eight. With brackets,
///   `on[node, phase]`, it is the same; clippy (`duplicated_attributes`) takes parentheses for a mistake where two indexes share a column.
/// - `#[table(index(by_zone, with(zone_of) -> String))]`: an index on what a function makes of `&Pod`, which may be any form of the key, such as
///   a `&str` for a `String`.
/// - `#[table(version = 3, from(PodV2, PodV1))]`: the version of the struct, 1 without it, and the structs of the versions before it, the newest first, any types
///   that are `Deserialize`. Rows of version 1 become `PodV2` by `From<PodV1>`, and then rows of now by `From<PodV2>`. So files are opened
///   that have rows which serde's own rules do not bring into the struct.
/// - `#[table(ephemeral)]`: the table is never in a file, and empty when one is opened: heartbeats, leases, caches. In everything else it is as others are. A commit
///   that changes only such tables does not wait for the disk.
/// - `#[table(crate = path)]`: where `sapwood` is, if it was renamed.
///
/// In `on(..)` and `key(..)` a column can be `desc(cpu)`: it sorts from the greatest to the least, and is a `std::cmp::Reverse` in the type of
/// the key.
///
/// In `on(..)` a column can also be `each(tags)`, a collection: the row is found by the other columns with every element of it, as in
/// `on(namespace, each(tags))`. Where there are several of them, by every combination.
///
/// On a field:
///
/// - `#[key]`: the field is the primary key.
/// - `#[index]`: an index on the field. Named `by_` and the field, or with `name = by_something`.
///
/// An index can further be, in `index(..)` in both places:
///
/// - `unique`: no two rows have the same key. Rows with `None` in a column do not conflict.
/// - `each`: the column is a collection, and the row is found by every element of it.
/// - `sparse`: rows with `None` in a column are left out, and the type of the key is what is in the option.
/// - `when(is_live)`: only rows for which the function, of `&Pod`, returns `true` are in the index.
#[proc_macro_derive(Table, attributes(table, key, index))]
pub fn derive_table(input: TokenStream) -> TokenStream {
    table::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    /// What is emitted refers to the crate by the path that was given, and by no other.
    #[test]
    fn renamed_crates_are_not_named() {
        let table = super::table::derive(&parse_quote! {
            #[table(name = "pods", crate = other, index(by_all, on(id, node), sparse, unique))]
            #[table(index(by_zone, with(zone) -> u8), index(by_tag, with(tags) -> u8, each))]
            #[table(index(by_node_tag, on(node, each(tags)), sparse), version = 3, from(PodV2, PodV1))]
            struct Pod {
                #[key]
                id: u64,
                #[index]
                node: Option<u8>,
                #[index(each)]
                tags: Vec<u8>,
            }
        });
        let ephemeral = super::table::derive(&parse_quote! {
            #[table(crate = other, ephemeral)]
            struct Beat {
                #[key]
                id: u64,
            }
        });
        let key = super::key::derive(&parse_quote! {
            #[key(crate = other)]
            enum Kind { Small, Large(u8), Named { size: u8 } }
        });
        for code in [table, ephemeral, key].map(|code| code.to_string()) {
            assert!(code.contains("other :: __private"), "{code}");
            assert!(!code.contains("sapwood"), "{code}");
            assert!(!code.contains("compile_error"), "{code}");
        }
    }

    /// A name in snake case, as the default name of a table.
    #[test]
    fn names_in_snake_case() {
        for (name, expected) in [
            ("Pod", "pod"),
            ("HttpRoute", "http_route"),
            ("HTTPRoute", "http_route"),
            ("PodV2", "pod_v2"),
            ("Disk_Image", "disk_image"),
            ("IPv4", "i_pv4"),
            ("pod", "pod"),
        ] {
            assert_eq!(super::text::snake_case(name), expected);
        }
    }
}
