//! Rows as bytes: they come back, their bytes are frozen, and no bytes do harm.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    clippy::items_after_statements,
    reason = "a test that cannot go on fails; tables stand beside what they test"
)]
#![cfg(feature = "derive")]

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use proptest::prelude::*;
use sapwood::{Table, table::CodecError};
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
    step: Step,
}

fn row() -> Row {
    Row {
        id: 1,
        name: "ab".into(),
        tags: vec![None, Some("x".into())],
        map: BTreeMap::from([("k".into(), (-1, 'c'))]),
        units: vec![(), ()],
        step: Step::Then(Box::new(Step::Run("y".into(), 9))),
    }
}

fn encode<T: Table>(row: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    row.encode_row(&mut bytes).unwrap();
    bytes
}

/// A row with nested values of every kind has exactly these bytes, appended to what was there, and comes back.
#[test]
fn bytes_are_frozen() {
    let mut bytes = vec![0xEE];
    row().encode_row(&mut bytes).unwrap();
    let expected = b"\xEE\x01\x02ab\x02\x00\x01\x01x\x01\x01k\x01c\x02\x03\x01\x01y\x09";
    assert_eq!(bytes, expected);
    assert_eq!(Row::decode_row(&bytes[1..]), Ok(row()));
}

/// Every cut of a row is refused, and so is a byte too many.
#[test]
fn cut_and_longer_bytes_are_refused() {
    let mut bytes = encode(&row());
    for len in 0..bytes.len() {
        let cut = Row::decode_row(&bytes[..len]);
        assert!(
            matches!(cut, Err(CodecError::Decode { .. })),
            "{len}: {cut:?}"
        );
    }
    bytes.push(0);
    assert!(matches!(
        Row::decode_row(&bytes),
        Err(CodecError::Trailing { len: 1 })
    ));
}

/// The longest length that can be written.
const HUGE: [u8; 9] = [253, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F];

