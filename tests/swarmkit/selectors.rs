//! Their selectors: each is a query of an index here, and one that a table has not does not compile, where theirs fails when it is asked.

use std::collections::BTreeMap;

use sapwood::{Only, Query, Row, Snapshot};

use super::tables::{
    Node, Object, Role, Service, State, Task, Volume, custom, ids, node, open, populate, service,
    task,
};

/// A union of queries, each row once, in the order of their ids: their `Or`. A query is a value, so a list of them is one too; what lies in several is told apart by
/// its key.
fn any_of<'a, T: Object>(snap: &'a Snapshot, queries: &[Query<T>]) -> Vec<&'a Row<T>> {
    let rows = queries.iter().flat_map(|query| snap.list(query.clone()));
    let by_id: BTreeMap<&str, &Row<T>> = rows.map(|row| (row.id(), row)).collect();
    by_id.into_values().collect()
}

/// All objects, by name in whatever case, by the beginning of a name and of an id.
#[test]
fn by_name_by_beginning_and_by_id() {
    let db = open();
    populate(&db);
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Service::ALL)), ["id1", "id2"]);
    let by_name = |name: &str| ids(snap.list(Service::BY_NAME.eq(name.to_lowercase())));
    assert_eq!((by_name("WORKER"), by_name("work")), (vec!["id2"], vec![]));
    assert_eq!(
        ids(snap.list(Service::BY_NAME.starts_with("w"))),
        ["id1", "id2"]
    );
    assert_eq!(ids(snap.list(Service::BY_NAME.starts_with("wo"))), ["id2"]);
    assert_eq!(
        ids(snap.list(Node::BY_ID.starts_with("node"))),
        ["node1", "node2"]
    );
    assert_eq!(
        snap.only(Node::BY_ID.starts_with("o"))
            .one()
            .map(|node| &*node.id),
        Some("other3")
    );
    assert_eq!(snap.only(Node::BY_ID.starts_with("n")), Only::Many);
    assert_eq!(
        ids(snap.list(Node::BY_NAME.starts_with("host-"))),
        ["node1", "node2"]
    );
    assert_eq!(
        ids(snap.list(Task::BY_NAME.starts_with("id1.1."))),
        ["t1", "t3"]
    );
}

/// Nodes by role and membership; services by runtime; volumes by group and driver.
#[test]
fn by_what_an_object_is() {
    let db = open();
    populate(&db);
    let volume = |id: &str, group: &str, driver: &str| Volume {
        id: id.to_owned(),
        name: id.to_owned(),
        group: group.to_owned(),
        driver: driver.to_owned(),
    };
    db.write(|tx| {
        tx.insert(volume("v1", "g1", "d1"))?;
        tx.insert(volume("v2", "g1", "d2"))
    })
    .unwrap();
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Node::BY_ROLE.eq(Role::Manager))), ["node2"]);
    assert_eq!(
        ids(snap.list(Node::BY_ACCEPTED.eq(true))),
        ["node1", "node2"]
    );
    assert_eq!(ids(snap.list(Service::BY_RUNTIME.eq("plugin"))), ["id2"]);
    assert_eq!(ids(snap.list(Volume::BY_GROUP.eq("g1"))), ["v1", "v2"]);
    assert_eq!(ids(snap.list(Volume::BY_DRIVER.eq("d2"))), ["v2"]);
}

