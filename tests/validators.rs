//! What a program demands of its rows holds whoever writes them: a commit that breaks it is refused as a whole.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sapwood::{Builder, Change, Database, Error, Revision, Table, WriteTxn};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    name: String,
    #[index]
    node: Option<String>,
    cpus: u32,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "nodes")]
struct Node {
    #[key]
    name: String,
    cpus: u32,
}

fn pod(name: &str, node: Option<&str>, cpus: u32) -> Pod {
    Pod {
        name: name.into(),
        node: node.map(str::to_owned),
        cpus,
    }
}

fn node(name: &str, cpus: u32) -> Node {
    Node {
        name: name.into(),
        cpus,
    }
}

/// The pods of a node fit on it, which must be there; a pod cannot leave a node but by going.
fn builder() -> Builder {
    Database::builder()
        .table::<Node>()
        .validate(|change: &Change<Pod>, tx: &WriteTxn| {
            let Some(name) = change.after().and_then(|pod| pod.node.as_deref()) else {
                return Ok(());
            };
            let Some(node) = tx.get::<Node>(name) else {
                return Err(format!("there is no node {name}"));
            };
            let used: u32 = tx.list(Pod::BY_NODE.eq(name)).map(|pod| pod.cpus).sum();
            if used > node.cpus {
                return Err(format!("{used} cpus of {} on {name}", node.cpus));
            }
            Ok(())
        })
        .validate(|change: &Change<Pod>, _| match change {
            Change::Updated { old, new } if old.node.is_some() && new.node != old.node => {
                Err("a pod stays where it is")
            }
            _ => Ok(()),
        })
        .validate(|change: &Change<Node>, tx| match change {
            Change::Removed(node) if tx.contains(Pod::BY_NODE.eq(&node.name[..])) => {
                Err("it has pods")
            }
            _ => Ok(()),
        })
}

fn open() -> Database {
    let db = builder().in_memory().unwrap();
    db.write(|tx| {
        tx.insert(pod("a", Some("n1"), 2))?;
        tx.insert(node("n1", 4))
    })
    .unwrap();
    db
}