#[derive(Table, Debug, PartialEq, Serialize, Deserialize)]
struct Holder {
    #[key]
    id: u8,
    bytes: Content,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Content {
    Text(String),
    List(Vec<u64>),
    Units(Vec<()>),
    Map(HashMap<u8, u8>),
    Nested(Option<Box<Content>>),
    Boxed(Box<str>),
}

/// A length that lies is refused at once: nothing is allocated for it, and nothing goes on for ever.
#[test]
fn huge_lengths_are_refused() {
    for variant in [0, 1, 2, 3, 5] {
        let mut bytes = vec![7, variant];
        bytes.extend_from_slice(&HUGE);
        let decoded = Holder::decode_row(&bytes);
        assert!(
            matches!(decoded, Err(CodecError::Decode { .. })),
            "{variant}: {decoded:?}"
        );
    }
}

/// Bytes that nest without end are refused before the stack ends; what can be written can be read.
#[test]
fn deep_nesting_is_refused_both_ways() {
    let mut bytes = vec![7];
    bytes.extend([4, 1].repeat(1 << 16));
    assert!(matches!(
        Holder::decode_row(&bytes),
        Err(CodecError::Decode { .. })
    ));

    let nested = |depth: usize| {
        let innermost = Content::Text("x".into());
        let bytes = (0..depth).fold(innermost, |inner, _| Content::Nested(Some(Box::new(inner))));
        Holder { id: 7, bytes }
    };
    let mut refused = false;
    for depth in 0..100 {
        let row = nested(depth);
        let mut bytes = vec![1];
        match row.encode_row(&mut bytes) {
            Ok(()) => assert_eq!(Holder::decode_row(&bytes[1..]), Ok(row)),
            Err(error) => {
                assert_eq!(bytes, [1], "a refused row leaves the buffer as it was");
                assert!(error.to_string().contains("nested"), "{error}");
                refused = true;
            }
        }
    }
    assert!(refused);
}

/// More elements without bytes than can be read are refused when written, and just as many come back.
#[test]
fn elements_without_bytes_are_limited_both_ways() {
    let holder = |len| Holder {
        id: 7,
        bytes: Content::Units(vec![(); len]),
    };
    let fits = holder(1 << 20);
    assert_eq!(Holder::decode_row(&encode(&fits)), Ok(fits));
    let refused = holder((1 << 20) + 100).encode_row(&mut Vec::new());
    assert!(
        matches!(refused, Err(CodecError::Encode { .. })),
        "{refused:?}"
    );
}

/// A row of many elements, of few bytes each, is not taken for one that lies.
#[test]
fn many_small_elements_come_back() {
    #[derive(Table, Debug, PartialEq, Serialize, Deserialize)]
    struct Many {
        #[key]
        id: u8,
        pairs: Vec<(u8,)>,
        lists: Vec<Vec<(Option<u8>,)>>,
    }
    let many = Many {
        id: 1,
        pairs: vec![(1,); 1 << 21],
        lists: vec![vec![(None,)]; 1 << 20],
    };
    assert_eq!(Many::decode_row(&encode(&many)).as_ref(), Ok(&many));
}

/// What serde's attributes make unreadable in a format without names is refused when it is written, not when it is read.
#[test]
fn left_out_fields_are_refused() {
    #[derive(Table, Debug, Serialize, Deserialize)]
    struct Sparse {
        #[key]
        id: u8,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
    }
    let error = Sparse { id: 1, node: None }
        .encode_row(&mut Vec::new())
        .unwrap_err();
    assert!(error.to_string().contains("`node`"), "{error}");
    let present = Sparse {
        id: 1,
        node: Some("n".into()),
    };
    assert_eq!(encode(&present), [1, 1, 1, b'n']);
}

/// Every shape that serde gives a value comes back, of those types too that write themselves in another way for people.
#[test]
fn every_shape_comes_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Newtype(Vec<u8>);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair(u8, String);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;
    #[derive(Table, Debug, PartialEq, Serialize, Deserialize)]
    struct Shapes {
        #[key]
        id: u8,
        newtype: Newtype,
        pair: Pair,
        unit: Unit,
        address: IpAddr,
    }
    let row = Shapes {
        id: 1,
        newtype: Newtype(vec![7]),
        pair: Pair(8, "a".into()),
        unit: Unit,
        address: IpAddr::from([127, 0, 0, 1]),
    };
    let bytes = encode(&row);
    assert_eq!(bytes, b"\x01\x01\x07\x08\x01a\x00\x7F\x00\x00\x01");
    assert_eq!(Shapes::decode_row(&bytes), Ok(row));
}

/// What needs a format that describes itself is refused in words that name the attribute.
#[test]
fn formats_that_describe_themselves_are_asked_for_in_vain() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(u8),
    }
    #[derive(Table, Debug, Serialize, Deserialize)]
    struct Untagged {
        #[key]
        id: u8,
        any: Any,
    }
    #[derive(Table, Debug, Serialize, Deserialize)]
    struct Flat {
        #[key]
        id: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }
    let any = Any::Number(1);
    let bytes = encode(&Untagged { id: 1, any });
    let error = Untagged::decode_row(&bytes).unwrap_err().to_string();
    assert!(
        error.starts_with("bytes are not a row of the table: ")
            && error.contains("`#[serde(untagged)]`"),
        "{error}"
    );
    let rest = BTreeMap::new();
    let refused = Flat { id: 1, rest }.encode_row(&mut Vec::new());
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("`#[serde(flatten)]`"), "{error}");
    let longer = [encode(&row()), vec![0; 3]].concat();
    assert_eq!(
        Row::decode_row(&longer).unwrap_err().to_string(),
        "3 bytes are left over after the row"
    );
}

proptest! {
    /// No bytes make the decoder panic; those that it takes are those that the row has.
    #[test]
    fn garbage_is_survived(bytes in proptest::collection::vec(prop_oneof![0..6_u8, any::<u8>()], 0..40)) {
        if let Ok(row) = Row::decode_row(&bytes) {
            prop_assert_eq!(Row::decode_row(&encode(&row)), Ok(row));
        }
    }
}
