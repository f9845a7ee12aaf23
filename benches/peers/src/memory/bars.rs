//! What the database must show in memory.

use crate::bars::{Asked, Bar};

pub(super) const BARS: [Asked; 19] = [
    ("point read", "read", Bar::Times("go-memdb", 8.0)),
    ("point read", "read", Bar::Times("statedb", 4.0)),
    ("point read", "read", Bar::Times("imbl", 3.5)),
    ("bulk insert", "a row", Bar::Times("go-memdb", 8.0)),
    ("bulk insert", "a row", Bar::Times("statedb", 3.0)),
    (UPDATE, "update", Bar::Times("go-memdb", 15.0)),
    (UPDATE, "update", Bar::Times("statedb", 10.0)),
    ("list by node", "list", Bar::Times("go-memdb", 10.0)),
    ("list by node", "list", Bar::Times("statedb", 10.0)),
    ("full scan", "a row", Bar::Times("go-memdb", 6.0)),
    ("full scan", "a row", Bar::Times("statedb", 6.0)),
    ("full scan", "a row", Bar::Times("BTreeMap", 2.0)),
    ("memory a row", BARE, Bar::Times("go-memdb", 6.0)),
    ("memory a row", BARE, Bar::Times("statedb", 4.0)),
    (WAKE, "on one thread", Bar::Times("go-memdb", 10.0)),
    (WAKE, "on one thread", Bar::Times("statedb", 10.0)),
    (SET, "update and wake", Bar::Times("go-memdb", 20.0)),
    (COUNT, "count", Bar::AtMost(1000.0, "ns")),
    (
        super::GROWN.0,
        super::GROWN.2,
        Bar::TimesOwn(super::GROWN.1, 2.0),
    ),
];

const UPDATE: &str = "update, an indexed field";
const BARE: &str = "3 indexes, without the row itself";
const WAKE: &str = "watch a row, update it, wake";
const SET: &str = "10,000 watches in one set, one fires";
const COUNT: &str = "count of a tenth of all rows";
