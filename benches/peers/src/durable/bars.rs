//! What the database must show in a file.

use super::floor::FLOOR;
use super::reopen::{REOPEN, WITH_MEMDB};
use crate::bars::{Asked, Bar};

pub(super) const BARS: [Asked; 13] = [
    (ONE, "median", Bar::Within(FLOOR, 1.15)),
    (ONE, "median", Bar::Times("redb", 1.0)),
    (ONE, "median", Bar::Times("lmdb", 1.0)),
    (ONE, "median", Bar::Times("bbolt", 1.0)),
    (ONE, "median", Bar::Within("fjall", 1.05)),
    (ONE, "written at once", Bar::AtMost(8.0, "KiB")),
    (ONE, "syncs at once", Bar::AtMost(1.0, "syncs")),
    (EIGHT, RATE, Bar::More("redb", 4.0)),
    (EIGHT, RATE, Bar::More("lmdb", 4.0)),
    (EIGHT, RATE, Bar::More("bbolt", 4.0)),
    (EIGHT, RATE, Bar::More("fjall", 2.0)),
    (REOPEN, "rows a second", Bar::AtLeast(1e6, "1/s")),
    (REOPEN, "rows a second", Bar::More(WITH_MEMDB, 1.0)),
];

const ONE: &str = "commit of 1 row, 1 thread";
const EIGHT: &str = "commit of 1 row, 8 threads";
const RATE: &str = "commits a second";
