//! Events: created, updated with the object before, deleted; whom they reach; and the hand-over from reading to being told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sapwood::watch::WatchSet;
use sapwood::{Batch, Change, Database, Error, Revision};

use super::tables::{Node, Service, State, Task, custom, node, open, populate, service, task};

fn told(step: Option<Batch<Task>>) -> Vec<String> {
    let told = |change: &Change<Task>| match change {
        Change::Inserted(new) => format!("create {}", new.id),
        Change::Updated { old, new } => {
            format!("update {} {:?}>{:?}", new.id, old.observed, new.observed)
        }
        Change::Removed(old) => format!("delete {}", old.id),
    };
    step.iter().flatten().map(told).collect()
}

fn observe(db: &Database, id: &str, state: State) {
    db.write(|tx| tx.update::<Task>(id, |task| task.observed = state))
        .unwrap();
}

/// A change is of its table's type and says what it was: created, updated, deleted; an update has the object before, on every path, where theirs has it on one.
#[test]
fn changes_have_the_object_before() {
    let db = open();
    populate(&db);
    let mut follower = db.follow(Task::ALL).unwrap();
    assert_eq!(follower.next().unwrap().len(), 4);
    observe(&db, "t1", State::Running);
    db.write(|tx| {
        tx.insert(task("t5", "id1", 5, None))?;
        tx.remove::<Task>("t2")
    })
    .unwrap();
    assert_eq!(
        told(follower.next()),
        ["update t1 New>Running", "delete t2", "create t5"]
    );
}

/// A follower of a selector is told how often something comes into it, changes in it or leaves it: by id, beginning of an id, name, node, service, slot, state and custom index.
#[test]
fn followers_of_selectors() {
    let db = open();
    populate(&db);
    let selectors = [
        (Task::BY_ID.eq("t1"), 2),
        (Task::BY_ID.starts_with("t"), 3),
        (Task::BY_NAME.starts_with("id1.1."), 2),
        // The first change of `t1` is one on its old node, the second moves it away, which is another.
        (Task::BY_NODE.eq("node1"), 2),
        (Task::BY_NODE.eq("node2"), 1),
        (Task::BY_SERVICE.eq("id1"), 2),
        (Task::BY_SLOT.eq(("id1", 1)), 2),
        (Task::BY_DESIRED.eq(State::Running), 3),
        (Task::BY_DESIRED.eq(State::Pending), 0),
        (Task::BY_LABELS.prefix("app"), 1),
    ];
    let mut followers: Vec<_> = selectors
        .into_iter()
        .map(|(query, steps)| {
            let mut follower = db.follow(query).unwrap();
            follower.next();
            (follower, steps)
        })
        .collect();
    let changes: [fn(&mut Task); 2] = [
        |task| task.observed = State::Pending,
        |task| {
            task.node = Some("node2".to_owned());
            task.labels.insert("app".to_owned(), "x".to_owned());
        },
    ];
    let mut counts = vec![0; followers.len()];
    let mut look = || {
        for ((follower, _), count) in followers.iter_mut().zip(&mut counts) {
            *count += u32::from(follower.try_next().is_some());
        }
    };
    for change in changes {
        db.write(|tx| tx.update::<Task>("t1", change)).unwrap();
        look();
    }
    db.write(|tx| tx.insert(task("t7", "id2", 2, None)))
        .unwrap();
    look();
    let expected: Vec<u32> = followers.iter().map(|(_, steps)| *steps).collect();
    assert_eq!(counts, expected);
}

/// What reaches a consumer can depend on both the object before and after, such as "has begun to run".
#[test]
fn a_condition_on_before_and_after() {
    let db = open();
    populate(&db);
    let mut follower = db.follow(Task::ALL).unwrap();
    follower.next();
    observe(&db, "t1", State::Running);
    observe(&db, "t2", State::Pending);
    let step = follower.next().unwrap();
    let begun = |change: &&Change<Task>| {
        let runs = |task: Option<&sapwood::Row<Task>>| {
            task.is_some_and(|task| task.observed == State::Running)
        };
        runs(change.after()) && !runs(change.before())
    };
    let begun: Vec<&str> = step
        .iter()
        .filter(begun)
        .map(|change| &*change.after().unwrap().id)
        .collect();
    assert_eq!(begun, ["t1"]);
}

