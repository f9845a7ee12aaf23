//! What must not cost more than it should, by counting allocations: what a scan takes for each row, and what a commit takes where many watch.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

use allocation_counter::{AllocationInfo, measure};
use sapwood::{Database, Error, Query, Snapshot, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Pod {
    #[key]
    id: u64,
    #[index]
    node: String,
}

fn pods(count: u64, node: impl Fn(u64) -> String) -> Database {
    let db = Database::builder().table::<Pod>().in_memory().unwrap();
    db.write(|tx| {
        (0..count).try_for_each(|id| {
            let node = node(id);
            tx.insert(Pod { id, node }).map(drop)
        })
    })
    .unwrap_or_else(|error: Error| panic!("{error}"));
    db
}

/// How often a whole scan allocates.
fn scan(snapshot: &Snapshot, query: &Query<Pod>, rows: u64) -> u64 {
    let mut seen = 0;
    let used = measure(|| {
        for pod in snapshot.list(query.clone()) {
            assert!(pod.id < rows);
            seen += 1;
        }
    });
    assert_eq!(seen, rows);
    used.count_total
}

/// A scan of a prefix of an index that rows share costs as much for a row as that of one value: nothing is allocated on the way, however many rows there are. In
/// statedb each row of the former allocated, and took some thirty times as long.
#[test]
fn a_prefix_scan_costs_a_row_what_an_exact_one_does() {
    let mut costs = Vec::new();
    for rows in [100, 10_000] {
        let one = pods(rows, |_| "node".to_owned()).snapshot();
        let many = pods(rows, |id| format!("node-{}", id % 97)).snapshot();
        costs.push([
            scan(&one, &Pod::BY_NODE.eq("node"), rows),
            scan(&many, &Pod::BY_NODE.starts_with("node"), rows),
            scan(&many, &Pod::BY_NODE.range("node"..), rows),
            scan(&many, &Pod::ALL, rows),
        ]);
    }
    assert_eq!(costs[0], costs[1], "a row more allocates");
    let [exact, others @ ..] = costs[0];
    assert!(others.iter().all(|&cost| cost <= exact + 1), "{costs:?}");
}

/// The allocations of one commit that writes a row nobody watches, in a database of a thousand.
fn commit(db: &Database, n: u64) -> AllocationInfo {
    measure(|| {
        db.write(|tx| tx.update::<Pod>(n, |pod| pod.node.replace_range(..1, "m")))
            .map(drop)
            .unwrap();
    })
}

/// A commit costs the same past any number of watches on other rows of its own indexes: with one, and with two hundred thousand. go-memdb compared whole trees past
/// 8,192 changed nodes, and woke all past a limit of watches.
#[test]
fn no_number_of_watches_makes_a_commit_slower() {
    let db = pods(1_000, |id| format!("n-{id:04}"));
    let snapshot = db.snapshot();
    let mut watches = Vec::new();
    let mut watch = |from: u64, to: u64| {
        for n in from..to {
            watches.push(snapshot.watch(match n % 4 {
                0 => Pod::BY_ID.eq(1_000_000 + n),
                1 => Pod::BY_NODE.eq(format!("x-{n}")),
                2 => Pod::BY_NODE.starts_with(format!("y-{n}").as_str()),
                _ => Pod::BY_ID.range(1_000_000 + n..=1_000_000 + n + 7),
            }));
        }
    };
    watch(0, 4);
    // The first commits make what later ones reuse.
    for n in 0..200 {
        commit(&db, n);
    }
    let few: Vec<_> = (200..300).map(|n| commit(&db, n).count_total).collect();
    watch(4, 200_000);
    let many: Vec<_> = (300..400).map(|n| commit(&db, n).count_total).collect();
    // One that now and then makes room is no more of one kind than of the other.
    let (few, many): (u64, u64) = (few.iter().sum(), many.iter().sum());
    assert!(many <= few + 100 / 10, "{few} and {many} allocations");
    assert!(!watches.iter().any(sapwood::watch::Watch::is_fired));
    assert_eq!(watches.len(), 200_000);
}