/// Tasks by service, node, slot, desired and observed state; those on no node too, and slots in the order of numbers, of which theirs are text.
#[test]
fn tasks_by_all_that_they_hang_on() {
    let db = open();
    populate(&db);
    db.write(|tx| {
        tx.insert(task("t10", "id1", 10, None))?;
        tx.insert(task("t9", "id10", 1, None))
    })
    .unwrap();
    let snap = db.snapshot();
    assert_eq!(
        ids(snap.list(Task::BY_SERVICE.eq("id1"))),
        ["t1", "t10", "t2", "t3"]
    );
    assert_eq!(ids(snap.list(Task::BY_NODE.eq("node2"))), ["t2", "t3"]);
    assert_eq!(
        ids(snap.list(Task::BY_NODE.eq(None::<&str>))),
        ["t10", "t4", "t9"]
    );
    assert_eq!(ids(snap.list(Task::BY_SLOT.eq(("id1", 1)))), ["t1", "t3"]);
    assert_eq!(
        ids(snap.list(Task::BY_SLOT.prefix("id1"))),
        ["t1", "t3", "t2", "t10"]
    );
    assert_eq!(
        ids(snap.list(Task::BY_SLOT.range(("id1", 2)..=("id1", 10)))),
        ["t2", "t10"]
    );
    assert_eq!(ids(snap.list(Task::BY_DESIRED.eq(State::Shutdown))), ["t3"]);
    assert_eq!(
        ids(snap.list(Task::BY_OBSERVED.range(State::Pending..))),
        ["t3"]
    );
}

/// Services and tasks by each thing that they refer to.
#[test]
fn by_references() {
    let db = open();
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    db.write(|tx| {
        tx.insert(Service {
            networks: of(&["n1", "n2"]),
            secrets: of(&["s"]),
            ..service("a", "a")
        })?;
        tx.insert(Service {
            networks: of(&["n2"]),
            configs: of(&["c"]),
            ..service("b", "b")
        })?;
        let mut attached = task("t", "a", 1, None);
        attached.volumes = of(&["v1", "v2"]);
        tx.insert(attached).map(drop)
    })
    .unwrap();
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Service::BY_NETWORKS.eq("n1"))), ["a"]);
    assert_eq!(ids(snap.list(Service::BY_NETWORKS.eq("n2"))), ["a", "b"]);
    assert_eq!(ids(snap.list(Service::BY_SECRETS.eq("s"))), ["a"]);
    assert_eq!(ids(snap.list(Service::BY_CONFIGS.eq("c"))), ["b"]);
    assert_eq!(ids(snap.list(Task::BY_VOLUMES.eq("v2"))), ["t"]);
    assert_eq!(ids(snap.list(Task::BY_VOLUMES.eq("v"))), [] as [&str; 0]);
}

/// The custom index: by kind, by kind and key, by all three, and by the beginning of a value. Its parts are columns, so that none of them can be mistaken for two,
/// as theirs can, which are joined by a bar.
#[test]
fn custom_indexes_with_kind_and_prefix() {
    let db = open();
    db.write(|tx| {
        tx.insert(Service {
            custom: custom(&[
                ("label", "app", "web"),
                ("label", "tier", "front"),
                ("owner", "team", "blue"),
            ]),
            ..service("a", "a")
        })?;
        tx.insert(Service {
            custom: custom(&[("label", "app", "web-2"), ("label|app", "web", "")]),
            ..service("b", "b")
        })
    })
    .unwrap();
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Service::BY_CUSTOM.prefix("owner"))), ["a"]);
    assert_eq!(
        ids(snap.list(Service::BY_CUSTOM.prefix("label|app"))),
        ["b"]
    );
    assert_eq!(
        ids(snap.list(Service::BY_CUSTOM.prefix(("label", "app")))),
        ["a", "b"]
    );
    assert_eq!(
        ids(snap.list(Service::BY_CUSTOM.eq(("label", "app", "web")))),
        ["a"]
    );
    assert_eq!(
        ids(snap.list(Service::BY_CUSTOM.starts_with(("label", "app", "web")))),
        ["a", "b"]
    );
    assert_eq!(
        ids(any_of(&snap, &[Service::BY_CUSTOM.prefix("label")])),
        ["a", "b"]
    );
}

