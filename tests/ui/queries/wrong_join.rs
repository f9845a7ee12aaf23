//! A join is by a key of the other index.

use sapwood::{Snapshot, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
struct Node {
    #[key]
    name: String,
}

#[derive(Table, Serialize, Deserialize)]
struct Pod {
    #[key]
    id: u64,
    node: Option<String>,
}

fn join(snapshot: &Snapshot) {
    let _ = snapshot.join(Pod::ALL, Node::BY_NAME, |pod| Some(pod.id));
}

fn main() {}
