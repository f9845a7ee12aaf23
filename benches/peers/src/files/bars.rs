//! What the page file must show.

use crate::bars::{Asked, Bar};

pub(super) const BARS: [Asked; 23] = [
    (ONE, "syncs, median", Bar::AtMost(1.0, "syncs")),
    (ONE, "written", Bar::AtMost(20.0, "KiB")),
    (ONE, COMMIT, Bar::Times("redb", 1.0)),
    (ONE, COMMIT, Bar::Times("lmdb", 1.0)),
    (ONE, COMMIT, Bar::Times("jammdb", 1.0)),
    (ONE, COMMIT, Bar::Times("bbolt", 1.0)),
    (HUNDRED, "syncs, median", Bar::AtMost(1.0, "syncs")),
    (HUNDRED, COMMIT, Bar::Times("redb", 4.0)),
    (HUNDRED, COMMIT, Bar::Times("lmdb", 4.0)),
    (HUNDRED, COMMIT, Bar::Times("jammdb", 4.0)),
    (HUNDRED, COMMIT, Bar::Times("bbolt", 4.0)),
    (CHURNED, COMMIT, Bar::Times("redb", 4.0)),
    (CHURNED, COMMIT, Bar::Times("lmdb", 4.0)),
    (CHURNED, COMMIT, Bar::Times("jammdb", 4.0)),
    (CHURNED, COMMIT, Bar::Times("bbolt", 4.0)),
    ("random reads, first pass", "each", Bar::Times("lmdb", 1.0)),
    ("random reads, second pass", "each", Bar::Times("lmdb", 1.0)),
    ("random reads, 2 threads", "each", Bar::Times("lmdb", 1.0)),
    ("bulk load, random order", "time", Bar::Times("lmdb", 1.0)),
    ("removal of half", "time", Bar::Times("lmdb", 1.0)),
    ("size", "after churn", Bar::TimesOwn("live data", 2.0)),
    ("open", "after a kill", Bar::AtMost(20.0, "ms")),
    ("open", "first commit after it", Bar::AtMost(20.0, "ms")),
];

const ONE: &str = "one row";
const HUNDRED: &str = "100 rows";
const CHURNED: &str = "100 rows, after churn";
const COMMIT: &str = "durable commit";
