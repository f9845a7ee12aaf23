//! The laws of keys, for every type that is one: order, prefix-freeness, round trip, and a decoder that survives anything.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

use std::{
    borrow::Cow,
    cmp::{Ordering, Reverse},
    collections::BTreeSet,
    fmt::Debug,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use proptest::{collection, option, prelude::*, sample::select};
use sapwood::key::{Key, KeyDecodeError, KeyOf, Total, decode, encode};

/// Checks every law that two values of a type can show.
fn check_laws<K: Key + Ord>(a: &K, b: &K) -> Result<(), TestCaseError> {
    let (left, right) = (encode::<K>(a), encode::<K>(b));
    prop_assert_eq!(left.cmp(&right), a.cmp(b), "order of {:?} and {:?}", a, b);
    if a != b {
        prop_assert!(
            !left.starts_with(&right) && !right.starts_with(&left),
            "{a:?} or {b:?} begins the other"
        );
    }
    let again = decode::<K>(&left);
    prop_assert!(again.as_ref() == Ok(a), "{:?} came back as {:?}", a, again);
    let mut cut = left.clone();
    cut.pop();
    prop_assert!(decode::<K>(&cut).is_err(), "{:?} needs its last byte", a);
    let mut longer = left;
    longer.push(7);
    let trailing = matches!(decode::<K>(&longer), Err(KeyDecodeError::Trailing { .. }));
    prop_assert!(trailing, "{a:?} needs no byte more");
    Ok(())
}

/// Decodes what may be no key at all: what comes back, if anything, is the only value that encodes so.
fn check_garbage<K: Key>(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(key) = decode::<K>(bytes) {
        let again = encode::<K>(&key);
        prop_assert_eq!(again.as_slice(), bytes, "{:?}", key);
    }
    Ok(())
}

/// Bytes that run into every escape.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![select(vec![0, 1, 2, 0xFE, 0xFF]), any::<u8>()]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    collection::vec(byte(), 0..6)
}

fn text() -> impl Strategy<Value = String> {
    let symbol = prop_oneof![select(vec!['\0', '\u{1}', 'a', 'b', 'ÿ']), any::<char>()];
    collection::vec(symbol, 0..6).prop_map(String::from_iter)
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        select(vec![
            0.0,
            -0.0,
            f64::NAN,
            -f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE
        ]),
        any::<f64>(),
        any::<u64>().prop_map(f64::from_bits)
    ]
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from)
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    let seconds = prop_oneof![0..3_u64, any::<u64>()];
    (seconds, 0..1_000_000_000_u32).prop_map(|(seconds, part)| Duration::new(seconds, part))
}

fn instant() -> impl Strategy<Value = SystemTime> {
    let seconds = prop_oneof![0..3_u64, 0..1_u64 << 40];
    let part = prop_oneof![Just(0), 0..1_000_000_000_u32];
    (any::<bool>(), seconds, part).prop_map(|(before, seconds, part)| {
        let distance = Duration::new(seconds, part);
        if before {
            SystemTime::UNIX_EPOCH - distance
        } else {
            SystemTime::UNIX_EPOCH + distance
        }
    })
}

/// A data enum, whose derived order is the order of its keys.
#[derive(Key, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Nowhere,
    On(String),
    Between { from: i16, to: Option<u8> },
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Nowhere),
        text().prop_map(Place::On),
        (any::<i16>(), any::<Option<u8>>()).prop_map(|(from, to)| Place::Between { from, to }),
    ]
}

/// A struct with a newtype in it.
#[derive(Key, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    parts: Vec<Part>,
    at: Place,
}

#[derive(Key, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part(String);

fn path() -> impl Strategy<Value = Path> {
    let parts = collection::vec(text().prop_map(Part), 0..3);
    (parts, place()).prop_map(|(parts, at)| Path { parts, at })
}

/// One test for each type: its laws, and what its decoder does with garbage.
macro_rules! laws {
    ($($name:ident: $type:ty = $values:expr;)*) => {$(
        mod $name {
            use super::*;

            proptest! {
                /// Two values of the type keep every law of keys.
                #[test]
                fn keeps_the_laws(a in $values, b in $values) {
                    check_laws::<$type>(&a, &b)?;
                    check_laws::<$type>(&a, &a)?;
                }

                /// No bytes make the decoder panic, or give a value that other bytes stand for.
                #[test]
                fn survives_garbage(bytes in collection::vec(byte(), 0..24)) {
                    check_garbage::<$type>(&bytes)?;
                }
            }
        }
    )*};
}

