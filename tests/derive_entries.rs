//! The entries that a row has in each index of its table.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    clippy::items_after_statements,
    reason = "a test that cannot go on fails; tables stand beside what they test"
)]
#![cfg(feature = "derive")]

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use sapwood::{
    Key, Table,
    key::{KeyBuf, KeyOf, encode},
    table::KeySet,
};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(key(namespace, name))]
#[table(index(by_node_cpu, on(node, cpu), unique))]
#[table(index(by_word, with(words) -> String, each))]
#[table(index(by_sparse_pair, on(node, zone, cpu), sparse))]
#[table(index(by_initial, with(initial) -> Option<char>, unique))]
#[table(index(by_zone_desc, on[namespace, desc(zone)], unique))]
#[table(index(by_zone_known, on[desc(zone), name], sparse))]
#[table(index(by_web, on(name), when(is_web)))]
#[table(index(by_space_tag, on[namespace, each(tags)]))]
#[table(index(by_port_tag, on[each(ports), desc(zone), each(tags)], unique))]
#[table(index(by_known_node_label, on[node, each(labels)], sparse, when(is_web)))]
#[table(index(by_tag_again, on[each(tags)]))]
struct Pod {
    namespace: String,
    name: String,
    #[index]
    #[index(name = by_known_node, sparse)]
    #[index(name = by_only_node, unique)]
    node: Option<String>,
    zone: Option<u8>,
    #[index(each)]
    tags: Vec<String>,
    #[index(each, unique)]
    ports: BTreeSet<u16>,
    #[index(each)]
    labels: Option<BTreeMap<String, u8>>,
    #[index]
    cpu: Reverse<u32>,
}

fn words(pod: &Pod) -> impl Iterator<Item = &str> {
    pod.name.split('-')
}

fn initial(pod: &Pod) -> Option<char> {
    pod.name.chars().next()
}

fn is_web(pod: &Pod) -> bool {
    pod.namespace == "web"
}

fn pod() -> Pod {
    Pod {
        namespace: "web".into(),
        name: "a-b-a".into(),
        node: Some("n1".into()),
        zone: Some(3),
        tags: vec!["x".into(), "b".into(), "x".into()],
        ports: BTreeSet::from([443, 80]),
        labels: Some(BTreeMap::from([("team".into(), 1), ("app".into(), 2)])),
        cpu: Reverse(5),
    }
}

fn primary(pod: &Pod) -> KeyBuf {
    let mut key = KeyBuf::new();
    pod.encode_key(&mut key);
    key
}

/// The entries of a row in the index of a name.
fn entries(pod: &Pod, index: &str) -> Vec<Vec<u8>> {
    let definition = Pod::definition();
    let index = definition.indexes.iter().find(|other| other.name == index);
    let mut set = KeySet::new(&primary(pod));
    pod.encode_index_keys(index.unwrap().number, &mut set);
    assert_eq!(set.len(), set.iter().count());
    set.iter().map(<[u8]>::to_vec).collect()
}

/// The entry of a key: with the primary key behind it, or alone.
fn entry<K: Key>(pod: &Pod, key: impl KeyOf<K>, alone: bool) -> Vec<u8> {
    let mut entry = encode::<K>(&key);
    if !alone {
        entry.extend_from_slice(&primary(pod));
    }
    entry.to_vec()
}

/// The primary key is its columns in the order in which the key names them, and the only entry of index 0.
#[test]
fn primary_index() {
    let pod = pod();
    let expected = encode::<(String, String)>(&("web", "a-b-a"));
    assert_eq!(primary(&pod), expected);
    assert_eq!(entries(&pod, "by_namespace_name"), [expected.to_vec()]);
}

/// An entry is the index key and the primary key; in a unique index the index key alone.
#[test]
fn fields_and_compounds() {
    let pod = pod();
    assert_eq!(
        entries(&pod, "by_node"),
        [entry::<Option<String>>(&pod, "n1", false)]
    );
    assert_eq!(
        entries(&pod, "by_only_node"),
        [entry::<Option<String>>(&pod, "n1", true)]
    );
    assert_eq!(
        entries(&pod, "by_cpu"),
        [entry::<Reverse<u32>>(&pod, Reverse(5), false)]
    );
    assert_eq!(
        entries(&pod, "by_node_cpu"),
        [entry::<(Option<String>, Reverse<u32>)>(
            &pod,
            ("n1", Reverse(5)),
            true
        )]
    );
}

