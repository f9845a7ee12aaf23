//! Proposals: a transaction whose commit a log must agree to first, and nodes that apply what it has agreed to.

use std::thread;
use std::time::Duration;

use sapwood::{Change, ChangeList, Database, Error, Revision, Snapshot};

use super::tables::{
    Extension, Node, Object, Resource, Service, State, Task, ids, node, open, populate, service,
    task,
};

/// A proposed commit is seen by nobody until it is published; then by all at once, at the number that the log gave it, which rows, followers and commit have alike,
/// and watches fire. It may be published by another thread.
#[test]
fn a_proposal_is_seen_when_it_is_published() {
    let db = open();
    populate(&db);
    let mut follower = db.follow(Task::ALL).unwrap();
    follower.next();
    let watch = db.snapshot().watch(Service::BY_NAME.eq("new"));
    let mut tx = db.begin_write().unwrap();
    tx.insert(service("id9", "new")).unwrap();
    tx.insert(task("t9", "id9", 1, None)).unwrap();
    let staged = tx.stage().unwrap();
    assert!(db.snapshot().get::<Service>("id9").is_none());
    assert!(!watch.is_fired() && follower.try_next().is_none());
    let index = Revision::new(77);
    thread::spawn(move || staged.publish_at(index))
        .join()
        .unwrap()
        .unwrap();
    let snap = db.snapshot();
    assert_eq!(snap.revision(), index);
    let row = snap.get::<Service>("id9").unwrap();
    assert_eq!((row.created(), row.modified()), (index, index));
    assert!(watch.is_fired());
    assert_eq!(follower.next().unwrap().to(), index);
    // The numbers go on from there, and never back.
    db.write(|tx| tx.remove::<Task>("t9")).unwrap();
    assert_eq!(db.revision(), Revision::new(78));
    let mut tx = db.begin_write().unwrap();
    tx.remove::<Task>("t1").unwrap();
    let late = tx.stage().unwrap().publish_at(Revision::new(78));
    assert!(matches!(late, Err(Error::RevisionOrder { .. })));
    assert!(db.snapshot().get::<Task>("t1").is_some());
}

/// A proposal that the log refuses, or that is dropped, never was: in no index, for no follower, and the next transaction begins at once from the state before.
#[test]
fn a_refused_proposal_never_was() {
    let db = open();
    populate(&db);
    let before = db.snapshot();
    let mut follower = db.follow(Service::ALL).unwrap();
    follower.next();
    for refuse in [true, false] {
        let mut tx = db.begin_write().unwrap();
        tx.insert(service("id9", "new")).unwrap();
        tx.remove::<Service>("id1").unwrap();
        let staged = tx.stage().unwrap();
        if refuse {
            staged.discard();
        } else {
            drop(staged);
        }
        assert_eq!(db.revision(), before.revision());
        assert!(follower.try_next().is_none());
        assert_eq!(
            ids(db.snapshot().list(Service::BY_NAME.all())),
            ["id1", "id2"]
        );
    }
    db.write(|tx| tx.insert(service("id9", "new"))).unwrap();
    assert_eq!(follower.next().unwrap().len(), 1);
}

/// While a proposal waits for its log there is no other: others wait for their turn, with a limit if they like, and readers do not.
#[test]
fn one_proposal_at_a_time() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    tx.insert(service("id1", "a")).unwrap();
    let staged = tx.stage().unwrap();
    let other = db.clone();
    let tried = thread::spawn(move || other.try_begin_write().unwrap().is_some());
    assert!(!tried.join().unwrap());
    assert_eq!(db.snapshot().count(Service::ALL), 0);
    staged.publish().unwrap();
    assert!(db.try_begin_write().unwrap().is_some());
}

