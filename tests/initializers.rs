//! A table is ready when all sources that it waits for have said so, in every snapshot as of its commit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::thread;

use proptest::prelude::*;
use sapwood::pagefile::PageFile;
use sapwood::{Database, Error, Initializer, Snapshot, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    name: String,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pod")]
struct Other {
    #[key]
    name: String,
}

fn pod(name: &str) -> Pod {
    Pod { name: name.into() }
}

fn database() -> Database {
    let builder = Database::builder().table::<Pod>().table::<Other>();
    builder.in_memory().unwrap()
}

fn add(db: &Database, source: &str) -> Initializer<Pod> {
    db.write(|tx| tx.add_initializer::<Pod>(source)).unwrap()
}

fn done(db: &Database, source: &Initializer<Pod>) -> bool {
    db.write(|tx| tx.initialized(source)).unwrap()
}

/// A table without sources is ready; one with some is when the last of them is done, and its neighbours never cared, not even one whose name begins alike.
#[test]
fn a_table_is_ready_when_its_last_source_is_done() {
    let db = database();
    assert!(db.snapshot().is_ready::<Pod>());
    assert_eq!(db.wait_ready::<Pod>().unwrap().revision(), db.revision());
    let (second, first) = (add(&db, "second"), add(&db, "first"));
    assert_eq!((first.source(), second.source()), ("first", "second"));
    assert_eq!(db.snapshot().pending::<Pod>(), ["first", "second"]);
    assert!(!db.snapshot().is_ready::<Pod>());
    assert!(db.snapshot().is_ready::<Other>());
    assert!(db.snapshot().pending::<Other>().is_empty());

    assert!(done(&db, &second));
    assert_eq!(db.snapshot().pending::<Pod>(), ["first"]);
    assert!(!db.snapshot().is_ready::<Pod>());
    // Rows make no table ready, nor not ready.
    db.write(|tx| tx.insert(pod("a"))).unwrap();
    assert!(!db.snapshot().is_ready::<Pod>());
    assert!(done(&db, &first));
    db.write(|tx| tx.insert(pod("b"))).unwrap();
    assert!(db.snapshot().is_ready::<Pod>());
    assert!(db.snapshot().pending::<Pod>().is_empty());
}

/// A snapshot goes on showing what it showed, while new ones see each commit; and ready can become not ready, and ready again.
#[test]
fn old_snapshots_keep_what_they_showed() {
    let db = database();
    let mut snapshots = vec![(db.snapshot(), true)];
    for round in 0..3 {
        let source = add(&db, &format!("source {round}"));
        snapshots.push((db.snapshot(), false));
        done(&db, &source);
        snapshots.push((db.snapshot(), true));
    }
    for (snapshot, ready) in snapshots {
        assert_eq!(snapshot.is_ready::<Pod>(), ready);
        assert_eq!(snapshot.pending::<Pod>().is_empty(), ready);
    }
}

/// A transaction sees its own, and others only when it commits; one that ends otherwise, and what a savepoint undoes, never was.
#[test]
fn only_commits_count() {
    let db = database();
    let mut tx = db.begin_write().unwrap();
    let aborted = tx.add_initializer::<Pod>("feed").unwrap();
    assert!(!tx.is_ready::<Pod>() && db.snapshot().is_ready::<Pod>());
    drop(tx);
    assert!(db.snapshot().is_ready::<Pod>());

    // The name is free again, and the token of the registration that never was says nothing of this one.
    let feed = add(&db, "feed");
    assert!(!done(&db, &aborted));
    assert!(!db.snapshot().is_ready::<Pod>());

    let mut tx = db.begin_write().unwrap();
    assert!(tx.initialized(&feed).unwrap());
    assert!(tx.is_ready::<Pod>() && !db.snapshot().is_ready::<Pod>());
    drop(tx);
    assert!(!db.snapshot().is_ready::<Pod>());

    let mut tx = db.begin_write().unwrap();
    let here = tx.savepoint();
    assert!(tx.initialized(&feed).unwrap());
    tx.add_initializer::<Pod>("another").unwrap();
    assert_eq!(tx.pending::<Pod>(), ["another"]);
    tx.rollback_to(&here).unwrap();
    assert_eq!(tx.pending::<Pod>(), ["feed"]);
    tx.insert(pod("a")).unwrap();
    tx.initialized(&feed).unwrap();
    tx.commit().unwrap();
    let snapshot = db.snapshot();
    assert!(snapshot.is_ready::<Pod>() && snapshot.get::<Pod>("a").is_some());
}

/// To be done twice is to be done once, without a commit; nor does an old token end the wait for a new source of the same name.
#[test]
fn a_token_counts_once() {
    let db = database();
    let feed = add(&db, "feed");
    assert!(done(&db, &feed.clone()));
    let revision = db.revision();
    assert!(!done(&db, &feed));
    assert_eq!(db.revision(), revision);
    let again = add(&db, "feed");
    assert!(!done(&db, &feed));
    assert!(!db.snapshot().is_ready::<Pod>());
    assert!(done(&db, &again));
    assert!(db.snapshot().is_ready::<Pod>());
}

/// A name that is pending is refused, by a typed error that leaves the transaction usable; in another table it is another one.
#[test]
fn names_are_unique_in_their_table() {
    let db = database();
    add(&db, "feed");
    let mut tx = db.begin_write().unwrap();
    let refused = tx.add_initializer::<Pod>("feed").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "table `pods` waits for the initializer `feed` already; give this one another name"
    );
    assert!(matches!(
        refused,
        Error::InitializerPending { table: "pods", name } if name == "feed"
    ));
    tx.add_initializer::<Other>("feed").unwrap();
    tx.commit().unwrap();
    assert_eq!(db.snapshot().pending::<Pod>(), ["feed"]);
    assert_eq!(db.snapshot().pending::<Other>(), ["feed"]);
}

