//! The structs that wrote the files, and the rows that they wrote.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use sapwood::{Database, Error, Key, Table};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Phase {
    Pending,
    Running { since: u64 },
    Failed(String, u8),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) cpu: u32,
    pub(crate) memory: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) image: String,
    pub(crate) ports: Vec<u16>,
    pub(crate) limits: Option<Limits>,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
pub(crate) struct Pod {
    #[key]
    pub(crate) id: u64,
    #[index]
    pub(crate) node: Option<String>,
    pub(crate) cpu: u32,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) phase: Phase,
    pub(crate) spec: Spec,
    pub(crate) note: String,
}

/// Two of them have one slot.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "jobs")]
pub(crate) struct Job {
    #[key]
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) slot: u16,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "leases")]
pub(crate) struct Lease {
    #[key]
    pub(crate) id: u32,
    pub(crate) holder: String,
    pub(crate) seconds: u32,
}

#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Zone {
    East,
    West,
}

/// Types of others, and a key of two columns.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "hosts", key(zone, address))]
pub(crate) struct Host {
    pub(crate) zone: Zone,
    pub(crate) address: IpAddr,
    pub(crate) timeout: Duration,
    pub(crate) digest: [u8; 4],
    pub(crate) pair: (i8, char),
    pub(crate) weight: f32,
    pub(crate) tree: Tree,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree {
    pub(crate) name: String,
    pub(crate) below: Vec<Tree>,
}

pub(crate) fn pods() -> Vec<Pod> {
    let pod = |id: u64, node: Option<&str>, phase| Pod {
        id,
        node: node.map(str::to_owned),
        cpu: 1000 * id as u32,
        labels: BTreeMap::from([("app".to_owned(), format!("app-{id}"))]),
        phase,
        spec: Spec {
            image: format!("image:{id}"),
            ports: (0..id as u16).collect(),
            limits: (id != 2).then_some(Limits {
                cpu: id as u32,
                memory: -1,
            }),
        },
        note: format!("note {id}"),
    };
    vec![
        pod(1, None, Phase::Pending),
        pod(2, Some("n1"), Phase::Running { since: 1 << 40 }),
        pod(3, Some("n1"), Phase::Failed("gone".to_owned(), 3)),
    ]
}

pub(crate) fn jobs() -> Vec<Job> {
    let job = |name: &str, owner: &str, slot| Job {
        name: name.to_owned(),
        owner: owner.to_owned(),
        slot,
    };
    vec![job("a", "ann", 1), job("b", "bob", 2), job("c", "cleo", 1)]
}

pub(crate) fn leases() -> Vec<Lease> {
    let lease = |id, holder: &str, seconds| Lease {
        id,
        holder: holder.to_owned(),
        seconds,
    };
    vec![lease(1, "ann@n1", 30), lease(2, "bob@n2", 90)]
}

pub(crate) fn hosts() -> Vec<Host> {
    let tree = |name: &str, below| Tree {
        name: name.to_owned(),
        below,
    };
    let host = |zone, address: [u8; 4], weight| Host {
        zone,
        address: address.into(),
        timeout: Duration::from_millis(1500),
        digest: [1, 2, 3, 4],
        pair: (-5, 'ö'),
        weight,
        tree: tree("root", vec![tree("left", vec![tree("leaf", vec![])])]),
    };
    vec![
        host(Zone::East, [10, 0, 0, 1], 0.5),
        host(Zone::West, [10, 0, 0, 2], 1.5),
    ]
}

/// All tables, one commit for each.
pub(crate) fn write(path: &std::path::Path) {
    fn fill<T: Table>(db: &Database, rows: Vec<T>) {
        let insert = |row| db.write(|tx| tx.insert(row).map(drop));
        rows.into_iter()
            .try_for_each(insert)
            .unwrap_or_else(|error: Error| panic!("{error}"));
    }
    let db = Database::builder();
    let db = db.table::<Pod>().table::<Job>();
    let db = db.table::<Lease>().table::<Host>().open(path).unwrap();
    fill(&db, pods());
    fill(&db, jobs());
    fill(&db, leases());
    fill(&db, hosts());
    db.close().unwrap();
}