/// What a proposal changes, and how many bytes that is, is known before it is proposed, and grows with it: so a limit of the log is checked in time, and the proposal
/// given up. Theirs learns it when the message has been built.
#[test]
fn the_size_is_known_before_proposing() {
    const MOST_ROWS: usize = 200;
    const MOST_BYTES: usize = 20_000;
    let db = open();
    let propose = |number: usize, name: usize| -> Result<Revision, &'static str> {
        let mut tx = db.begin_write().unwrap();
        for n in 0..number {
            tx.insert(service(
                &format!("{name}-{n}"),
                &format!("{}{name}-{n}", "x".repeat(name)),
            ))
            .unwrap();
        }
        let staged = tx.stage().unwrap();
        let changes = staged.changes().unwrap();
        assert_eq!(changes.len(), number);
        assert_eq!(changes.byte_len(), changes.to_bytes().len());
        if changes.len() > MOST_ROWS {
            return Err("too many rows");
        }
        if changes.byte_len() > MOST_BYTES {
            return Err("too many bytes");
        }
        Ok(staged.publish().unwrap())
    };
    assert_eq!(propose(201, 1), Err("too many rows"));
    assert_eq!(propose(20, 5000), Err("too many bytes"));
    assert_eq!(db.snapshot().count(Service::ALL), 0);
    assert_eq!(propose(20, 1), Ok(Revision::new(1)));
}

fn show(snap: &Snapshot) -> Vec<String> {
    fn rows<T: Object + std::fmt::Debug>(snap: &Snapshot, all: sapwood::Query<T>) -> Vec<String> {
        snap.list(all)
            .map(|row| format!("{} {} {:?}", row.created(), row.modified(), **row))
            .collect()
    }
    [
        rows(snap, Node::ALL),
        rows(snap, Service::ALL),
        rows(snap, Task::ALL),
    ]
    .concat()
}

/// Nodes that apply the same proposals at the same numbers have the same rows, with the same versions, in every index; watches and followers there are told as of
/// any commit, and an old version is refused there as on the leader.
#[test]
fn followers_apply_what_the_leader_proposed() {
    let (leader, other) = (open(), open());
    let watch = other.snapshot().watch(Task::BY_NODE.eq("node2"));
    let mut told = other.follow(Task::ALL).unwrap();
    told.next();
    let mut log: Vec<(Revision, Vec<u8>)> = Vec::new();
    let mut propose = |index: u64, work: &dyn Fn(&mut sapwood::WriteTxn) -> Result<(), Error>| {
        let mut tx = leader.begin_write().unwrap();
        work(&mut tx).unwrap();
        let staged = tx.stage().unwrap();
        log.push((Revision::new(index), staged.changes().unwrap().to_bytes()));
        staged.publish_at(Revision::new(index)).unwrap();
    };
    propose(5, &|tx| {
        tx.insert(node("node1", Some("a")))?;
        tx.insert(service("id1", "web"))?;
        (0..5).try_for_each(|n| {
            tx.insert(task(&format!("t{n}"), "id1", n, Some("node1")))
                .map(drop)
        })
    });
    propose(6, &|tx| {
        tx.update::<Task>("t1", |task| task.node = Some("node2".to_owned()))?;
        tx.remove_all(Task::BY_SLOT.range(("id1", 3)..)).map(drop)
    });
    propose(9, &|tx| {
        tx.put(service("id1", "Renamed"))?;
        tx.remove::<Node>("node1").map(drop)
    });
    let mut steps = Vec::new();
    for (index, bytes) in &log {
        other
            .apply(&ChangeList::from_bytes(bytes).unwrap(), *index)
            .unwrap();
        steps.extend(told.try_next().map(|step| (step.len(), step.to())));
    }
    assert_eq!(show(&other.snapshot()), show(&leader.snapshot()));
    assert_eq!(steps, [(5, Revision::new(5)), (3, Revision::new(6))]);
    assert!(watch.is_fired());
    let snap = other.snapshot();
    assert_eq!(ids(snap.list(Service::BY_NAME.eq("renamed"))), ["id1"]);
    assert_eq!(ids(snap.list(Task::BY_NODE.eq("node2"))), ["t1"]);
    let stale = |db: &Database| db.write(|tx| tx.update_if::<Task>("t1", Revision::new(5), |_| {}));
    assert!(matches!(stale(&leader), Err(Error::WrongRevision { .. })));
    assert!(matches!(stale(&other), Err(Error::WrongRevision { .. })));
    // What was applied cannot be applied again, nor out of its order.
    let (index, bytes) = &log[1];
    let again = other.apply(&ChangeList::from_bytes(bytes).unwrap(), *index);
    assert!(matches!(again, Err(Error::RevisionOrder { .. })));
}

