//! Keys of the types of other crates: their bytes, their order, and that they come back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(any(
    feature = "uuid",
    feature = "ipnet",
    feature = "jiff",
    feature = "chrono"
))]

use std::fmt::Debug;

use sapwood::key::{Key, decode, encode};

/// Checks that values, given in ascending order, encode in ascending order, free of prefixes, and come back; and that no bytes of their
/// alphabet make the decoder panic.
#[track_caller]
fn check<K: Key + PartialEq + Debug>(ascending: &[K]) {
    for (place, a) in ascending.iter().enumerate() {
        let left = encode::<K>(a);
        assert_eq!(decode::<K>(&left).as_ref(), Ok(a));
        for len in 0..left.len() {
            assert!(
                decode::<K>(&left[..len]).is_err(),
                "{a:?} cut to {len} bytes"
            );
        }
        for b in &ascending[place + 1..] {
            let right = encode::<K>(b);
            assert!(left < right, "{a:?} before {b:?}");
            assert!(!right.starts_with(&left), "{a:?} begins {b:?}");
        }
    }
    for byte in [0, 0x33, 0x7F, 0xFF] {
        for len in 0..24 {
            if let Ok(key) = decode::<K>(&vec![byte; len]) {
                assert_eq!(encode::<K>(&key).as_slice(), vec![byte; len]);
            }
        }
    }
}

/// A `Uuid` is its sixteen bytes.
#[cfg(feature = "uuid")]
#[test]
fn uuids() {
    use uuid::Uuid;

    check(&[
        Uuid::nil(),
        Uuid::from_u128(1),
        Uuid::from_u128(1 << 64),
        Uuid::max(),
    ]);
    let id = Uuid::from_u128(0x3f2a_0000_0000_0000_0000_0000_0000_0001);
    assert_eq!(encode::<Uuid>(&id).as_slice(), id.as_bytes());
}

/// A network is its address and then its length, so that it comes before the networks inside it.
#[cfg(feature = "ipnet")]
#[test]
fn networks() {
    use ipnet::{IpNet, Ipv4Net, Ipv6Net};

    let parse = |text: &str| text.parse::<IpNet>().unwrap();
    check(&[
        parse("10.0.0.0/8"),
        parse("10.0.0.0/16"),
        parse("10.0.0.1/16"),
        parse("10.1.0.0/16"),
        parse("::/0"),
        parse("fd00::/8"),
    ]);
    let v4: Ipv4Net = "10.0.0.0/8".parse().unwrap();
    let v6: Ipv6Net = "fd00::/8".parse().unwrap();
    assert_eq!(encode::<Ipv4Net>(&v4).as_slice(), [10, 0, 0, 0, 8]);
    assert_eq!(
        encode::<IpNet>(&IpNet::from(v4)).as_slice(),
        [4, 10, 0, 0, 0, 8]
    );
    assert_eq!(encode::<Ipv6Net>(&v6).last(), Some(&8));
    assert!(decode::<Ipv4Net>(&[10, 0, 0, 0, 33]).is_err());
}

/// A timestamp of jiff is a whole second, rounded down, and nanoseconds.
#[cfg(feature = "jiff")]
#[test]
fn jiff_timestamps() {
    use jiff::Timestamp;

    let at = |second, nanosecond| Timestamp::new(second, nanosecond).unwrap();
    check(&[
        Timestamp::MIN,
        at(-2, 0),
        at(-1, -1),
        at(-1, 0),
        at(0, -1),
        at(0, 0),
        at(0, 1),
        at(1, 0),
        Timestamp::MAX,
    ]);
    assert_eq!(
        encode::<Timestamp>(&at(0, -1)).as_slice(),
        [
            0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3B, 0x9A, 0xC9, 0xFF
        ]
    );
}

/// A point in time of chrono is written as one of jiff.
#[cfg(feature = "chrono")]
#[test]
fn chrono_times() {
    use chrono::{DateTime, Utc};

    let at = |second, nanosecond| DateTime::from_timestamp(second, nanosecond).unwrap();
    check(&[
        DateTime::<Utc>::MIN_UTC,
        at(-2, 999_999_999),
        at(-1, 0),
        at(-1, 999_999_999),
        at(0, 0),
        at(0, 1),
        at(59, 1_500_000_000),
        at(60, 0),
        DateTime::<Utc>::MAX_UTC,
    ]);
    assert_eq!(
        encode::<DateTime<Utc>>(&at(-1, 999_999_999)).as_slice(),
        [
            0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3B, 0x9A, 0xC9, 0xFF
        ]
    );
}