/// Whoever waits for several selectors of several tables waits on a set of watches: any of them wakes it.
#[test]
fn several_selectors_wake_one_waiter() {
    let db = open();
    populate(&db);
    let snap = db.snapshot();
    let mut set = WatchSet::new();
    let on_node = set.add(snap.watch(Task::BY_NODE.eq("node1")));
    let renamed = set.add(snap.watch(Node::BY_ID.eq("node1")));
    let labelled = set.add(snap.watch(Service::BY_CUSTOM.prefix("label")));
    db.write(|tx| tx.insert(task("t5", "id1", 5, Some("node2"))))
        .unwrap();
    assert_eq!(set.try_fired(), Ok(vec![]));
    db.write(|tx| tx.put(node("node1", None))).unwrap();
    assert_eq!(set.wait(), Ok(vec![renamed]));
    db.write(|tx| {
        tx.update::<Service>("id1", |service| {
            service.custom = custom(&[("label", "a", "b")]);
        })?;
        tx.insert(task("t6", "id1", 6, Some("node1")))
    })
    .unwrap();
    let mut both = set.wait().unwrap();
    both.sort_unstable();
    assert_eq!(both, [on_node, labelled]);
}

/// Every step says to which commit it led, also after commits in which nothing of its query changed; and a follower without any step knows how far it has looked,
/// so that nobody falls behind for want of news. Theirs sends a marker after each commit, and forgets the number on two of three paths.
#[test]
fn a_follower_knows_how_far_it_is_without_news() {
    let db = open();
    populate(&db);
    let mut follower = db.follow(Service::BY_ID.eq("id1")).unwrap();
    follower.next();
    for n in 0..50 {
        db.write(|tx| tx.insert(task(&format!("x{n}"), "id2", n, None)))
            .unwrap();
    }
    assert!(follower.try_next().is_none());
    assert_eq!(follower.revision(), db.revision());
    let before = db.revision();
    db.write(|tx| tx.update::<Service>("id1", |service| service.name = "new".to_owned()))
        .unwrap();
    let step = follower.next().unwrap();
    assert_eq!(
        (step.from(), step.to()),
        (Some(Revision::new(1)), db.revision())
    );
    assert!(before < step.to());
}

/// A transaction over several tables is one revision to followers of each; a follower's snapshot shows the other tables as of its own step.
#[test]
fn a_step_can_be_read_with_other_tables() {
    let db = open();
    populate(&db);
    let mut tasks = db.follow(Task::BY_SERVICE.eq("id9")).unwrap();
    let mut services = db.follow(Service::ALL).unwrap();
    tasks.next();
    services.next();
    db.write(|tx| {
        tx.insert(service("id9", "nine"))?;
        tx.insert(task("t9", "id9", 1, None))
    })
    .unwrap();
    let revision = db.revision();
    assert_eq!(tasks.next().unwrap().to(), revision);
    let seen = tasks.snapshot().clone();
    db.write(|tx| tx.remove::<Service>("id9")).unwrap();
    assert!(seen.get::<Service>("id9").is_some());
    // The other one is slower, and gets both commits as one: nothing came of it.
    assert!(services.try_next().is_none());
}

/// Closes the database, also when the test fails, which would wait for its followers else.
struct Ends<'a>(&'a Database);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.close().unwrap();
    }
}