laws! {
    booleans: bool = any::<bool>();
    u8s: u8 = any::<u8>();
    u16s: u16 = any::<u16>();
    u32s: u32 = any::<u32>();
    u64s: u64 = any::<u64>();
    u128s: u128 = any::<u128>();
    usizes: usize = any::<usize>();
    i8s: i8 = any::<i8>();
    i16s: i16 = any::<i16>();
    i32s: i32 = any::<i32>();
    i64s: i64 = any::<i64>();
    i128s: i128 = any::<i128>();
    isizes: isize = any::<isize>();
    f32s: Total<f32> = any::<u32>().prop_map(|bits| Total(f32::from_bits(bits)));
    f64s: Total<f64> = float().prop_map(Total);
    chars: char = any::<char>();
    strings: String = text();
    boxed_strings: Box<str> = text().prop_map(Box::from);
    shared_strings: Arc<str> = text().prop_map(Arc::from);
    cow_strings: Cow<'static, str> = text().prop_map(Cow::from);
    byte_strings: Vec<u8> = bytes();
    byte_arrays: [u8; 3] = any::<[u8; 3]>();
    arrays: [String; 2] = [text(), text()];
    lists: Vec<String> = collection::vec(text(), 0..4);
    nested_lists: Vec<Vec<u8>> = collection::vec(bytes(), 0..4);
    sets: BTreeSet<i8> = collection::btree_set(any::<i8>(), 0..4);
    ipv4: Ipv4Addr = any::<[u8; 4]>().prop_map(Ipv4Addr::from);
    ipv6: Ipv6Addr = any::<[u8; 16]>().prop_map(Ipv6Addr::from);
    addresses: IpAddr = address();
    options: Option<String> = option::of(text());
    nested_options: Option<Option<u8>> = any::<Option<Option<u8>>>();
    instants: SystemTime = instant();
    durations: Duration = duration();
    reversed: Reverse<String> = text().prop_map(Reverse);
    reversed_options: Reverse<Option<Vec<u8>>> = option::of(bytes()).prop_map(Reverse);
    boxes: Box<i16> = any::<Box<i16>>();
    shared: Arc<String> = text().prop_map(Arc::new);
    singles: (String,) = text().prop_map(|text| (text,));
    pairs: (String, u8) = (text(), byte());
    triples: (i32, Reverse<Vec<u8>>, Option<u8>) =
        (-2..2_i32, bytes().prop_map(Reverse), any::<Option<u8>>());
    enums: Place = place();
    structs: Path = path();
    eights: (u8, String, bool, Vec<u8>, Option<char>, i8, String, Place) = (
        0..2_u8, text(), any::<bool>(), bytes(), any::<Option<char>>(), any::<i8>(), text(), place(),
    );
}

/// What stands for a key encodes as the key does.
fn check_stands_for<K: Key>(key: &K, forms: &[&dyn KeyOf<K>]) {
    let expected = encode::<K>(key);
    for form in forms {
        assert_eq!(encode::<K>(*form), expected, "{form:?} for {key:?}");
    }
}

/// Every borrowed form encodes exactly as the key that it stands for.
#[test]
fn borrowed_forms_encode_as_their_keys() {
    let text = String::from("a\0b");
    check_stands_for::<String>(
        &text,
        &[
            &"a\0b",
            &&text,
            &Box::<str>::from("a\0b"),
            &Cow::from("a\0b"),
        ],
    );
    check_stands_for::<Arc<str>>(&Arc::from("a"), &[&"a", &String::from("a"), &&"a"]);
    check_stands_for::<Option<String>>(
        &Some(text.clone()),
        &[
            &"a\0b",
            &Some("a\0b"),
            &&text,
            &Some(&text),
            &Some(Cow::from("a\0b")),
        ],
    );
    check_stands_for::<Option<String>>(&None, &[&None::<&str>, &None::<Arc<str>>]);
    check_stands_for::<Vec<u8>>(&vec![1, 0], &[&[1, 0], &&[1_u8, 0][..], b"\x01\0"]);
    check_stands_for::<Vec<String>>(&vec![text.clone()], &[&["a\0b"], &&["a\0b"][..]]);
    check_stands_for::<Total<f64>>(&Total(1.5), &[&1.5, &&1.5]);
    check_stands_for::<Option<Total<f64>>>(&Some(Total(1.5)), &[&1.5, &Some(1.5)]);
    check_stands_for::<IpAddr>(&Ipv4Addr::LOCALHOST.into(), &[&Ipv4Addr::LOCALHOST]);
    check_stands_for::<(Option<String>, Place)>(
        &(Some(text), Place::Nowhere),
        &[&("a\0b", Place::Nowhere), &(Some("a\0b"), &Place::Nowhere)],
    );
    check_stands_for::<Option<Place>>(&Some(Place::Nowhere), &[&Place::Nowhere]);
    check_stands_for::<Reverse<String>>(&Reverse("a".into()), &[&Reverse("a")]);
    check_stands_for::<Option<Reverse<String>>>(&Some(Reverse("a".into())), &[&Reverse("a")]);
    check_stands_for::<Option<Vec<u8>>>(&Some(vec![1, 0]), &[&[1, 0], &vec![1_u8, 0], b"\x01\0"]);
    check_stands_for::<Option<[u8; 2]>>(&Some([1, 0]), &[&[1, 0]]);
    check_stands_for::<Option<(u8, String)>>(&Some((1, "a".into())), &[&(1, "a")]);
}

/// Floating-point numbers compare, hash and show themselves as the numbers that they are, whatever their sign of zero.
#[test]
fn floating_point_numbers_are_values() {
    let hash = |number: Total<f64>| BuildHasherDefault::<DefaultHasher>::default().hash_one(number);
    let (zero, minus) = (Total(0.0), Total::from(-0.0));
    assert_eq!(zero, minus);
    assert_eq!(hash(zero), hash(minus));
    assert_ne!(hash(zero), hash(Total(1.0)));
    assert_eq!(zero.partial_cmp(&Total(f64::NAN)), Some(Ordering::Less));
    assert_eq!(format!("{} {:?}", Total(0.5), Total(1.0)), "0.5 1.0");
}

/// Bytes that are no key are refused in words that say what was expected.
#[test]
fn refused_bytes_say_why() {
    let refused = [
        decode::<u64>(&[1]).map(drop),
        decode::<u8>(&[1, 2, 3]).map(drop),
        decode::<BTreeSet<u8>>(&encode::<Vec<u8>>(&[2, 1])).map(drop),
    ];
    let words = refused.map(|refused| refused.unwrap_err().to_string());
    assert_eq!(
        words,
        [
            "encoded key ends too early",
            "2 bytes are left over after the encoded key",
            "encoded key is not a valid set in order",
        ]
    );
}