/// The watch fires with the commit that changes what a table waits for, on an old snapshot at once, and for no row and no other table.
#[test]
fn the_watch_tells() {
    let db = database();
    let feed = add(&db, "feed");
    let waiting = db.snapshot();
    let watch = waiting.watch_ready::<Pod>();
    db.write(|tx| {
        tx.insert(pod("a"))?;
        tx.insert(Other { name: "a".into() })?;
        tx.add_initializer::<Other>("feed")
    })
    .unwrap();
    assert!(!watch.is_fired());
    let mut tx = db.begin_write().unwrap();
    tx.initialized(&feed).unwrap();
    drop(tx);
    assert!(!watch.is_fired(), "it was not committed");
    done(&db, &feed);
    assert!(watch.is_fired());
    assert!(!waiting.is_ready::<Pod>() && waiting.watch_ready::<Pod>().is_fired());
    let ready = db.snapshot().watch_ready::<Pod>();
    assert!(!ready.is_fired());
    add(&db, "another");
    assert!(ready.is_fired());
}

/// Who waits for a table sleeps through steps on the way, and wakes with a snapshot that shows it ready, with what came in the same commit; or
/// when the database is closed.
#[test]
fn waiters_wake_with_the_last_source_or_the_end() {
    let db = database();
    let (first, last) = (add(&db, "first"), add(&db, "last"));
    let wait = || {
        let db = db.clone();
        thread::spawn(move || db.wait_ready::<Pod>())
    };
    let waiter = wait();
    done(&db, &first);
    db.write(|tx| {
        tx.initialized(&last)?;
        tx.insert(pod("a"))
    })
    .unwrap();
    let snapshot = waiter.join().unwrap().unwrap();
    assert!(snapshot.is_ready::<Pod>() && snapshot.get::<Pod>("a").is_some());

    add(&db, "never");
    let waiter = wait();
    db.close().unwrap();
    assert!(matches!(waiter.join().unwrap(), Err(Error::Closed)));
}

/// A fork begins with what its snapshot waits for, and goes its own way; a token works in both.
#[test]
fn a_fork_inherits_what_is_pending() {
    let db = database();
    let feed = add(&db, "feed");
    let fork = db.snapshot().fork();
    assert_eq!(fork.snapshot().pending::<Pod>(), ["feed"]);
    assert!(done(&fork, &feed));
    assert!(fork.snapshot().is_ready::<Pod>() && !db.snapshot().is_ready::<Pod>());
    assert!(done(&db, &feed));
}