/// Labels of a task by key, and by key and value.
#[test]
fn by_labels() {
    let db = open();
    db.write(|tx| {
        for (id, app) in [("t1", "web"), ("t2", "db"), ("t3", "web")] {
            let mut labelled = task(id, "s", 1, None);
            labelled.labels.insert("app".to_owned(), app.to_owned());
            tx.insert(labelled)?;
        }
        tx.insert(task("t4", "s", 1, None)).map(drop)
    })
    .unwrap();
    let snap = db.snapshot();
    assert_eq!(
        ids(snap.list(Task::BY_LABELS.eq(("app", "web")))),
        ["t1", "t3"]
    );
    assert_eq!(
        ids(snap.list(Task::BY_LABELS.prefix("app"))),
        ["t2", "t1", "t3"]
    );
}

/// A union of selectors has each object once, whichever of them it fits; an empty one has none.
#[test]
fn a_union_has_no_duplicates() {
    let db = open();
    populate(&db);
    let snap = db.snapshot();
    let queries = [
        Task::BY_SERVICE.eq("id1"),
        Task::BY_NODE.eq("node2"),
        Task::BY_DESIRED.eq(State::Shutdown),
        Task::BY_ID.starts_with("t4"),
        Task::BY_NODE.eq("nowhere"),
    ];
    assert_eq!(ids(any_of(&snap, &queries)), ["t1", "t2", "t3", "t4"]);
    assert_eq!(ids(any_of(&snap, &queries[1..3])), ["t2", "t3"]);
    assert!(any_of::<Task>(&snap, &[]).is_empty());
}

/// What fits two selectors at once, and the first few of many in order: a filter on the narrower list, and a compound index; theirs has neither.
#[test]
fn both_and_the_first_few() {
    let db = open();
    populate(&db);
    let snap = db.snapshot();
    let both = snap
        .list(Task::BY_NODE.eq("node2"))
        .filter(|task| task.service == "id1" && task.desired == State::Running);
    assert_eq!(ids(both), ["t2"]);
    assert_eq!(
        ids(snap.list(Task::BY_SERVICE.all()).rev().take(2)),
        ["t4", "t3"]
    );
    assert_eq!(snap.count(Task::BY_SERVICE.eq("id1")), 3);
}

/// Every index finds an object where it is after an update, and not where it was; and nowhere after a removal.
#[test]
fn indexes_follow_updates_and_removals() {
    let db = open();
    populate(&db);
    db.write(|tx| {
        tx.update::<Task>("t1", |task| {
            task.node = None;
            task.slot = 7;
            task.service = "id2".to_owned();
            task.desired = State::Shutdown;
            task.labels.insert("app".to_owned(), "x".to_owned());
            task.volumes.insert("v".to_owned());
        })?;
        tx.put(node("node1", Some("renamed")))
    })
    .unwrap();
    let snap = db.snapshot();
    let gone = [Task::BY_NODE.eq("node1"), Task::BY_NAME.eq("id1.1.t1")];
    let there = [
        Task::BY_NODE.eq(None::<&str>),
        Task::BY_SLOT.eq(("id2", 7)),
        Task::BY_SERVICE.eq("id2"),
        Task::BY_DESIRED.eq(State::Shutdown),
        Task::BY_LABELS.prefix("app"),
        Task::BY_VOLUMES.eq("v"),
        Task::BY_NAME.eq("id2.7.t1"),
    ];
    let has =
        |snap: &Snapshot, query: &Query<Task>| snap.list(query.clone()).any(|task| task.id == "t1");
    assert!(!gone.iter().any(|query| has(&snap, query)));
    assert!(there.iter().all(|query| has(&snap, query)));
    assert_eq!(ids(snap.list(Node::BY_NAME.eq("renamed"))), ["node1"]);
    assert_eq!(snap.count(Node::BY_NAME.eq("host-a")), 0);
    db.write(|tx| tx.remove::<Task>("t1")).unwrap().unwrap();
    assert!(!there.iter().any(|query| has(&db.snapshot(), query)));
}
