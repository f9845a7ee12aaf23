//! SwarmKit's ten tables, as a program of ours would declare them.

use std::collections::{BTreeMap, BTreeSet};

use sapwood::{Database, Error, Key, Row, Table};
use serde::{Deserialize, Serialize};

/// What an object carries besides: a kind, a key and a value of it, any number of them, and found by each.
pub(crate) type Custom = BTreeSet<(String, String, String)>;

/// Objects that have a unique name, whatever its letters' case, and nothing else that is looked up.
macro_rules! named {
    ($($module:ident $table:ident $name:literal)+) => {$(
        mod $module {
            use super::{Custom, Deserialize, Serialize, Table};

            #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
            #[table(name = $name)]
            #[table(index(by_name, with(folded) -> String, unique))]
            pub(crate) struct $table {
                #[key]
                pub(crate) id: String,
                pub(crate) name: String,
                #[index(each)]
                pub(crate) custom: Custom,
            }

            fn folded(object: &$table) -> String {
                object.name.to_lowercase()
            }
        }
        pub(crate) use $module::$table;
    )+};
}

named! {
    network Network "networks"
    secret Secret "secrets"
    config Config "configs"
    cluster Cluster "clusters"
    extension Extension "extensions"
}

#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Worker,
    Manager,
}

#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum State {
    New,
    Pending,
    Running,
    Shutdown,
}

/// Its name is that of the host: perhaps absent, and perhaps not the only one.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "nodes")]
#[table(index(by_name, with(hostname) -> Option<String>, sparse))]
pub(crate) struct Node {
    #[key]
    pub(crate) id: String,
    pub(crate) hostname: Option<String>,
    #[index]
    pub(crate) role: Role,
    #[index]
    pub(crate) accepted: bool,
}

fn hostname(node: &Node) -> Option<String> {
    node.hostname.as_deref().map(str::to_lowercase)
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "services")]
#[table(index(by_name, with(service_name) -> String, unique))]
pub(crate) struct Service {
    #[key]
    pub(crate) id: String,
    pub(crate) name: String,
    #[index]
    pub(crate) runtime: String,
    #[index(each)]
    pub(crate) networks: BTreeSet<String>,
    #[index(each)]
    pub(crate) secrets: BTreeSet<String>,
    #[index(each)]
    pub(crate) configs: BTreeSet<String>,
    #[index(each)]
    pub(crate) custom: Custom,
}

fn service_name(service: &Service) -> String {
    service.name.to_lowercase()
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "tasks")]
#[table(index(by_slot, on[service, slot]))]
#[table(index(by_name, with(task_name) -> String))]
pub(crate) struct Task {
    #[key]
    pub(crate) id: String,
    #[index]
    pub(crate) service: String,
    pub(crate) slot: u64,
    #[index]
    pub(crate) node: Option<String>,
    #[index]
    pub(crate) desired: State,
    #[index]
    pub(crate) observed: State,
    #[index(each)]
    pub(crate) volumes: BTreeSet<String>,
    #[index(each)]
    pub(crate) labels: BTreeMap<String, String>,
}

/// Of what it is a task, and where: made, not stored.
fn task_name(task: &Task) -> String {
    format!("{}.{}.{}", task.service, task.slot, task.id)
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "volumes")]
#[table(index(by_name, with(volume_name) -> String, unique))]
pub(crate) struct Volume {
    #[key]
    pub(crate) id: String,
    pub(crate) name: String,
    #[index]
    pub(crate) group: String,
    #[index]
    pub(crate) driver: String,
}

fn volume_name(volume: &Volume) -> String {
    volume.name.to_lowercase()
}

/// An object of a kind that an extension declares at run time.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "resources")]
#[table(index(by_name, with(resource_name) -> String, unique))]
pub(crate) struct Resource {
    #[key]
    pub(crate) id: String,
    pub(crate) name: String,
    #[index]
    pub(crate) kind: String,
    pub(crate) payload: Vec<u8>,
}

fn resource_name(resource: &Resource) -> String {
    resource.name.to_lowercase()
}

pub(crate) fn open() -> Database {
    Database::builder()
        .table::<Node>()
        .table::<Service>()
        .table::<Task>()
        .table::<Network>()
        .table::<Secret>()
        .table::<Config>()
        .table::<Cluster>()
        .table::<Volume>()
        .table::<Extension>()
        .table::<Resource>()
        .in_memory()
        .unwrap()
}

pub(crate) fn node(id: &str, hostname: Option<&str>) -> Node {
    Node {
        id: id.to_owned(),
        hostname: hostname.map(str::to_owned),
        role: Role::Worker,
        accepted: true,
    }
}

pub(crate) fn service(id: &str, name: &str) -> Service {
    Service {
        id: id.to_owned(),
        name: name.to_owned(),
        runtime: "container".to_owned(),
        networks: BTreeSet::new(),
        secrets: BTreeSet::new(),
        configs: BTreeSet::new(),
        custom: Custom::new(),
    }
}

pub(crate) fn task(id: &str, service: &str, slot: u64, node: Option<&str>) -> Task {
    Task {
        id: id.to_owned(),
        service: service.to_owned(),
        slot,
        node: node.map(str::to_owned),
        desired: State::Running,
        observed: State::New,
        volumes: BTreeSet::new(),
        labels: BTreeMap::new(),
    }
}

pub(crate) fn custom(entries: &[(&str, &str, &str)]) -> Custom {
    let owned = |(kind, key, value): &(&str, &str, &str)| {
        ((*kind).to_owned(), (*key).to_owned(), (*value).to_owned())
    };
    entries.iter().map(owned).collect()
}

/// Objects, by their ids.
pub(crate) trait Object: Table<Key = String> + Clone {
    fn id(&self) -> &str;
}

macro_rules! objects {
    ($($table:ident)+) => {$(
        impl Object for $table {
            fn id(&self) -> &str {
                &self.id
            }
        }
    )+};
}

objects!(Node Service Task Network Secret Config Cluster Volume Extension Resource);

pub(crate) fn ids<'a, T: Object>(rows: impl IntoIterator<Item = &'a Row<T>>) -> Vec<&'a str> {
    rows.into_iter().map(|row| row.id()).collect()
}

/// Three nodes, two services, four tasks of them.
pub(crate) fn populate(db: &Database) {
    db.write(|tx| {
        tx.insert(node("node1", Some("Host-A")))?;
        tx.insert(Node {
            role: Role::Manager,
            ..node("node2", Some("host-b"))
        })?;
        tx.insert(Node {
            accepted: false,
            ..node("other3", None)
        })?;
        tx.insert(service("id1", "web"))?;
        tx.insert(Service {
            runtime: "plugin".to_owned(),
            ..service("id2", "Worker")
        })?;
        tx.insert(task("t1", "id1", 1, Some("node1")))?;
        tx.insert(task("t2", "id1", 2, Some("node2")))?;
        tx.insert(Task {
            desired: State::Shutdown,
            observed: State::Shutdown,
            ..task("t3", "id1", 1, Some("node2"))
        })?;
        tx.insert(task("t4", "id2", 1, None))?;
        Ok::<_, Error>(())
    })
    .unwrap();
}
