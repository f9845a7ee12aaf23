//! Rows that nobody can reach are let go of by the writes that follow, some together, and all at once by `reclaim`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

use std::sync::Arc;

use sapwood::{Database, Table};
use serde::{Deserialize, Serialize};

/// A row that can be counted.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Lease {
    #[key]
    id: u64,
    #[serde(skip)]
    #[expect(dead_code, reason = "it is there to be counted")]
    alive: Option<Arc<()>>,
}

/// So many may wait for each other.
const MOST_WAITING: usize = 16;

/// Proves that replaced rows never pile up while writes go on, that no row is let go of which a snapshot shows, and that `reclaim` leaves none behind.
#[test]
fn rows_that_nobody_reaches_do_not_pile_up() {
    let db = Database::builder().table::<Lease>().in_memory().unwrap();
    let counter = Arc::new(());
    let alive = || Arc::strong_count(&counter) - 1;
    let write = |id| {
        let alive = Some(Arc::clone(&counter));
        db.write(|tx| tx.put(Lease { id, alive }).map(drop))
            .unwrap();
    };
    for turn in 0..200 {
        write(7);
        assert!(
            alive() <= 1 + MOST_WAITING,
            "write {turn}: {} rows",
            alive()
        );
    }
    db.reclaim().unwrap();
    assert_eq!(alive(), 1);

    let held = db.snapshot();
    for _ in 0..200 {
        write(7);
    }
    db.reclaim().unwrap();
    assert_eq!(alive(), 2);
    assert!(held.get::<Lease>(7).is_some());
    drop(held);
    db.reclaim().unwrap();
    assert_eq!(alive(), 1);

    write(7);
    drop(db);
    assert_eq!(alive(), 0);
}
