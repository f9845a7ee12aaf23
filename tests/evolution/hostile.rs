//! Descriptions of rows that no program wrote: nothing of them is believed.

use std::time::Instant;

use proptest::prelude::*;
use sapwood::pagefile::PageFile;
use sapwood::table::TableDefinition;
use sapwood::{Builder, Error, Table};
use serde::{Deserialize, Serialize};

use super::fixture::File;
use super::past;

/// The nodes of a shape, as the file has them.
#[derive(Clone, Debug, Serialize)]
#[allow(dead_code, reason = "they stand for their numbers")]
pub(crate) enum Node {
    Unknown(String),
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Text,
    Bytes,
    Option(u32),
    List(u32),
    Map(u32, u32),
    Tuple(Vec<u32>),
    Array(u32, u64),
    /// Fields have a name, aliases, and a node.
    Struct(String, Vec<((String, Vec<String>), u32)>),
    Enum(String, Vec<((String, Vec<String>), Content)>),
}

#[derive(Clone, Debug, Serialize)]
#[allow(dead_code, reason = "they stand for their numbers")]
pub(crate) enum Content {
    Unit,
    One(u32),
    Tuple(Vec<u32>),
    Fields(Vec<((String, Vec<String>), u32)>),
}

/// Gives a table of a file another description, and another first row, which may be none.
pub(crate) fn forge(file: &File, table: &str, schema: &[u8], row: Option<(&[u8], &[u8])>) {
    let file = PageFile::open(file.path()).unwrap();
    let mut tx = file.begin_write().unwrap();
    let mut tables = tx.bucket_mut("tables").unwrap().unwrap();
    tables.put(table, schema).unwrap();
    if let Some((key, row)) = row {
        let record = [&1u64.to_le_bytes()[..], &1u64.to_le_bytes(), row].concat();
        let mut rows = tx.bucket_mut(format!("rows:{table}")).unwrap().unwrap();
        rows.put(key, &record).unwrap();
    }
    tx.commit().unwrap();
    file.close().unwrap();
}

pub(crate) fn schema(definition: &TableDefinition, nodes: &[Node]) -> Vec<u8> {
    bincode::serde::encode_to_vec((definition, nodes), bincode::config::standard()).unwrap()
}

/// A struct of another shape than the file has, so that the file's is followed.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "jobs")]
struct Job {
    #[key]
    name: String,
    #[serde(default)]
    more: Endless,
}

/// A type that holds itself without a struct around it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Endless(Option<Box<Endless>>);

fn field(name: &str, node: u32) -> ((String, Vec<String>), u32) {
    ((name.to_owned(), Vec::new()), node)
}

#[track_caller]
fn refused(nodes: &[Node], row: &[u8]) -> String {
    let file = File::golden();
    let bytes = schema(&past::Job::definition(), nodes);
    forge(&file, "jobs", &bytes, Some((b"a\0\x01", row)));
    let began = Instant::now();
    let error = file.open(Builder::table::<Job>).map(drop).unwrap_err();
    assert!(began.elapsed().as_secs() < 60);
    assert!(!matches!(error, Error::File { .. }), "{error}");
    error.to_string()
}

/// Places that do not exist, types that hold themselves, arrays and tuples that stand for more values than there is memory.
#[test]
fn forged_shapes_are_refused() {
    let row = |more| Node::Struct("Job".into(), vec![field("name", 1), field("more", more)]);
    let text = refused(&[], b"");
    assert!(text.ends_with("the shape of the rows is empty"), "{text}");
    let text = refused(&[row(2), Node::Text], b"\x01a");
    assert!(
        text.ends_with("names a type that it does not tell"),
        "{text}"
    );
    for (nodes, bytes) in [
        (vec![row(2), Node::Text, Node::Option(2)], vec![1; 100_000]),
        (vec![row(2), Node::Text, Node::Tuple(vec![2])], vec![]),
        (vec![row(2), Node::Text, Node::List(2)], vec![1; 100_000]),
        (vec![row(0), Node::Text], b"\x01a".repeat(50_000)),
        (
            vec![row(2), Node::Text, Node::Array(3, u64::MAX), Node::Unit],
            vec![],
        ),
        (vec![row(2), Node::Text, Node::Array(2, 1 << 40)], vec![]),
        (
            vec![
                row(2),
                Node::Text,
                Node::List(3),
                Node::Array(4, 1 << 40),
                Node::Unit,
            ],
            vec![1],
        ),
        (vec![row(2), Node::Text, Node::Unknown("?".into())], vec![1]),
        (
            vec![row(2), Node::Text, Node::Enum("E".into(), vec![])],
            vec![0],
        ),
    ] {
        let text = refused(&nodes, &[&b"\x01a"[..], &bytes].concat());
        assert!(text.contains("table `jobs`"), "{text}");
    }
    // Each level doubles what the one above stands for.
    let mut nodes = vec![row(2), Node::Text];
    nodes.extend((3..90).map(|next| Node::Tuple(vec![next, next])));
    nodes.push(Node::Unit);
    let text = refused(&nodes, b"\x01a");
    assert!(
        text.contains("more values than its bytes can hold"),
        "{text}"
    );
}

/// A type of the program that asks for itself in what is there gets an error, and not the end of the stack.
#[test]
fn endless_types_end() {
    let row = Node::Struct("Job".into(), vec![field("name", 1), field("more", 2)]);
    let text = refused(&[row, Node::Text, Node::U8], b"\x01a\x07");
    assert!(text.contains("holds itself without end"), "{text}");
}

/// A description under another table's name.
#[test]
fn forged_names_are_refused() {
    let file = File::golden();
    let bytes = schema(&past::Pod::definition(), &[Node::Unit]);
    forge(&file, "jobs", &bytes, None);
    let text = file.refused::<past::Job>();
    assert!(
        text.contains("it has another name than it is stored under"),
        "{text}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever bytes stand where a description or a row should be: rows, or an error.
    #[test]
    fn damaged_descriptions_are_survived(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        row in proptest::collection::vec(prop_oneof![0..4u8, any::<u8>()], 0..40),
    ) {
        let file = File::golden();
        let mut bytes = {
            let file = PageFile::open(file.path()).unwrap();
            let tx = file.begin_read();
            let tables = tx.bucket("tables").unwrap().unwrap();
            tables.get("jobs").unwrap().unwrap().to_vec()
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(len) = cut {
            bytes.truncate(len.index(bytes.len()));
        }
        forge(&file, "jobs", &bytes, Some((b"a\0\x01", &row)));
        drop(file.open(Builder::table::<Job>));
        drop(file.open(Builder::table::<past::Job>));
    }
}
