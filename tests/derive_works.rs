//! What the derive macros accept: each form of the guide compiles, and means what it says.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    clippy::items_after_statements,
    reason = "a test that cannot go on fails; tables stand beside what they test"
)]
#![cfg(feature = "derive")]

use std::collections::BTreeSet;

use sapwood::{
    Index, Key, Query, Table,
    key::{KeyBuf, KeyOf, Total},
};
use serde::{Deserialize, Serialize};

#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Pending,
    Running,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
#[table(index(by_node_phase, on(node, phase)))]
#[table(index(by_owner_name, on(owner, name), unique))]
#[table(index(by_zone, with(zone_of) -> String))]
struct Pod {
    #[key]
    id: u64,
    #[index]
    node: Option<String>,
    #[index(each)]
    labels: BTreeSet<String>,
    owner: String,
    name: String,
    phase: Phase,
    #[index(name = by_load)]
    cpu: Total<f64>,
}

fn zone_of(pod: &Pod) -> &str {
    pod.name.split('-').next().unwrap_or_default()
}

/// Every query of the guide compiles, with literals that need no type.
#[test]
#[expect(
    clippy::needless_borrows_for_generic_args,
    reason = "borrowed forms are what is tested"
)]
fn the_guide_compiles() {
    const _: Index<Pod, (String, String)> = Pod::BY_OWNER_NAME;
    let queries: Vec<Query<Pod>> = vec![
        Pod::ALL,
        Pod::BY_ID.eq(7),
        Pod::BY_ID.eq(&7),
        Pod::BY_ID.range(1..5),
        Pod::BY_ID.range(1..=5),
        Pod::BY_ID.range(..5),
        Pod::BY_ID.range(..),
        Pod::BY_NODE.eq(None::<&str>),
        Pod::BY_NODE.eq(Some("n1")),
        Pod::BY_NODE.eq("n1"),
        Pod::BY_NODE.eq(String::from("n1")),
        Pod::BY_NODE.eq(&Some(String::from("n1"))),
        Pod::BY_NODE.starts_with("n"),
        Pod::BY_NODE_PHASE.eq(("n1", Phase::Running)),
        Pod::BY_NODE_PHASE.eq((None::<String>, &Phase::Pending)),
        Pod::BY_NODE_PHASE.prefix("n1"),
        Pod::BY_NODE_PHASE.prefix(None::<&str>),
        Pod::BY_NODE_PHASE.prefix(("n1",)),
        Pod::BY_OWNER_NAME.range(("a", "b")..=("c", "z")),
        Pod::BY_OWNER_NAME.range("a".."c"),
        Pod::BY_OWNER_NAME.range(("a",)..),
        Pod::BY_OWNER_NAME.starts_with("a"),
        Pod::BY_OWNER_NAME.starts_with(("a", "pre")),
        Pod::BY_LABELS.starts_with("team="),
        Pod::BY_LABELS.eq("team=blue"),
        Pod::BY_LOAD.range(0.5..),
        Pod::BY_ZONE.eq("eu"),
        Pod::BY_ZONE.all(),
    ];
    assert_eq!(queries.len(), 28);
    assert_eq!(Pod::NAME, "pods");
}

/// A verb that takes a key of the table takes every form of it, literals among them.
#[test]
fn keys_of_a_table() {
    fn encoded<T: Table>(key: impl KeyOf<T::Key>) -> Vec<u8> {
        let mut out = KeyBuf::new();
        key.encode(&mut out);
        out.to_vec()
    }

    let seven = [0, 0, 0, 0, 0, 0, 0, 7];
    assert_eq!(encoded::<Pod>(7), seven);
    assert_eq!(encoded::<Pod>(&7), seven);
    assert_eq!(encoded::<Pod>(7_u64), seven);
}

/// The derives work inside a function, and a table there is a table of its own.
#[test]
fn inside_a_function() {
    #[derive(Key, Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Zone(String);

    #[derive(Table, Serialize, Deserialize)]
    struct HTTPRoute {
        #[key]
        zone: Zone,
        #[index(unique)]
        port: u16,
    }

    assert_eq!(HTTPRoute::NAME, "http_route");
    let _: Query<HTTPRoute> = HTTPRoute::BY_PORT.eq(80);
    let _: Query<HTTPRoute> = HTTPRoute::BY_ZONE.eq(Zone("eu".into()));
}

/// The crate under another name.
mod renamed {
    pub(super) use ::sapwood as database;

