//! Create, update and delete on each table, and names: what is refused, and what is free again.

use sapwood::{Database, Error, WriteTxn};

use super::tables::{
    Cluster, Config, Custom, Extension, Network, Node, Object, Resource, Secret, Service, Task,
    Volume, ids, node, open, populate, service, task,
};

/// Which index refused.
fn refused_by<T>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Duplicate { index, .. }) => index,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

/// For a table with unique names: what there is, what is refused, and what is free after a change of name and after a removal.
fn lives<T: Object>(db: &Database, make: impl Fn(&str, &str) -> T) {
    let query = |tx: &WriteTxn| tx.get::<T>("id1").is_some();
    assert!(matches!(
        db.write(|tx| tx.update::<T>("id1", |_| {})),
        Err(Error::Missing { .. })
    ));
    assert!(db.write(|tx| tx.remove::<T>("id1")).unwrap().is_none());
    db.write(|tx| {
        tx.insert(make("id1", "Name"))?;
        assert!(query(tx));
        Ok::<_, Error>(())
    })
    .unwrap();
    // The id is taken, and so is the name, in whatever case.
    let same_id = refused_by(db.write(|tx| tx.insert(make("id1", "other"))));
    assert_eq!(same_id, "by_id");
    for name in ["Name", "name", "NAME"] {
        assert_eq!(
            refused_by(db.write(|tx| tx.insert(make("id2", name)))),
            "by_name"
        );
    }
    db.write(|tx| tx.insert(make("id2", "second"))).unwrap();
    assert_eq!(
        refused_by(db.write(|tx| tx.put(make("id2", "nAME")))),
        "by_name"
    );
    // Its own name in another case is no conflict, and a change frees the old one.
    db.write(|tx| tx.put(make("id1", "NAME"))).unwrap();
    db.write(|tx| tx.put(make("id1", "renamed"))).unwrap();
    db.write(|tx| tx.put(make("id2", "name"))).unwrap();
    db.write(|tx| tx.remove::<T>("id2")).unwrap().unwrap();
    db.write(|tx| tx.insert(make("id3", "name"))).unwrap();
    let snap = db.snapshot();
    assert!(snap.get::<T>("id1").is_some() && snap.get::<T>("id2").is_none());
    assert_eq!(snap.get::<T>("id3").unwrap().id(), "id3");
}

/// In all eight tables with unique names: an object is created once, refused by a taken id or name, missing where it is updated before, and a name is free once it
/// is changed or its object gone. Theirs checks names by hand in each table.
#[test]
fn every_table_refuses_a_taken_name() {
    let db = open();
    let own = |text: &str| text.to_owned();
    lives::<Service>(&db, service);
    lives::<Network>(&db, |id, name| Network {
        id: own(id),
        name: own(name),
        custom: Custom::new(),
    });
    lives::<Secret>(&db, |id, name| Secret {
        id: own(id),
        name: own(name),
        custom: Custom::new(),
    });
    lives::<Config>(&db, |id, name| Config {
        id: own(id),
        name: own(name),
        custom: Custom::new(),
    });
    lives::<Cluster>(&db, |id, name| Cluster {
        id: own(id),
        name: own(name),
        custom: Custom::new(),
    });
    lives::<Extension>(&db, |id, name| Extension {
        id: own(id),
        name: own(name),
        custom: Custom::new(),
    });
    lives::<Volume>(&db, |id, name| Volume {
        id: own(id),
        name: own(name),
        group: own("g"),
        driver: own("d"),
    });
    lives::<Resource>(&db, |id, name| Resource {
        id: own(id),
        name: own(name),
        kind: own("k"),
        payload: vec![],
    });
}

/// Two nodes may have one name, and any number none; a node without one is found by none.
#[test]
fn nodes_may_share_a_name_or_have_none() {
    let db = open();
    db.write(|tx| {
        tx.insert(node("a", Some("host")))?;
        tx.insert(node("b", Some("HOST")))?;
        tx.insert(node("c", None))?;
        tx.insert(node("d", None))
    })
    .unwrap();
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Node::BY_NAME.eq("host"))), ["a", "b"]);
    assert_eq!(snap.count(Node::BY_NAME.all()), 2);
}

