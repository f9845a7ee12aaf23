//! Types of others in rows that change: each is read as it was written.

use std::net::IpAddr;
use std::time::Duration;

use sapwood::Table;
use serde::{Deserialize, Serialize};

use super::fixture::{File, rows};
use super::past::{self, Tree, Zone};

/// Addresses, times, arrays, tuples and types that hold themselves pass through a change of the struct around them; and the compound key is the one that it was.
#[test]
fn std_types() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "hosts", key(zone, address))]
    struct Host {
        address: IpAddr,
        zone: Zone,
        #[serde(default)]
        added: u8,
        timeout: Duration,
        digest: [u8; 4],
        pair: (i8, char),
        weight: f64,
        tree: Tree,
    }
    let file = File::golden();
    for _ in 0..2 {
        let db = file.open_with::<Host>();
        let expected = past::hosts().into_iter().map(|host| Host {
            address: host.address,
            zone: host.zone,
            added: 0,
            timeout: host.timeout,
            digest: host.digest,
            pair: host.pair,
            weight: host.weight.into(),
            tree: host.tree,
        });
        assert!(rows(&db, Host::ALL).into_iter().eq(expected));
    }
}

/// The types of crates with a key of their own, whose serde is written by hand and does not take every value.
#[cfg(all(
    feature = "uuid",
    feature = "chrono",
    feature = "jiff",
    feature = "ipnet"
))]
#[test]
fn crate_types() {
    mod before {
        use super::{Deserialize, Serialize, Table};

        #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[table(name = "events", key(id, stamp))]
        pub(super) struct Event {
            pub(super) id: uuid::Uuid,
            pub(super) at: (chrono::DateTime<chrono::Utc>, u8),
            pub(super) stamp: jiff::Timestamp,
            pub(super) nets: Vec<ipnet::IpNet>,
            pub(super) wall: std::time::SystemTime,
            pub(super) count: std::num::NonZeroU32,
            pub(super) last: u8,
        }
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "events", key(id, stamp))]
    struct Event {
        last: u8,
        count: std::num::NonZeroU64,
        wall: std::time::SystemTime,
        nets: Vec<ipnet::IpNet>,
        stamp: jiff::Timestamp,
        at: (chrono::DateTime<chrono::Utc>, u8),
        id: uuid::Uuid,
    }
    let event = before::Event {
        id: uuid::Uuid::from_u128(7 << 100),
        at: ("2026-11-21T10:11:12.5Z".parse().unwrap(), 7),
        stamp: "2026-11-21T10:11:12Z".parse().unwrap(),
        nets: vec![
            "10.1.0.0/16".parse().unwrap(),
            "2001:db8::/32".parse().unwrap(),
        ],
        wall: std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(77),
        count: 5.try_into().unwrap(),
        last: 9,
    };
    let file = File::empty();
    let db = file.open_with::<before::Event>();
    db.write(|tx| tx.insert(event.clone())).unwrap();
    db.close().unwrap();
    for _ in 0..2 {
        let db = file.open_with::<Event>();
        let expected = Event {
            last: event.last,
            count: event.count.into(),
            wall: event.wall,
            nets: event.nets.clone(),
            stamp: event.stamp,
            at: event.at,
            id: event.id,
        };
        assert_eq!(rows(&db, Event::ALL), [expected]);
    }
}

/// A struct that takes its fields by place only, within a row that changes.
#[test]
fn structs_without_names() {
    #[derive(Clone, Debug, PartialEq, Serialize)]
    struct Point {
        x: u8,
        y: u8,
    }
    impl<'de> Deserialize<'de> for Point {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct ByPlace;
            impl<'de> serde::de::Visitor<'de> for ByPlace {
                type Value = Point;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a point")
                }
                fn visit_seq<A: serde::de::SeqAccess<'de>>(
                    self,
                    mut seq: A,
                ) -> Result<Point, A::Error> {
                    let missing = || serde::de::Error::custom("too short");
                    Ok(Point {
                        x: seq.next_element()?.ok_or_else(missing)?,
                        y: seq.next_element()?.ok_or_else(missing)?,
                    })
                }
            }
            from.deserialize_struct("Point", &["x", "y"], ByPlace)
        }
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "points")]
    struct Before {
        #[key]
        id: u8,
        point: Point,
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "points")]
    struct After {
        point: Point,
        #[key]
        id: u8,
    }
    let point = Point { x: 1, y: 2 };
    let file = File::empty();
    let db = file.open_with::<Before>();
    db.write(|tx| {
        tx.insert(Before {
            id: 7,
            point: point.clone(),
        })
    })
    .unwrap();
    db.close().unwrap();
    let db = file.open_with::<After>();
    assert_eq!(rows(&db, After::ALL), [After { point, id: 7 }]);
}