/// In a unique index a row with `None` in a column carries its primary key, so that it conflicts with no other.
#[test]
fn none_does_not_conflict() {
    let pod = Pod {
        node: None,
        name: String::new(),
        ..pod()
    };
    assert_eq!(
        entries(&pod, "by_only_node"),
        [entry::<Option<String>>(&pod, None::<&str>, false)]
    );
    assert_eq!(
        entries(&pod, "by_node_cpu"),
        [entry::<(Option<String>, Reverse<u32>)>(
            &pod,
            (None::<&str>, Reverse(5)),
            false
        )]
    );
    assert_eq!(
        entries(&pod, "by_initial"),
        [entry::<Option<char>>(&pod, None::<char>, false)]
    );
}

/// A sparse index has the value itself as its key, and no entry where any optional column is `None`.
#[test]
fn sparse() {
    let full = pod();
    assert_eq!(
        entries(&full, "by_known_node"),
        [entry::<String>(&full, "n1", false)]
    );
    assert_eq!(
        entries(&full, "by_sparse_pair"),
        [entry::<(String, u8, Reverse<u32>)>(
            &full,
            ("n1", 3, Reverse(5)),
            false
        )]
    );
    let nowhere = Pod {
        node: None,
        ..pod()
    };
    assert!(entries(&nowhere, "by_known_node").is_empty());
    assert!(entries(&nowhere, "by_sparse_pair").is_empty());
    let zoneless = Pod {
        zone: None,
        ..pod()
    };
    assert!(entries(&zoneless, "by_sparse_pair").is_empty());
    assert_eq!(entries(&zoneless, "by_known_node").len(), 1);
}

/// A descending column is the bits of its key flipped, and otherwise as every column.
#[test]
fn descending() {
    let full = pod();
    assert_eq!(
        entries(&full, "by_zone_desc"),
        [entry::<(String, Reverse<Option<u8>>)>(
            &full,
            ("web", Reverse(Some(3))),
            true
        )]
    );
    assert_eq!(
        entries(&full, "by_zone_known"),
        [entry::<(Reverse<u8>, String)>(
            &full,
            (Reverse(3), "a-b-a"),
            false
        )]
    );
    let zoneless = Pod {
        zone: None,
        ..pod()
    };
    assert_eq!(
        entries(&zoneless, "by_zone_desc"),
        [entry::<(String, Reverse<Option<u8>>)>(
            &zoneless,
            ("web", Reverse(None::<u8>)),
            false
        )]
    );
    assert!(entries(&zoneless, "by_zone_known").is_empty());

    #[derive(Table, Debug, Serialize, Deserialize)]
    #[table(key(name, desc(version)))]
    struct Release {
        name: String,
        version: u16,
    }
    let mut key = KeyBuf::new();
    let release = Release {
        name: "a".into(),
        version: 2,
    };
    release.encode_key(&mut key);
    assert_eq!(key, encode::<(String, Reverse<u16>)>(&("a", Reverse(2))));
    assert_eq!(
        Release::definition().indexes[0].to_string(),
        "on(name, desc(version)) unique"
    );
}

/// A partial index has the rows that its function names, and no others.
#[test]
fn partial() {
    let web = pod();
    assert_eq!(
        entries(&web, "by_web"),
        [entry::<String>(&web, "a-b-a", false)]
    );
    let other = Pod {
        namespace: "db".into(),
        ..pod()
    };
    assert!(entries(&other, "by_web").is_empty());
    let definition = Pod::definition();
    let index = definition
        .indexes
        .iter()
        .find(|index| index.name == "by_web");
    assert_eq!(index.unwrap().to_string(), "on(name) when(is_web)");
}

/// `each` makes one entry for every different element, in order, whatever the order of the collection.
#[test]
fn each() {
    let pod = pod();
    let strings = |texts: &[&str]| -> Vec<Vec<u8>> {
        texts
            .iter()
            .map(|text| entry::<String>(&pod, *text, false))
            .collect()
    };
    assert_eq!(entries(&pod, "by_tags"), strings(&["b", "x"]));
    assert_eq!(entries(&pod, "by_word"), strings(&["a", "b"]));
    assert_eq!(
        entries(&pod, "by_ports"),
        [entry::<u16>(&pod, 80, true), entry::<u16>(&pod, 443, true)]
    );
    assert_eq!(
        entries(&pod, "by_labels"),
        [
            entry::<(String, u8)>(&pod, ("app", 2), false),
            entry::<(String, u8)>(&pod, ("team", 1), false)
        ]
    );
    let bare = Pod {
        labels: None,
        tags: vec![],
        ..pod
    };
    assert!(entries(&bare, "by_labels").is_empty());
    assert!(entries(&bare, "by_tags").is_empty());
}

