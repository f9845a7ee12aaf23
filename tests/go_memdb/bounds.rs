//! Lower bounds, upper bounds, and both: what `LowerBound` and `ReverseLowerBound` began, with an end, on every index, both ways.

use std::ops::Bound;

use sapwood::{Query, Snapshot, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{Main, filled, ids, row};

fn snapshot() -> Snapshot {
    filled([
        row("00001", "a", &[]),
        row("00005", "b", &[]),
        row("00010", "b", &[]),
        row("00100", "c", &[]),
    ])
    .snapshot()
}

/// From a bound that is below all rows: all; at a row: from it on; between two: from the next; above all: none.
#[test]
fn lower_bound() {
    let snapshot = snapshot();
    let from = |bound: &str| ids(snapshot.list(Main::BY_ID.range(bound..)));
    assert_eq!(from("0"), ["00001", "00005", "00010", "00100"]);
    assert_eq!(from("00005"), ["00005", "00010", "00100"]);
    assert_eq!(from("00006"), ["00010", "00100"]);
    assert_eq!(from("99999"), [""; 0]);
}

/// Backwards from a bound that is above all rows: all; at a row: from it on; between two: from the one before; below all: none.
#[test]
fn reverse_lower_bound() {
    let snapshot = snapshot();
    let down_from = |bound: &str| ids(snapshot.list(Main::BY_ID.range(..=bound)).rev());
    assert_eq!(down_from("99999"), ["00100", "00010", "00005", "00001"]);
    assert_eq!(down_from("00010"), ["00010", "00005", "00001"]);
    assert_eq!(down_from("00009"), ["00005", "00001"]);
    assert_eq!(down_from("0"), [""; 0]);
}

/// A bound on an index that rows share takes in, or leaves out, all rows with the value, backwards too. There, the reverse bound left out the
/// rows that were at it.
#[test]
fn bounds_on_a_shared_index_are_on_the_value() {
    let snapshot = snapshot();
    let list = |query: Query<Main>| ids(snapshot.list(query));
    let reverse = |query: Query<Main>| ids(snapshot.list(query).rev());
    assert_eq!(list(Main::BY_FOO.range("b"..)), ["00005", "00010", "00100"]);
    assert_eq!(
        reverse(Main::BY_FOO.range(..="b")),
        ["00010", "00005", "00001"]
    );
    assert_eq!(reverse(Main::BY_FOO.range(.."b")), ["00001"]);
    let above = (Bound::Excluded("b"), Bound::Unbounded);
    assert_eq!(list(Main::BY_FOO.range(above)), ["00100"]);
}

/// A range has two ends, of which each is in it or not; the wrong way round it is empty.
#[test]
fn a_range_has_two_ends() {
    let snapshot = snapshot();
    let list = |query: Query<Main>| ids(snapshot.list(query));
    assert_eq!(list(Main::BY_ID.range("00002".."00010")), ["00005"]);
    assert_eq!(
        list(Main::BY_ID.range("00002"..="00010")),
        ["00005", "00010"]
    );
    let wrong = Main::BY_ID.range("00010".."00002");
    assert_eq!(list(wrong), [""; 0]);
}

/// Bounds can be of the first columns of an index alone, and count for all rows that share them.
#[test]
fn bounds_are_of_first_columns_too() {
    #[derive(Table, Serialize, Deserialize)]
    #[table(key(zone, number))]
    struct Rack {
        zone: u8,
        number: i32,
    }

    let db = sapwood::Database::builder()
        .table::<Rack>()
        .in_memory()
        .unwrap();
    db.write(|tx| {
        for zone in 1..=3 {
            for number in [-5, 0, 5] {
                tx.insert(Rack { zone, number })?;
            }
        }
        Ok::<_, sapwood::Error>(())
    })
    .unwrap();
    let snapshot = db.snapshot();
    let list = |query: Query<Rack>| -> Vec<(u8, i32)> {
        let rows = snapshot.list(query);
        rows.map(|row| (row.zone, row.number)).collect()
    };
    let by = Rack::BY_ZONE_NUMBER;
    assert_eq!(list(by.range(3..)), [(3, -5), (3, 0), (3, 5)]);
    assert_eq!(list(by.range(..=1)), [(1, -5), (1, 0), (1, 5)]);
    assert_eq!(list(by.range((2, -1)..=(2, 5))), [(2, 0), (2, 5)]);
}
