//! A table as data: what the derive writes down, and what is said where a file and a program do not agree.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    clippy::items_after_statements,
    reason = "a test that cannot go on fails; tables stand beside what they test"
)]
#![cfg(feature = "derive")]
#![allow(dead_code)]

use std::collections::BTreeMap;

use sapwood::{
    Table,
    table::{Difference, IndexColumns, TableDefinition},
};
use serde::{Deserialize, Serialize};

mod stored {
    use super::*;

    #[derive(Table, Serialize, Deserialize)]
    #[table(name = "pods", index(by_node_cpu, on(node, cpu), unique))]
    #[table(index(by_zone, with(Pod::zone) -> String, sparse))]
    pub(super) struct Pod {
        #[key]
        pub(super) id: u64,
        #[index]
        pub(super) node: Option<String>,
        pub(super) cpu: u32,
        #[index(each)]
        pub(super) labels: BTreeMap<String, [u8; 4]>,
    }

    impl Pod {
        fn zone(&self) -> Option<&str> {
            self.node.as_deref()
        }
    }
}

/// The same table as another version of the program has it.
macro_rules! version {
    ($name:ident { $($body:tt)* }) => {
        mod $name {
            use super::*;

            #[derive(Table, Serialize, Deserialize)]
            #[table(name = "pods")]
            $($body)*
        }
    };
}

version!(wider { pub(super) struct Pod { #[key] id: u64, node: Option<String>, cpu: u64, labels: BTreeMap<String, [u8; 4]> } });
version!(without { pub(super) struct Pod { #[key] id: u64, node: Option<String>, labels: BTreeMap<String, [u8; 4]> } });
version!(with_more {
    #[table(index(by_node_cpu, on(node, cpu), unique))]
    pub(super) struct Pod { #[key] id: u64, #[index] node: Option<String>, cpu: u32, labels: BTreeMap<String, [u8; 4]>, zone: String }
});
version!(turned { pub(super) struct Pod { #[key] id: u64, cpu: u32, node: Option<String>, labels: BTreeMap<String, [u8; 4]> } });
version!(other_key { pub(super) struct Pod { id: u64, node: Option<String>, #[key] cpu: u32, labels: BTreeMap<String, [u8; 4]> } });
version!(other_index {
    #[table(index(by_node_cpu, on(node, cpu)))]
    pub(super) struct Pod { #[key] id: u64, #[index] node: Option<String>, cpu: u32, labels: BTreeMap<String, [u8; 4]> }
});
version!(without_index {
    #[table(index(by_node_cpu, on(node, cpu), unique))]
    pub(super) struct Pod { #[key] id: u64, node: Option<String>, cpu: u32, labels: BTreeMap<String, [u8; 4]> }
});

fn stored() -> TableDefinition {
    stored::Pod::definition()
}

#[track_caller]
fn says<T: Table>(expected: &str) {
    let difference = stored().difference(&T::definition());
    assert_eq!(
        difference
            .map(|difference| difference.to_string())
            .as_deref(),
        Some(expected)
    );
}

/// The derive writes down names, types as a person writes them, and indexes in the order in which they are declared.
#[test]
fn definitions_are_complete() {
    let definition = stored();
    assert_eq!(definition.name, "pods");
    let fields: Vec<String> = definition
        .fields
        .iter()
        .map(|field| format!("{}: {}", field.name, field.type_text))
        .collect();
    assert_eq!(
        fields,
        [
            "id: u64",
            "node: Option<String>",
            "cpu: u32",
            "labels: BTreeMap<String, [u8; 4]>"
        ]
    );
    let indexes: Vec<String> = definition
        .indexes
        .iter()
        .map(|index| format!("{} {} {index}", index.number, index.name))
        .collect();
    assert_eq!(
        indexes,
        [
            "0 by_id on(id) unique",
            "1 by_node_cpu on(node, cpu) unique",
            "2 by_zone with(Pod::zone) -> String sparse",
            "3 by_node on(node)",
            "4 by_labels on(labels) each",
        ]
    );
    assert_eq!(definition.primary(), definition.index(0));
    assert_eq!(
        definition.index(0).map(|index| &index.columns),
        Some(&IndexColumns::Fields(vec!["id".into()]))
    );
    assert_eq!(definition.index(5), None);
}

/// A definition that was written down and read again is the same.
#[test]
fn definitions_come_back() {
    let config = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(stored(), config).unwrap();
    let (again, _): (TableDefinition, _) =
        bincode::serde::decode_from_slice(&bytes, config).unwrap();
    assert_eq!(again, stored());
    assert_eq!(again.difference(&stored()), None);
}

/// The first difference is told in words that name the table, the field or index, and both sides.
#[test]
fn differences_in_words() {
    says::<wider::Pod>("table `pods`: field `cpu` is `u32` in the file and `u64` in the program");
    says::<without::Pod>(
        "table `pods`: field `cpu`, `u32`, is in the file, but not in the program",
    );
    says::<with_more::Pod>(
        "table `pods`: field `zone`, `String`, is in the program, but not in the file",
    );
    says::<turned::Pod>("table `pods`: field 2 is `node` in the file and `cpu` in the program");
    says::<other_key::Pod>(
        "table `pods`: the primary key is `on(id)` in the file and `on(cpu)` in the program",
    );
    says::<other_index::Pod>(
        "table `pods`: index `by_node_cpu` is `on(node, cpu) unique` in the file and `on(node, cpu)` in the program",
    );
    says::<without_index::Pod>(
        "table `pods`: index `by_zone`, `with(Pod::zone) -> String sparse`, is in the file, but not in the program",
    );
    let mut renamed = stored();
    renamed.name = "nodes".into();
    let difference = stored().difference(&renamed).unwrap();
    assert!(matches!(difference, Difference::Name { .. }));
    assert_eq!(
        difference.to_string(),
        "the table is `pods` in the file and `nodes` in the program"
    );
}

/// The order in which indexes are declared is no difference: they are found by their names.
#[test]
fn order_of_indexes_does_not_matter() {
    let mut turned = stored();
    turned.indexes[1..].reverse();
    assert_eq!(stored().difference(&turned), None);
}