/// A compound key has an entry for every element of a column that is `each`, and for every combination where there are several; the other columns are as
/// elsewhere.
#[test]
fn compound_each() {
    let full = pod();
    assert_eq!(
        entries(&full, "by_space_tag"),
        ["b", "x"].map(|tag| entry::<(String, String)>(&full, ("web", tag), false))
    );
    let combined = [(80, "b"), (80, "x"), (443, "b"), (443, "x")].map(|(port, tag)| {
        let key = (port, Reverse(Some(3)), tag);
        entry::<(u16, Reverse<Option<u8>>, String)>(&full, key, true)
    });
    assert_eq!(entries(&full, "by_port_tag"), combined);
    assert_eq!(
        entries(&full, "by_known_node_label"),
        [("app", 2), ("team", 1)].map(|label| entry::<(String, (String, u8))>(
            &full,
            ("n1", label),
            false
        ))
    );
    // The only column of an index needs no compound.
    assert_eq!(entries(&full, "by_tag_again"), entries(&full, "by_tags"));

    let zoneless = Pod {
        zone: None,
        tags: vec!["x".into()],
        ..pod()
    };
    let key = |port| {
        let key = (port, Reverse(None::<u8>), "x");
        entry::<(u16, Reverse<Option<u8>>, String)>(&zoneless, key, false)
    };
    assert_eq!(entries(&zoneless, "by_port_tag"), [key(80), key(443)]);
    for bare in [
        Pod {
            tags: vec![],
            ..pod()
        },
        Pod {
            ports: BTreeSet::new(),
            ..pod()
        },
    ] {
        assert!(entries(&bare, "by_port_tag").is_empty());
    }
    for left_out in [
        Pod {
            node: None,
            ..pod()
        },
        Pod {
            labels: None,
            ..pod()
        },
        Pod {
            namespace: "db".into(),
            ..pod()
        },
    ] {
        assert!(entries(&left_out, "by_known_node_label").is_empty());
    }

    let definition = Pod::definition();
    let text = |name: &str| {
        let index = definition.indexes.iter().find(|index| index.name == name);
        let index = index.unwrap();
        assert!(index.each);
        index.to_string()
    };
    assert_eq!(text("by_space_tag"), "on(namespace, each(tags))");
    assert_eq!(
        text("by_port_tag"),
        "on(each(ports), desc(zone), each(tags)) unique"
    );
    assert_eq!(
        text("by_known_node_label"),
        "on(node, each(labels)) sparse when(is_web)"
    );
    // As `#[index(each)]` on the field.
    assert_eq!(text("by_tag_again"), "on(tags) each");
}

/// A set that is used again holds the entries of the last row and index only, and an index that is not there has none.
#[test]
fn sets_are_used_again() {
    let (one, two) = (
        pod(),
        Pod {
            name: "z".into(),
            ..pod()
        },
    );
    let mut set = KeySet::new(&primary(&one));
    one.encode_index_keys(1, &mut set);
    set.clear();
    assert!(set.is_empty());
    assert_eq!(set.primary(), primary(&one).as_slice());
    one.encode_index_keys(99, &mut set);
    assert!(set.is_empty());
    set.reset(&primary(&two));
    two.encode_index_keys(0, &mut set);
    assert_eq!(set.iter().collect::<Vec<_>>(), [primary(&two).as_slice()]);
}

/// The columns of a row can be read, for the message of an error.
#[test]
fn keys_as_text() {
    let format = |pod: &Pod, name: &str| {
        let definition = Pod::definition();
        let index = definition.indexes.iter().find(|index| index.name == name);
        pod.format_key(index.unwrap().number)
    };
    let pod = pod();
    assert_eq!(format(&pod, "by_namespace_name"), r#"("web", "a-b-a")"#);
    assert_eq!(format(&pod, "by_node"), r#"Some("n1")"#);
    assert_eq!(format(&pod, "by_known_node"), r#"Some("n1")"#);
    assert_eq!(format(&pod, "by_ports"), "[80, 443]");
    assert_eq!(format(&pod, "by_word"), r#"["a", "b", "a"]"#);
    assert_eq!(format(&pod, "by_initial"), "Some('a')");
    assert_eq!(format(&pod, "by_space_tag"), r#"("web", ["x", "b", "x"])"#);
    assert_eq!(pod.format_key(99), "");
    // One entry of those that the row has, where it may have several.
    let entry = |name: &str, place: usize| {
        let definition = Pod::definition();
        let index = definition.indexes.iter().find(|index| index.name == name);
        let number = index.unwrap().number;
        let mut set = KeySet::new(&primary(&pod));
        pod.encode_index_keys(number, &mut set);
        pod.format_entry(number, set.iter().nth(place).unwrap())
    };
    assert_eq!(entry("by_ports", 1), "443");
    assert_eq!(entry("by_word", 1), r#""b""#);
    assert_eq!(entry("by_space_tag", 1), r#"("web", "x")"#);
    assert_eq!(entry("by_node", 0), r#"Some("n1")"#);
    // Bytes that are none.
    assert_eq!(pod.format_entry(99, &[1]), "");
}