/// Whoever knows the number of a commit that was made elsewhere waits until it is here, and sees it; with a limit too; and learns it if the database ends before.
#[test]
fn whoever_waits_for_a_revision_sees_it() {
    let db = open();
    let (waiter, limited) = (db.clone(), db.clone());
    assert!(
        limited
            .snapshot_at_least(Revision::new(3), Duration::ZERO)
            .unwrap()
            .is_none()
    );
    let waiter = thread::spawn(move || {
        waiter
            .wait_for(Revision::new(3))
            .unwrap()
            .count(Service::ALL)
    });
    for n in 0..3 {
        db.write(|tx| tx.insert(service(&format!("id{n}"), &format!("name{n}"))))
            .unwrap();
    }
    assert_eq!(waiter.join().unwrap(), 3);
    let now = limited.snapshot_at_least(Revision::new(3), Duration::ZERO);
    assert_eq!(now.unwrap().unwrap().revision(), Revision::new(3));
    db.close().unwrap();
    assert!(matches!(db.wait_for(Revision::new(4)), Err(Error::Closed)));
}

/// A transaction knows what it changed, by table, each row once with what was there before: net of what it did and undid, in order of the keys.
#[test]
fn a_transaction_knows_what_it_changed() {
    let db = open();
    populate(&db);
    let mut tx = db.begin_write().unwrap();
    tx.insert(task("t8", "id1", 8, None)).unwrap();
    tx.insert(task("t9", "id1", 9, None)).unwrap();
    tx.remove::<Task>("t9").unwrap();
    tx.remove::<Task>("t4").unwrap();
    for state in [State::Pending, State::Running] {
        tx.update::<Task>("t1", |task| task.observed = state)
            .unwrap();
    }
    let changes: Vec<Change<Task>> = tx.changes::<Task>();
    assert!(
        matches!(&changes[..], [Change::Updated { old, new }, Change::Removed(t4), Change::Inserted(t8)]
        if old.observed == State::New && new.observed == State::Running && t4.id == "t4" && t8.id == "t8")
    );
    assert!(tx.changes::<Service>().is_empty());
}

/// A rule that a program gives when it builds its database holds for whoever writes: no resource without its extension, and no extension removed while it has
/// resources; asked of what a transaction leaves, in whatever order it came to it.
#[test]
fn a_rule_holds_for_every_writer() {
    let db = Database::builder()
        .table::<Extension>()
        .validate(|change: &Change<Resource>, tx| match change.after() {
            Some(resource) if !tx.contains(Extension::BY_NAME.eq(&resource.kind)) => {
                Err("no such kind")
            }
            _ => Ok(()),
        })
        .validate(|change: &Change<Extension>, tx| match change {
            Change::Removed(kind) if tx.contains(Resource::BY_KIND.eq(&kind.name)) => {
                Err("it has resources")
            }
            _ => Ok(()),
        })
        .in_memory()
        .unwrap();
    let resource = || Resource {
        id: "r".to_owned(),
        name: "r".to_owned(),
        kind: "kind".to_owned(),
        payload: vec![],
    };
    let extension = || Extension {
        id: "e".to_owned(),
        name: "kind".to_owned(),
        custom: super::tables::Custom::new(),
    };
    let refused = db.write(|tx| tx.insert(resource()));
    assert!(matches!(
        refused,
        Err(Error::Invalid {
            table: "resources",
            ..
        })
    ));
    assert_eq!(db.revision(), Revision::ZERO);
    db.write(|tx| {
        tx.insert(resource())?;
        tx.insert(extension())
    })
    .unwrap();
    let refused = db.write(|tx| tx.remove::<Extension>("e"));
    assert!(matches!(
        refused,
        Err(Error::Invalid {
            table: "extensions",
            ..
        })
    ));
    db.write(|tx| {
        tx.remove::<Extension>("e")?;
        tx.remove::<Resource>("r")
    })
    .unwrap();
    assert_eq!(db.snapshot().count(Extension::ALL), 0);
}
