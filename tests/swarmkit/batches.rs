//! Batches: much work as several transactions, so that others have their turn between them. Theirs commits by itself after 200 changes, since its log takes no more;
//! a transaction here has no such limit, and a batch is a loop over parts.

use sapwood::{Change, Database, Error, Revision};

use super::tables::{Object, Service, open, service};

/// The most that one transaction changes.
const AT_ONCE: usize = 200;

/// Does `each` for every item, in transactions of so many; the revisions of those that were committed, and the error of the one that was not.
fn batch<T>(
    db: &Database,
    items: &[T],
    mut each: impl FnMut(&mut sapwood::WriteTxn, &T) -> Result<(), Error>,
) -> (Vec<Revision>, Result<(), Error>) {
    let mut committed = Vec::new();
    for part in items.chunks(AT_ONCE) {
        let mut tx = match db.begin_write() {
            Ok(tx) => tx,
            Err(error) => return (committed, Err(error)),
        };
        let done = part.iter().try_for_each(|item| each(&mut tx, item));
        match done.and_then(|()| tx.commit()) {
            Ok(revision) => committed.push(revision),
            Err(error) => return (committed, Err(error)),
        }
    }
    (committed, Ok(()))
}

fn services(number: usize) -> Vec<Service> {
    (0..number)
        .map(|n| service(&format!("id{n:03}"), &format!("name{n}")))
        .collect()
}

/// 405 objects are three transactions, of 200, 200 and 5; whoever follows and keeps up gets a step of each, which says the revision it led to: their commit
/// marker, which has none after a batch.
#[test]
fn a_batch_of_405_is_three_transactions() {
    let db = open();
    let mut follower = db.follow(Service::ALL).unwrap();
    follower.next();
    let mut steps = Vec::new();
    let objects = services(405);
    let mut committed = Vec::new();
    for part in objects.chunks(AT_ONCE) {
        let (revisions, done) = batch(&db, part, |tx, service| {
            tx.insert(service.clone()).map(drop)
        });
        done.unwrap();
        committed.extend(revisions);
        let step = follower.next().unwrap();
        assert!(
            step.iter()
                .all(|change| matches!(change, Change::Inserted(_)))
        );
        steps.push((step.len(), step.to()));
    }
    assert_eq!(
        steps,
        [200, 200, 5].into_iter().zip(committed).collect::<Vec<_>>()
    );
    assert_eq!(db.revision(), Revision::new(3));
    assert_eq!(db.snapshot().count(Service::ALL), 405);
}

/// A batch that fails in its second part keeps the first one, whole, and nothing of the second; nobody is told of anything more.
#[test]
fn a_failing_batch_keeps_what_was_committed() {
    let db = open();
    let mut follower = db.follow(Service::ALL).unwrap();
    follower.next();
    let mut objects = services(405);
    objects[202].name = "NAME7".to_owned();
    let (committed, done) = batch(&db, &objects, |tx, service| {
        tx.insert(service.clone()).map(drop)
    });
    assert_eq!(committed.len(), 1);
    assert!(matches!(done, Err(Error::Duplicate { .. })));
    assert_eq!(db.snapshot().count(Service::ALL), 200);
    let step = follower.next().unwrap();
    assert_eq!((step.len(), step.to()), (200, committed[0]));
    assert!(follower.try_next().is_none());
}

/// Between the parts of a batch others write; what a part does, it does on what there is then. So it looks again, as each of theirs does.
#[test]
fn others_write_between_the_parts() {
    let db = open();
    batch(&db, &services(250), |tx, service| {
        tx.insert(service.clone()).map(drop)
    })
    .1
    .unwrap();
    let known: Vec<String> = db
        .snapshot()
        .list(Service::ALL)
        .map(|service| service.id.clone())
        .collect();
    let (mut updated, mut gone) = (0, 0);
    for (part, ids) in known.chunks(AT_ONCE).enumerate() {
        let (_, done) = batch(&db, ids, |tx, id| {
            if tx.get::<Service>(id.as_str()).is_none() {
                gone += 1;
                return Ok(());
            }
            updated += 1;
            tx.update::<Service>(id.as_str(), |service| service.runtime = "new".to_owned())
                .map(drop)
        });
        done.unwrap();
        if part == 0 {
            db.write(|tx| tx.remove_all(Service::BY_ID.range("id220"..)))
                .unwrap();
        }
    }
    assert_eq!((updated, gone), (220, 30));
    assert_eq!(db.snapshot().count(Service::BY_RUNTIME.eq("new")), 220);
}

/// One transaction takes all 405 at once as well, and far more: then it is all or nothing, and one step.
#[test]
fn a_transaction_has_no_limit_of_changes() {
    let db = open();
    let mut follower = db.follow(Service::ALL).unwrap();
    follower.next();
    let objects = services(3000);
    db.write(|tx| {
        objects
            .iter()
            .try_for_each(|service| tx.insert(service.clone()).map(drop))
    })
    .unwrap();
    assert_eq!(db.revision(), Revision::new(1));
    let step = follower.next().unwrap();
    assert_eq!(step.len(), 3000);
    assert!(
        step.iter()
            .map(|change| change.after().unwrap().id())
            .is_sorted()
    );
}