/// The whole commit is refused, with the table, the row and the reason; nobody sees any of it, and the next commit finds a free seat.
#[track_caller]
fn refuses(
    db: &Database,
    expected: (&str, &str, &str),
    change: impl Fn(&mut WriteTxn) -> Result<(), Error>,
) {
    let (revision, watch) = (db.revision(), db.snapshot().watch(Pod::ALL));
    let mut tx = db.begin_write().unwrap();
    change(&mut tx).unwrap();
    let staged = tx.stage().map(drop);
    for result in [db.write(&change), staged] {
        match result {
            Err(Error::Invalid { table, key, reason }) => {
                assert_eq!((table, &key[..], &reason[..]), expected);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(db.revision(), revision);
    assert!(!watch.is_fired());
}

/// A refusal of any validator, of any table, refuses the commit.
#[test]
fn a_refusal_aborts_the_whole_commit() {
    let db = open();
    refuses(&db, ("pods", "\"b\"", "there is no node n2"), |tx| {
        tx.insert(node("n3", 1))?;
        tx.insert(pod("b", Some("n2"), 1)).map(drop)
    });
    refuses(&db, ("pods", "\"b\"", "5 cpus of 4 on n1"), |tx| {
        tx.insert(pod("b", Some("n1"), 3)).map(drop)
    });
    refuses(&db, ("pods", "\"a\"", "a pod stays where it is"), |tx| {
        tx.update::<Pod>("a", |pod| pod.node = None).map(drop)
    });
    refuses(&db, ("nodes", "\"n1\"", "it has pods"), |tx| {
        tx.remove::<Node>("n1").map(drop)
    });
    assert_eq!(db.snapshot().count(Node::ALL), 1);
}

/// What counts is what the transaction leaves, against what was committed: the order within it does not matter, nor what it undoes again.
#[test]
fn only_the_end_of_a_transaction_is_judged() {
    let db = open();
    db.write(|tx| {
        tx.remove::<Node>("n1")?;
        let here = tx.savepoint();
        tx.insert(pod("huge", Some("n9"), 99))?;
        tx.rollback_to(&here)?;
        tx.insert(pod("bad", Some("n9"), 99))?;
        tx.remove::<Pod>("bad")?;
        // Off its node, and there again.
        tx.update::<Pod>("a", |pod| pod.node = None)?;
        tx.update::<Pod>("a", |pod| pod.node = Some("n1".into()))?;
        tx.insert(node("n1", 2)).map(drop)
    })
    .unwrap();
    db.write(|tx| {
        tx.remove::<Node>("n1")?;
        tx.remove::<Pod>("a")
    })
    .unwrap();
    assert_eq!(db.revision(), Revision::new(3));
}

/// Each changed row is told once to each rule, in the order of the keys; rules of a table that is not written are not asked, nor is any for a transaction that is given up.
#[test]
fn rules_see_exactly_the_changed_rows_of_their_table() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::new(AtomicUsize::new(0));
    let (tell, ask) = (Arc::clone(&told), Arc::clone(&asked));
    let db = Database::builder()
        .validate(move |change: &Change<Pod>, _| {
            let sides = [change.before(), change.after()];
            tell.lock()
                .unwrap()
                .push(sides.map(|row| row.map(|pod| (pod.name.clone(), pod.cpus))));
            Ok::<_, String>(())
        })
        .validate(move |_: &Change<Node>, _| {
            ask.fetch_add(1, Ordering::Relaxed);
            Ok::<_, String>(())
        })
        .in_memory()
        .unwrap();
    db.write(|tx| {
        tx.insert(pod("b", None, 1))?;
        tx.insert(pod("a", None, 1))
    })
    .unwrap();
    told.lock().unwrap().clear();
    drop(db.write(|tx| {
        tx.remove::<Pod>("a")?;
        Err::<(), _>(Error::Closed)
    }));
    db.write(|tx| {
        tx.insert(pod("c", None, 1))?;
        tx.remove::<Pod>("b")?;
        tx.put(pod("a", None, 7))
    })
    .unwrap();
    let row = |name: &str, cpus| Some((name.to_owned(), cpus));
    assert_eq!(
        *told.lock().unwrap(),
        [
            [row("a", 1), row("a", 7)],
            [row("b", 1), None],
            [None, row("c", 1)]
        ]
    );
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

/// A panic in a rule rolls back and goes on to the caller; the seat is free.
#[test]
fn a_panic_in_a_rule_rolls_back() {
    let db = Database::builder()
        .validate(|change: &Change<Node>, _| {
            if change.after().is_some_and(|node| node.cpus == 13) {
                // Without the words of the panic hook.
                resume_unwind(Box::new("on purpose"));
            }
            Ok::<_, String>(())
        })
        .in_memory()
        .unwrap();
    for staged in [false, true] {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut tx = db.begin_write()?;
            tx.insert(node("n1", 13))?;
            if staged {
                tx.stage().map(drop)
            } else {
                tx.commit().map(drop)
            }
        }));
        assert!(panicked.is_err_and(|panic| panic.is::<&str>()));
        assert_eq!(db.revision(), Revision::ZERO);
        assert!(db.try_begin_write().unwrap().is_some());
    }
    db.write(|tx| tx.insert(node("n1", 12))).unwrap();
}

/// A rule that would begin a transaction of its own is told that it is inside of one.
#[test]
fn a_rule_cannot_write() {
    let cell = Arc::new(Mutex::new(None::<Database>));
    let inner = Arc::clone(&cell);
    let db = Database::builder()
        .validate(move |_: &Change<Node>, _| {
            let db = inner.lock().unwrap().clone().unwrap();
            db.write(|tx| tx.insert(node("other", 1))).map(drop)
        })
        .in_memory()
        .unwrap();
    *cell.lock().unwrap() = Some(db.clone());
    let refused = db.write(|tx| tx.insert(node("n1", 1))).unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid { reason, .. } if *reason == Error::NestedWrite.to_string()),
        "{refused}"
    );
    *cell.lock().unwrap() = None;
}

/// What another node decided is written as it decided; a fork has the rules of its database.
#[test]
fn rules_are_for_those_who_decide() {
    let (db, lax) = (
        open(),
        Database::builder()
            .table::<Pod>()
            .table::<Node>()
            .in_memory()
            .unwrap(),
    );
    let mut tx = lax.begin_write().unwrap();
    tx.insert(pod("lost", Some("nowhere"), 1)).unwrap();
    let changes = tx.stage().unwrap().changes().unwrap().clone();
    let fork = db.snapshot().fork();
    refuses(&fork, ("pods", "\"x\"", "there is no node n7"), |tx| {
        tx.insert(pod("x", Some("n7"), 1)).map(drop)
    });
    db.apply(&changes, Revision::new(2)).unwrap();
    assert!(db.snapshot().get::<Pod>("lost").is_some());
}
