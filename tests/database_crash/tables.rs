//! Three tables with indexes of every kind, transactions on them, and what must be in them.

use std::collections::{BTreeMap, BTreeSet};

use sapwood::{Database, Error, Revision, Row, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

use super::sim::{Random, filled};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "nodes")]
#[table(index(by_size, with(size_of) -> u8))]
pub struct Node {
    #[key]
    pub name: String,
    #[index]
    pub zone: Option<u8>,
    #[index(unique)]
    pub address: Option<u16>,
    pub note: Vec<u8>,
}

fn size_of(node: &Node) -> u8 {
    node.note.len().min(255) as u8
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
#[table(index(by_node_phase, on(node, phase)))]
#[table(index(by_owner_number, on(owner, number), unique))]
pub struct Pod {
    #[key]
    pub id: u32,
    pub node: Option<String>,
    pub phase: u8,
    pub owner: u8,
    pub number: u32,
    #[index(each)]
    pub labels: BTreeSet<u8>,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "events", key(pod, number))]
pub struct Event {
    pub pod: u32,
    pub number: u32,
    #[index]
    pub weight: i16,
}

/// A row, and the commits that made it and last wrote it.
type Kept<T> = (T, Revision, Revision);

/// All rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub nodes: BTreeMap<String, Kept<Node>>,
    pub pods: BTreeMap<u32, Kept<Pod>>,
    pub events: BTreeMap<(u32, u32), Kept<Event>>,
}

fn kept<T: Clone>(row: &Row<T>) -> Kept<T> {
    (T::clone(row), row.created(), row.modified())
}

impl State {
    pub fn of(snapshot: &Snapshot) -> Self {
        let nodes = snapshot.list(Node::ALL);
        let pods = snapshot.list(Pod::ALL);
        let events = snapshot.list(Event::ALL);
        Self {
            nodes: nodes.map(|row| (row.name.clone(), kept(row))).collect(),
            pods: pods.map(|row| (row.id, kept(row))).collect(),
            events: events
                .map(|row| ((row.pod, row.number), kept(row)))
                .collect(),
        }
    }
}

/// Changes the tables, and the model as they must be then.
pub fn change(tx: &mut WriteTxn, state: &mut State, random: &mut Random) -> Result<(), Error> {
    let revision = tx.revision();
    for step in 0..=random.below(4) {
        let id = random.below(10) as u32;
        let name = format!("node-{}", random.below(7));
        // The last step always changes something.
        match random.below(6) {
            0 if step > 0 => {
                tx.remove::<Node>(&name)?;
                state.nodes.remove(&name);
            }
            1 if step > 0 => {
                tx.remove_all(Event::BY_POD_NUMBER.prefix(id))?;
                state.events.retain(|(pod, _), _| *pod != id);
                tx.remove::<Pod>(id)?;
                state.pods.remove(&id);
            }
            2 => {
                let len = [0, 30, 200, 900][random.below(4)];
                let node = Node {
                    zone: Some(random.below(4) as u8).filter(|zone| *zone > 0),
                    address: (!id.is_multiple_of(3)).then_some(name.as_bytes()[5].into()),
                    note: filled(len, random.next()),
                    name: name.clone(),
                };
                tx.put(node.clone())?;
                let created = state.nodes.get(&name).map_or(revision, |old| old.1);
                state.nodes.insert(name, (node, created, revision));
            }
            3 => {
                let pod = Pod {
                    id,
                    node: Some(name).filter(|_| id.is_multiple_of(2)),
                    phase: random.below(3) as u8,
                    owner: random.below(3) as u8,
                    number: id,
                    labels: (0..random.below(4))
                        .map(|_| random.below(6) as u8)
                        .collect(),
                };
                tx.put(pod.clone())?;
                let created = state.pods.get(&id).map_or(revision, |old| old.1);
                state.pods.insert(id, (pod, created, revision));
            }
            _ => {
                let number = random.below(5) as u32;
                let event = Event {
                    pod: id,
                    number,
                    weight: random.next() as i16,
                };
                tx.put(event.clone())?;
                let key = (id, number);
                let created = state.events.get(&key).map_or(revision, |old| old.1);
                state.events.insert(key, (event, created, revision));
            }
        }
    }
    Ok(())
}

/// Whether every index has exactly the rows, in its order.
pub fn indexes_agree(snapshot: &Snapshot) {
    fn same<'s, T: Table + Clone + PartialEq + std::fmt::Debug + 's, K: Ord, P: Ord>(
        rows: impl Iterator<Item = &'s Row<T>>,
        all: impl Iterator<Item = &'s Row<T>>,
        key: impl Fn(&T) -> (K, P),
    ) {
        let rows: Vec<T> = rows.map(|row| T::clone(row)).collect();
        let mut expected: Vec<T> = all.map(|row| T::clone(row)).collect();
        expected.sort_by_key(|row| key(row));
        assert_eq!(rows, expected, "an index of {}", T::NAME);
    }
    let nodes = || snapshot.list(Node::ALL);
    same(snapshot.list(Node::BY_ZONE.all()), nodes(), |node| {
        (node.zone, node.name.clone())
    });
    same(snapshot.list(Node::BY_ADDRESS.all()), nodes(), |node| {
        (node.address, node.name.clone())
    });
    same(snapshot.list(Node::BY_SIZE.all()), nodes(), |node| {
        (size_of(node), node.name.clone())
    });
    let pods = || snapshot.list(Pod::ALL);
    same(snapshot.list(Pod::BY_NODE_PHASE.all()), pods(), |pod| {
        ((pod.node.clone(), pod.phase), pod.id)
    });
    same(snapshot.list(Pod::BY_OWNER_NUMBER.all()), pods(), |pod| {
        ((pod.owner, pod.number), pod.id)
    });
    for label in 0..6u8 {
        let have = pods().filter(|pod| pod.labels.contains(&label));
        same(snapshot.list(Pod::BY_LABELS.eq(label)), have, |pod| {
            ((), pod.id)
        });
    }
    let events = snapshot.list(Event::ALL);
    same(snapshot.list(Event::BY_WEIGHT.all()), events, |event| {
        (event.weight, (event.pod, event.number))
    });
}

/// Whether watches and followers start from what was found, and see the next commit.
pub fn goes_on(db: &Database) {
    let snapshot = db.snapshot();
    let watch = snapshot.watch(Event::ALL);
    let mut follower = db.follow(Event::ALL).unwrap();
    let rows = snapshot.count(Event::ALL);
    assert_eq!(follower.try_next().map_or(0, |step| step.len()), rows);
    assert!(!watch.is_fired());
    let revision = snapshot.revision();
    let event = Event {
        pod: 77,
        number: 0,
        weight: 0,
    };
    let mut tx = db.begin_write().unwrap();
    tx.put(event).unwrap();
    assert_eq!(tx.commit().unwrap().get(), revision.get() + 1);
    assert!(watch.is_fired());
    let step = follower.try_next().unwrap();
    assert_eq!((step.len(), step.from()), (1, Some(revision)));
}
