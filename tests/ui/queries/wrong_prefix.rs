//! What has prefixes among the keys of an index is of their type, with all columns before it.

use sapwood::{Snapshot, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_host_path, on(host, path)))]
struct Rule {
    #[key]
    id: u64,
    host: u8,
    #[index]
    path: String,
}

fn find(snapshot: &Snapshot) {
    snapshot.longest_prefix(Rule::BY_ID, 7u64);
    snapshot.longest_prefix(Rule::BY_PATH, b"/a");
    snapshot.longest_prefix(Rule::BY_HOST_PATH, "/a");
}

fn main() {}