    use super::{Deserialize, Serialize};

    #[derive(database::Key, Clone, Debug, Serialize, Deserialize)]
    #[key(crate = crate::renamed::database)]
    pub(super) enum Kind {
        Small,
        Large { size: u8 },
    }

    #[derive(database::Table, Serialize, Deserialize)]
    #[table(crate = crate::renamed::database)]
    pub(super) struct Disk {
        #[key]
        pub(super) kind: Kind,
    }
}

/// A table and a key can be made through another name of the crate.
#[test]
fn through_another_name() {
    use renamed::{Disk, Kind};

    let _: Query<Disk> = Disk::BY_KIND.eq(Kind::Large { size: 3 });
    let _: Query<Disk> = Disk::BY_KIND.range(Kind::Small..);
}

/// Names that Rust or the derive use themselves can be those of fields, types and functions.
mod awkward_names {
    #![allow(non_camel_case_types, non_snake_case, dead_code)]

    use super::{Deserialize, Key, Serialize, Table};

    type String = u8;
    type Vec = u8;
    struct KeySet;
    struct Entry;

    fn encode() {}
    fn format() {}

    #[derive(Key, Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Result {
        None,
        Some { r#type: u8, out: u8, input: u8 },
        Ok(u8),
    }

    #[derive(Table, Serialize, Deserialize)]
    #[table(index(by_out_type, on[out, r#type], sparse))]
    #[table(index(by_made, with(out) -> u8, each))]
    pub(super) struct Option {
        #[key]
        pub(super) r#type: u8,
        #[index]
        pub(super) out: ::std::option::Option<u8>,
        #[index]
        pub(super) index: String,
        #[index]
        pub(super) Some: Vec,
        #[index]
        pub(super) None: Result,
        #[index(each)]
        pub(super) Ok: [u8; 2],
    }

    fn out(row: &Option) -> [u8; 2] {
        row.Ok
    }
}

/// Fields with the names of keywords, of the prelude, and of what the derive writes.
#[test]
fn with_awkward_names() {
    use awkward_names::{Option, Result};
    use sapwood::table::KeySet;

    let row = Option {
        r#type: 1,
        out: Some(2),
        index: 3,
        Some: 4,
        None: Result::Some {
            r#type: 5,
            out: 6,
            input: 7,
        },
        Ok: [8, 9],
    };
    let definition = Option::definition();
    let mut entries = Vec::new();
    for index in &definition.indexes {
        let mut set = KeySet::new(&[1]);
        row.encode_index_keys(index.number, &mut set);
        entries.extend(
            set.iter()
                .map(|entry| (index.name.as_str(), entry.to_vec())),
        );
    }
    assert_eq!(
        entries,
        [
            ("by_type", vec![1]),
            ("by_out_type", vec![2, 1, 1]),
            ("by_made", vec![8, 1]),
            ("by_made", vec![9, 1]),
            ("by_out", vec![1, 2, 1]),
            ("by_index", vec![3, 1]),
            ("by_Some", vec![4, 1]),
            ("by_None", vec![1, 5, 6, 7, 1]),
            ("by_Ok", vec![8, 1]),
            ("by_Ok", vec![9, 1]),
        ]
    );
    let _: Query<Option> = Option::BY_OUT_TYPE.prefix(2);
    let _: Query<Option> = Option::BY_NONE.eq(Result::Ok(1));
    assert_ne!(Result::None, Result::Ok(1));
}

/// A computed index takes any form of its key, from a method as well as from a function.
#[test]
fn computed_indexes() {
    #[derive(Table, Serialize, Deserialize)]
    #[table(index(by_initial, with(Node::initial) -> char, sparse))]
    #[table(index(by_word, with(Node::words) -> String, each, unique))]
    #[table(index(by_pair, with(Node::pair) -> (String, u8)))]
    struct Node {
        #[key]
        name: String,
    }

    impl Node {
        fn initial(&self) -> Option<char> {
            self.name.chars().next()
        }

        fn words(&self) -> Vec<&str> {
            self.name.split('-').collect()
        }

        fn pair(&self) -> (&str, u8) {
            (&self.name, self.name.len() as u8)
        }
    }

    let _: [Query<Node>; 4] = [
        Node::BY_INITIAL.eq('a'),
        Node::BY_WORD.starts_with("a"),
        Node::BY_PAIR.prefix("a"),
        Node::BY_PAIR.eq(("a", 1)),
    ];
}
