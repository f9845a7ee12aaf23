//! Commits that are refused at their end, and those that another database decided.

use sapwood::{Change, ChangeList, Database, Error, Revision};

use super::fixture::{Job, Pod, open, pod, refused, says};

/// The changes of a transaction on a database of both tables.
fn changes(pods: &[&str], jobs: &[u64], remove: &[u64]) -> ChangeList {
    let db = Database::builder()
        .table::<Pod>()
        .table::<Job>()
        .in_memory()
        .unwrap();
    db.write(|tx| {
        let mut removed = remove.iter();
        removed.try_for_each(|&id| tx.insert(Job { id }).map(drop))
    })
    .unwrap_or_else(|error: Error| panic!("{error}"));
    let mut tx = db.begin_write().unwrap();
    for name in pods {
        tx.insert(pod(name)).unwrap();
    }
    for &id in jobs {
        tx.insert(Job { id }).unwrap();
    }
    for &id in remove {
        tx.remove::<Job>(id).unwrap();
    }
    tx.stage().unwrap().changes().unwrap().clone()
}

/// A row that a validator refuses: its key, and what the validator says.
#[test]
fn invalid() {
    let db = Database::builder()
        .validate(|change: &Change<Pod>, _| {
            let small = change.after().is_none_or(|pod| pod.slot < 10);
            small.then_some(()).ok_or("its slot is above 9")
        })
        .in_memory()
        .unwrap();
    let mut web = pod("web");
    web.slot = 12;
    let error = refused(&db, |tx| tx.insert(web));
    assert!(matches!(&error, Error::Invalid { table: "pods", .. }));
    says(
        &error,
        "table `pods`: the row (\"prod\", \"web\") is not valid: its slot is above 9",
    );
}

/// A commit at a number that is not above the published one: both.
#[test]
fn revision_order() {
    let db = open();
    db.write(|tx| tx.insert(pod("web"))).unwrap();
    let mut tx = db.begin_write().unwrap();
    tx.insert(pod("api")).unwrap();
    let error = tx
        .stage()
        .unwrap()
        .publish_at(Revision::new(1))
        .unwrap_err();
    assert!(matches!(&error, Error::RevisionOrder { .. }));
    says(
        &error,
        &format!(
            "a commit cannot have revision 1: it must be greater than 1, which is published, and at most {}",
            Revision::MAX
        ),
    );
}

/// Changes of a table that this database does not have.
#[test]
fn foreign_changes() {
    let error = open().apply(&changes(&["web"], &[1], &[]), Revision::new(2));
    let error = error.unwrap_err();
    assert!(matches!(&error, Error::ForeignChanges { table } if table == "jobs"));
    says(
        &error,
        "the changes are of a table `jobs` that is not part of this database; add it to the builder with `.table::<…>()`",
    );
}

/// Changes that remove a row which is not there: its key, as bytes.
#[test]
fn diverged() {
    let db = Database::builder().table::<Job>().in_memory().unwrap();
    let error = db
        .apply(&changes(&[], &[], &[7]), Revision::new(2))
        .unwrap_err();
    assert!(matches!(&error, Error::Diverged { table: "jobs", .. }));
    says(
        &error,
        "table `jobs`: the changes remove the row 0000000000000007, which is not there; the database is not the one that they were made for",
    );
}

/// Bytes that are no list of changes: what is wrong, and where.
#[test]
fn no_changes() {
    let bytes = changes(&["a", "b"], &[], &[]).to_bytes();
    let refused = |bytes: &[u8]| ChangeList::from_bytes(bytes).unwrap_err().to_string();
    let cut = refused(&bytes[..bytes.len() - 1]);
    assert_eq!(cut, "the list of changes ends too early");
    assert_eq!(
        refused(&[&bytes[..], &[0, 0]].concat()),
        "2 bytes are left over after the list of changes"
    );
    // The keys of both rows are one byte and the end of the text: the second becomes less than the first.
    let at = bytes.iter().rposition(|&byte| byte == b'b').unwrap();
    let places: Vec<_> = (0..=at).filter(|at| bytes[*at] == b'b').collect();
    let found = places.into_iter().map(|at| {
        let mut bytes = bytes.clone();
        bytes[at] = b'A';
        ChangeList::from_bytes(&bytes).map_err(|error| error.to_string())
    });
    let wrong = "the rows are not in the order of their keys";
    assert!(found.into_iter().any(|refused| refused.is_err_and(|words| {
        words.starts_with("the list of changes is damaged at byte ") && words.ends_with(wrong)
    })));
}
