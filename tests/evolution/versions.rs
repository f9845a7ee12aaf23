//! Changes that serde's rules cannot make, step by step.

use std::path::Path;

use sapwood::{Database, Error, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{File, revisions, rows};
use super::past;

/// The leases of version 2: a table like any other.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "leases", version = 2, from(past::Lease))]
pub(crate) struct Second {
    #[key]
    id: u32,
    user: String,
    node: String,
    seconds: u32,
}

impl From<past::Lease> for Second {
    fn from(old: past::Lease) -> Self {
        let (user, node) = old.holder.split_once('@').unwrap();
        Self {
            id: old.id,
            user: user.to_owned(),
            node: node.to_owned(),
            seconds: old.seconds,
        }
    }
}

/// The same, as the program of version 3 keeps it: no table, but a struct to read by. It has lost a field that nobody needs.
#[derive(Deserialize)]
struct SecondThen {
    id: u32,
    user: String,
    seconds: u64,
}

impl From<past::Lease> for SecondThen {
    fn from(old: past::Lease) -> Self {
        let second = Second::from(old);
        Self {
            id: second.id,
            user: second.user,
            seconds: second.seconds.into(),
        }
    }
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "leases", version = 3, from(SecondThen, past::Lease))]
struct Third {
    #[key]
    id: u32,
    user: String,
    millis: u64,
}

impl From<SecondThen> for Third {
    fn from(old: SecondThen) -> Self {
        Self {
            id: old.id,
            user: old.user.to_uppercase(),
            millis: old.seconds * 1000,
        }
    }
}

/// What the first file is after the program of version 2 had it.
pub(crate) fn write_second(path: &Path) {
    past::write(path);
    let db = Database::builder().table::<Second>();
    let db = db.open(path).unwrap();
    let row = Second {
        id: 3,
        user: "cleo".to_owned(),
        node: "n3".to_owned(),
        seconds: 7,
    };
    db.write(|tx| tx.insert(row)).unwrap();
    db.close().unwrap();
}

fn third(id: u32, user: &str, millis: u64) -> Third {
    Third {
        id,
        user: user.to_owned(),
        millis,
    }
}

/// One step, from the struct of the version before; and the file is of the new version from then on.
#[test]
fn one_step() {
    let file = File::golden();
    let old = file.open_with::<past::Lease>();
    let before = revisions(&old, past::Lease::ALL);
    drop(old);
    let expected: Vec<Second> = past::leases().into_iter().map(Second::from).collect();
    for _ in 0..2 {
        let db = file.open_with::<Second>();
        assert_eq!(rows(&db, Second::ALL), expected);
        assert_eq!(revisions(&db, Second::ALL), before);
    }
    assert_eq!(
        file.refused::<past::Lease>(),
        "table `leases`: the rows are of version 2 in the file and 1 in the program, which does not say how to read them with \
         `#[table(from(..))]`"
    );
}

/// Two steps from version 1, one from version 2, whose struct in the program is not quite the one that wrote the rows.
#[test]
fn two_steps() {
    let first = [third(1, "ANN", 30_000), third(2, "BOB", 90_000)];
    let second = [&first[..], &[third(3, "CLEO", 7_000)]].concat();
    for (name, expected) in [("first.sap", &first[..]), ("second.sap", &second)] {
        let file = File::copy(name);
        for _ in 0..2 {
            let db = file.open_with::<Third>();
            assert_eq!(rows(&db, Third::ALL), expected);
        }
        file.open_with::<Third>()
            .write(|tx| tx.update::<Third>(1, |lease| lease.millis = 1))
            .unwrap_or_else(|error: Error| panic!("{error}"));
        assert_eq!(rows(&file.open_with::<Third>(), Third::ALL)[0].millis, 1);
    }
}

/// A version that the program has no struct for is refused.
#[test]
fn no_way_from_a_version() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "leases", version = 3, from(Second))]
    struct OnlyFromSecond {
        #[key]
        id: u32,
    }
    impl From<Second> for OnlyFromSecond {
        fn from(old: Second) -> Self {
            Self { id: old.id }
        }
    }
    let file = File::golden();
    assert_eq!(
        file.refused::<OnlyFromSecond>(),
        "table `leases`: the rows are of version 1 in the file and 3 in the program, which does not say how to read them with \
         `#[table(from(..))]`"
    );
    let db = File::copy("second.sap").open_with::<OnlyFromSecond>();
    assert_eq!(rows(&db, OnlyFromSecond::ALL).len(), 3);
}
