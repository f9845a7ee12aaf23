//! Tables that come to a program and leave it.

use sapwood::{Error, Revision, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{File, revisions, rows};
use super::past;

/// A table that the program does not declare is kept through commits, checkpoints and changes of others, and comes back as it was.
#[test]
fn table_removed_and_back() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "jobs")]
    struct Job {
        #[key]
        name: String,
        #[serde(default)]
        done: bool,
    }
    let file = File::golden();
    let old = file.open(|db| db.table::<past::Pod>().table::<past::Host>());
    let old = old.unwrap();
    let before = revisions(&old, past::Pod::ALL);
    let hosts = revisions(&old, past::Host::ALL);
    drop(old);

    let db = file.open_with::<Job>();
    db.write(|tx| tx.remove_all(Job::ALL))
        .unwrap_or_else(|error: Error| panic!("{error}"));
    db.checkpoint().unwrap();
    let job = |name: &str| Job {
        name: name.to_owned(),
        done: true,
    };
    db.write(|tx| tx.insert(job("z"))).unwrap();
    let revision = db.revision();
    db.close().unwrap();
    // By a program that knows no table at all.
    file.open(|db| db).unwrap().close().unwrap();

    let db = file.open(|db| db.table::<past::Host>().table::<Job>().table::<past::Pod>());
    let db = db.unwrap();
    assert_eq!(db.revision(), revision);
    assert_eq!(rows(&db, past::Pod::ALL), past::pods());
    assert_eq!(rows(&db, past::Host::ALL), past::hosts());
    assert_eq!(rows(&db, Job::ALL), [job("z")]);
    assert_eq!(revisions(&db, past::Pod::ALL), before);
    assert_eq!(revisions(&db, past::Host::ALL), hosts);
    assert!(db.snapshot().table_revision::<past::Pod>() <= Revision::new(revision.get()));
}

/// A table that comes back in another shape is read by the shape that it had when it left.
#[test]
fn table_back_in_another_shape() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "jobs")]
    struct Job {
        slot: u32,
        #[key]
        name: String,
    }
    let file = File::golden();
    file.open_with::<past::Pod>().close().unwrap();
    let db = file.open_with::<Job>();
    let slots: Vec<u32> = rows(&db, Job::ALL).iter().map(|job| job.slot).collect();
    assert_eq!(slots, [1, 2, 1]);
}