/// Names go from one object to another within a transaction, in the order in which they are free.
#[test]
fn names_can_be_swapped_in_a_transaction() {
    let db = open();
    populate(&db);
    db.write(|tx| {
        assert!(matches!(
            tx.update::<Service>("id1", |service| service.name = "worker".to_owned()),
            Err(Error::Duplicate { .. })
        ));
        tx.update::<Service>("id1", |service| service.name = "swap".to_owned())?;
        tx.update::<Service>("id2", |service| service.name = "web".to_owned())?;
        tx.update::<Service>("id1", |service| service.name = "worker".to_owned())
    })
    .unwrap();
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Service::BY_NAME.eq("web"))), ["id2"]);
    assert_eq!(ids(snap.list(Service::BY_NAME.all())), ["id2", "id1"]);
}

/// A closure that fails leaves no trace: not in the rows, not in any index, of any table, and its names are free.
#[test]
fn a_failed_closure_leaves_no_trace_in_any_index() {
    let db = open();
    populate(&db);
    let before = db.snapshot();
    let failed = db.write(|tx| {
        tx.insert(service("id3", "third"))?;
        tx.remove::<Service>("id1")?;
        tx.update::<Task>("t1", |task| {
            task.node = Some("node2".to_owned());
            task.labels.insert("app".to_owned(), "x".to_owned());
        })?;
        tx.insert(task("t9", "id3", 1, Some("node1")))?;
        tx.insert(service("id4", "THIRD")).map(drop)
    });
    assert_eq!(refused_by(failed), "by_name");
    let after = db.snapshot();
    assert_eq!(after.revision(), before.revision());
    for snap in [&before, &after] {
        assert_eq!(ids(snap.list(Service::BY_NAME.all())), ["id1", "id2"]);
        assert_eq!(ids(snap.list(Service::BY_RUNTIME.eq("container"))), ["id1"]);
        assert_eq!(ids(snap.list(Task::BY_NODE.eq("node1"))), ["t1"]);
        assert_eq!(ids(snap.list(Task::BY_SERVICE.eq("id3"))), [] as [&str; 0]);
        assert_eq!(snap.count(Task::BY_LABELS.all()), 0);
    }
    db.write(|tx| tx.insert(service("id3", "third"))).unwrap();
}

/// Why a resource was refused: by this program's rule, or by the database.
#[derive(Debug)]
enum Refused {
    NoKind(String),
    Store(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// An object whose kind no extension declares is refused, as of the same transaction: a rule of the program's is a question in its closure, with its own error.
#[test]
fn a_resource_of_an_unknown_kind_is_refused() {
    let db = open();
    let resource = |id: &str, kind: &str| Resource {
        id: id.to_owned(),
        name: id.to_owned(),
        kind: kind.to_owned(),
        payload: vec![1],
    };
    let create = |resource: Resource| {
        db.write(|tx| {
            if !tx.contains(Extension::BY_NAME.eq(resource.kind.to_lowercase())) {
                return Err(Refused::NoKind(resource.kind));
            }
            Ok(tx.insert(resource).map(drop)?)
        })
    };
    assert!(matches!(create(resource("r1", "Kind")), Err(Refused::NoKind(kind)) if kind == "Kind"));
    let extension = Extension {
        id: "e".to_owned(),
        name: "kind".to_owned(),
        custom: Custom::new(),
    };
    db.write(|tx| tx.insert(extension)).unwrap();
    create(resource("r1", "Kind")).unwrap();
    assert!(matches!(
        create(resource("r1", "kind")),
        Err(Refused::Store(Error::Duplicate { .. }))
    ));
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Resource::BY_KIND.eq("Kind"))), ["r1"]);
}
