//! Indexes that come to a struct and leave it.

use sapwood::{Builder, Error, Table};
use serde::{Deserialize, Serialize};

use super::fixture::File;
use super::past;

/// An index that is added is built when the file is opened, one that is dropped is gone, and rows stay as they are.
#[test]
fn index_added_and_dropped() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "jobs", index(by_slot_owner, on(desc(slot), owner), unique))]
    struct Job {
        #[key]
        name: String,
        #[index]
        owner: String,
        slot: u16,
    }
    let file = File::golden();
    for _ in 0..2 {
        let db = file.open_with::<Job>();
        let snapshot = db.snapshot();
        assert_eq!(snapshot.count(Job::BY_OWNER.eq("bob")), 1);
        let order = snapshot.list(Job::BY_SLOT_OWNER.all());
        let order: Vec<&str> = order.map(|job| job.name.as_str()).collect();
        assert_eq!(order, ["b", "a", "c"]);
    }
    let db = file.open_with::<past::Job>();
    assert_eq!(db.snapshot().count(past::Job::ALL), 3);
}

/// A unique index over rows that have one key is refused, with that key and the keys of both rows; then the file opens as before.
#[test]
fn unique_index_over_duplicates() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "jobs")]
    struct Job {
        #[key]
        name: String,
        owner: String,
        #[index(unique)]
        slot: u16,
    }
    let file = File::golden();
    assert_eq!(
        file.refused::<Job>(),
        r#"table `jobs`: index `by_slot` has 1 already, for the row "a"; the row "c" was refused"#
    );
    let error = file.open(Builder::table::<Job>).map(drop).unwrap_err();
    assert!(
        matches!(&error, Error::Duplicate { existing, refused, .. } if (existing.as_str(), refused.as_str()) == (r#""a""#, r#""c""#))
    );
    file.open_with::<past::Job>();
}