/// Reading and being told from there on is one call without a lock: writers on several threads, and what the followers make of the first step and all the others is
/// the final state, with no gap and nothing twice. Theirs stops all writers for it.
#[test]
fn view_and_watch_has_no_gap() {
    const WRITERS: u32 = 4;
    const COMMITS: u32 = 2500;
    let db = open();
    let written = AtomicU32::new(0);
    thread::scope(|scope| {
        let (db, written) = (&db, &written);
        let ends = Ends(db);
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    for n in 0..COMMITS {
                        let id = format!("{writer}-{}", n % 37);
                        if n % 5 == 4 {
                            db.write(|tx| tx.remove::<Task>(id.as_str())).unwrap();
                        } else {
                            db.write(|tx| tx.put(task(&id, "s", n.into(), None)))
                                .unwrap();
                        }
                        written.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let followers: Vec<_> = (0..3)
            .map(|follower| {
                scope.spawn(move || {
                    // They begin in the middle of the writing.
                    while written.load(Ordering::Relaxed) < follower * WRITERS * COMMITS / 4
                        && !db.is_closed()
                    {
                        thread::yield_now();
                    }
                    let mut seen: BTreeMap<String, Revision> = BTreeMap::new();
                    let mut to = None;
                    for step in db.follow(Task::ALL).unwrap() {
                        assert_eq!(step.from(), to);
                        to = Some(step.to());
                        for change in step {
                            let was = change.before().map(|row| (row.id.clone(), row.modified()));
                            let row = change.after().map(|row| (row.id.clone(), row.modified()));
                            if let Some((id, revision)) = &was {
                                assert_eq!(seen.remove(id), Some(*revision));
                            }
                            if let Some((id, revision)) = row {
                                assert!(seen.insert(id, revision).is_none());
                            }
                        }
                    }
                    seen
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        drop(ends);
        let last = db.snapshot();
        let rows: BTreeMap<String, Revision> = last
            .list(Task::ALL)
            .map(|row| (row.id.clone(), row.modified()))
            .collect();
        for follower in followers {
            assert_eq!(follower.join().unwrap(), rows);
        }
    });
}

/// A consumer that was away and knows up to which revision it had come gets what differs: from the first step it takes what is newer than that, and what it has and
/// the step has not is gone. There is no window of history to fall out of; theirs refuses whoever was away for too long.
#[test]
fn a_consumer_that_comes_back_gets_the_difference() {
    let db = open();
    populate(&db);
    let snap = db.snapshot();
    let mut known: BTreeMap<String, Task> = snap
        .list(Task::ALL)
        .map(|row| (row.id.clone(), Task::clone(row)))
        .collect();
    let up_to = snap.revision();
    drop(snap);
    observe(&db, "t1", State::Running);
    observe(&db, "t1", State::Shutdown);
    db.write(|tx| {
        tx.remove::<Task>("t2")?;
        tx.insert(task("t5", "id1", 5, None))
    })
    .unwrap();
    let first = db.follow(Task::ALL).unwrap().next().unwrap();
    assert!(first.to() > up_to);
    let rows: Vec<_> = first.iter().filter_map(Change::after).collect();
    let newer: Vec<&str> = rows
        .iter()
        .filter(|row| row.modified() > up_to)
        .map(|row| &*row.id)
        .collect();
    assert_eq!(newer, ["t1", "t5"]);
    let there: Vec<&str> = rows.iter().map(|row| &*row.id).collect();
    let gone: Vec<String> = known
        .keys()
        .filter(|id| !there.contains(&id.as_str()))
        .cloned()
        .collect();
    assert_eq!(gone, ["t2"]);
    known.retain(|id, _| !gone.contains(id));
    known.extend(
        rows.iter()
            .filter(|row| row.modified() > up_to)
            .map(|row| (row.id.clone(), Task::clone(row))),
    );
    let now = db.snapshot();
    assert!(now.list(Task::ALL).map(|row| &**row).eq(known.values()));
    // A revision from a future that this database has not had is seen by comparing: it is another database's, or an older file.
    assert!(Revision::new(77) > first.to());
}

/// A follower that nobody reads holds up no writer and grows no queue; read at last, it gives the difference in one step. Theirs queues without bound.
#[test]
fn an_unread_follower_holds_up_nobody() {
    let db = open();
    populate(&db);
    let mut follower = db.follow(Task::ALL).unwrap();
    follower.next();
    for n in 0..500 {
        db.write(|tx| tx.update::<Task>("t1", |task| task.slot = n))
            .unwrap();
    }
    let step = follower.next().unwrap();
    assert_eq!(told(Some(step)), ["update t1 New>New"]);
    db.close().unwrap();
    assert!(follower.next().is_none());
    assert!(matches!(
        db.write(|tx| tx.remove::<Task>("t1")),
        Err(Error::Closed)
    ));
}