/// In a database of other tables, writing is refused by a typed error, and reading panics like every read.
#[test]
fn an_unknown_table_is_refused() {
    let db = Database::builder().table::<Pod>().in_memory().unwrap();
    let added = db.write(|tx| tx.add_initializer::<Other>("feed"));
    assert!(matches!(added, Err(Error::UnknownTable { table: "pod" })));
    assert!(matches!(
        db.wait_ready::<Other>(),
        Err(Error::UnknownTable { .. })
    ));
    let read = thread::spawn(move || db.snapshot().is_ready::<Other>()).join();
    assert!(read.is_err());
}

/// The file never hears of sources: their commits are counted in it, so that revisions do not go backwards, and nothing else is there afterwards.
#[test]
fn the_file_knows_no_sources() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sap");
    let open = || Database::builder().table::<Pod>().open(&path);
    let db = open().unwrap();
    db.write(|tx| tx.insert(pod("a"))).unwrap();
    add(&db, "feed");
    let revision = db.revision();
    assert_eq!(revision.get(), 2);
    assert!(!format!("{db:?}").contains("initializers"));
    assert_eq!(db.counters().tables.len(), 1);
    assert_eq!(db.stats().tables.len(), 1);
    db.close().unwrap();

    let db = open().unwrap();
    assert_eq!(db.revision(), revision);
    assert!(db.snapshot().is_ready::<Pod>());
    assert_eq!(db.snapshot().count(Pod::ALL), 1);
    let next = db.write(|tx| tx.insert(pod("b"))).unwrap();
    assert!(next.modified() > revision);
    db.close().unwrap();
    let file = PageFile::open(&path).unwrap();
    // What it says of itself, the definitions, and the rows of one table.
    assert_eq!(file.begin_read().bucket_count(), 3);
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8),
    Done(usize),
    Mark,
    Back,
    End { commit: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..5u8).prop_map(Step::Add),
        4 => any::<usize>().prop_map(Step::Done),
        1 => Just(Step::Mark),
        1 => Just(Step::Back),
        3 => any::<bool>().prop_map(|commit| Step::End { commit }),
    ]
}

fn names(pending: &BTreeMap<String, usize>) -> Vec<String> {
    pending.keys().cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is added, done, committed, aborted and undone: transactions and snapshots show what a map of names to tokens shows.
    #[test]
    fn sources_behave_as_their_model(steps in prop::collection::vec(step(), 1..80)) {
        let db = database();
        let mut tokens: Vec<Initializer<Pod>> = Vec::new();
        let mut published = BTreeMap::new();
        let mut kept: Vec<(Snapshot, Vec<String>)> = Vec::new();
        let mut tx = db.begin_write().unwrap();
        let (mut draft, mut mark) = (published.clone(), None);
        for step in steps {
            match step {
                Step::Add(number) => {
                    let name = format!("source {number}");
                    let added = tx.add_initializer::<Pod>(&*name);
                    prop_assert_eq!(added.is_err(), draft.contains_key(&name));
                    if let Ok(token) = added {
                        draft.insert(name, tokens.len());
                        tokens.push(token);
                    }
                }
                Step::Done(place) if !tokens.is_empty() => {
                    let place = place % tokens.len();
                    let name = tokens[place].source();
                    let expected = draft.get(name) == Some(&place);
                    prop_assert_eq!(tx.initialized(&tokens[place]).unwrap(), expected);
                    if expected {
                        draft.remove(name);
                    }
                }
                Step::Done(_) => {}
                Step::Mark => mark = Some((tx.savepoint(), draft.clone())),
                Step::Back => if let Some((savepoint, then)) = &mark {
                    tx.rollback_to(savepoint).unwrap();
                    draft.clone_from(then);
                },
                Step::End { commit } => {
                    if commit {
                        tx.commit().unwrap();
                        published = draft;
                    } else {
                        drop(tx);
                    }
                    draft = published.clone();
                    mark = None;
                    tx = db.begin_write().unwrap();
                    kept.push((db.snapshot(), names(&published)));
                }
            }
            prop_assert_eq!(tx.pending::<Pod>(), names(&draft));
            prop_assert_eq!(tx.is_ready::<Pod>(), draft.is_empty());
            prop_assert_eq!(db.snapshot().pending::<Pod>(), names(&published));
        }
        for (snapshot, pending) in kept {
            prop_assert_eq!(snapshot.is_ready::<Pod>(), pending.is_empty());
            prop_assert_eq!(snapshot.pending::<Pod>(), pending);
        }
    }
}
