//! Any bytes as a key: what decodes encodes to the same bytes again, and orders as its bytes do.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use sapwood::key::{Key, decode, encode};

fn there_and_back<K: Key + Ord>(bytes: &[u8], other: &[u8]) {
    let Ok(key) = decode::<K>(bytes) else { return };
    let again = encode::<K>(&key);
    assert_eq!(
        decode::<K>(&again).as_ref().map(|again| again == &key),
        Ok(true)
    );
    if let Ok(other) = decode::<K>(other) {
        let bytes = encode::<K>(&other);
        assert_eq!(
            key.cmp(&other),
            again.cmp(&bytes),
            "order of keys and of bytes"
        );
        assert!(
            key == other || !bytes.starts_with(&again),
            "one is a prefix of the other"
        );
    }
}

/// Both halves of the bytes, as keys of several types.
pub fn run(bytes: &[u8]) {
    let (one, two) = bytes.split_at(bytes.len() / 2);
    there_and_back::<u8>(one, two);
    there_and_back::<i64>(one, two);
    there_and_back::<bool>(one, two);
    there_and_back::<char>(one, two);
    there_and_back::<String>(one, two);
    there_and_back::<Vec<u8>>(one, two);
    there_and_back::<Vec<String>>(one, two);
    there_and_back::<Vec<Vec<u16>>>(one, two);
    there_and_back::<BTreeSet<u8>>(one, two);
    there_and_back::<Option<Option<u32>>>(one, two);
    there_and_back::<(String, Option<i16>, Vec<u8>)>(one, two);
    there_and_back::<Reverse<(String, u8)>>(one, two);
    there_and_back::<IpAddr>(one, two);
    there_and_back::<SystemTime>(one, two);
    there_and_back::<Duration>(one, two);
}
