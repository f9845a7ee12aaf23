//! Any bytes as a row: what decodes encodes and decodes to the same row, with memory in proportion to the bytes.

use std::collections::{BTreeMap, HashSet};

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Step {
    Idle,
    Run(String, u8),
    Wait { until: Option<i64> },
    Then(Box<Step>),
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    #[key]
    id: u64,
    name: String,
    tags: Vec<Option<String>>,
    map: BTreeMap<String, (i32, char)>,
    units: Vec<()>,
    set: HashSet<u16>,
    step: Step,
}

/// The bytes as a row.
pub fn run(bytes: &[u8]) {
    let Ok(row) = Row::decode_row(bytes) else {
        return;
    };
    let mut again = Vec::new();
    let encoded = row.encode_row(&mut again);
    assert!(encoded.is_ok(), "{encoded:?}");
    assert_eq!(Row::decode_row(&again), Ok(row));
}
