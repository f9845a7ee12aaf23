//! Who watches: some ask whether watches have fired, some wait, alone or on many at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sapwood::watch::{Watch, WatchId, WatchSet};
use sapwood::{Database, Query, Row, Snapshot, Table};

use super::bank::{ACCOUNTS, Account, Entry, Hold};
use super::pace::{Counts, Party, count};
use super::random::Random;

/// What was read of a query when its watch was taken.
pub(crate) struct Look<T> {
    query: Query<T>,
    rows: Vec<Row<T>>,
    /// Whether the rows differ whenever the watch fires: not so where one can come and go again.
    exact: bool,
}

/// A look at a query of any table.
pub(crate) trait AnyLook: Send {
    /// Reads the query again, after the watch fired or at first, and takes the next watch.
    fn again(&mut self, snapshot: &Snapshot, fired: bool) -> Watch;

    /// Its watch has fired, so there must be something new.
    fn has_fired(&self, now: &Snapshot);

    /// Whether what was read is what the snapshot shows.
    fn is_of(&self, snapshot: &Snapshot) -> bool;
}

pub(crate) fn look<T: Table>(query: Query<T>, exact: bool) -> Box<dyn AnyLook> {
    Box::new(Look {
        query,
        rows: Vec::new(),
        exact,
    })
}

impl<T: Table> AnyLook for Look<T> {
    fn again(&mut self, snapshot: &Snapshot, fired: bool) -> Watch {
        if fired {
            self.has_fired(snapshot);
        }
        self.rows = snapshot.list(self.query.clone()).cloned().collect();
        snapshot.watch(self.query.clone())
    }

    fn has_fired(&self, now: &Snapshot) {
        assert!(
            !self.exact || !self.is_of(now),
            "fired for nothing: {:?}",
            self.query
        );
    }

    fn is_of(&self, snapshot: &Snapshot) -> bool {
        let now = snapshot.list(self.query.clone());
        now.clone().count() == self.rows.len() && self.rows.iter().zip(now).all(|(a, b)| a.same(b))
    }
}

/// Waits for one query until the database is closed. What was read last must then be the end.
pub(crate) fn wait(db: &Database, mut look: Box<dyn AnyLook>, counts: &Counts) -> Box<dyn AnyLook> {
    let mut fired = false;
    loop {
        let watch = look.again(&db.snapshot(), fired);
        count(&counts.watches);
        if watch.wait().is_err() {
            return look;
        }
        count(&counts.wakes);
        fired = true;
    }
}

/// As [`wait`], by way of the call that returns only for a result that differs.
pub(crate) fn wait_changed<T: Table>(
    db: &Database,
    query: &Query<T>,
    counts: &Counts,
) -> Box<dyn AnyLook> {
    let mut look = look(query.clone(), true);
    let mut seen = db.snapshot();
    drop(look.again(&seen, false));
    while let Ok(changed) = db.wait_changed(&seen, query.clone()) {
        assert!(changed.revision() > seen.revision());
        drop(look.again(&changed, true));
        seen = changed;
        count(&counts.wakes);
    }
    look
}

/// As [`wait`], for many queries of all tables in one set.
pub(crate) fn wait_for_all(db: &Database, counts: &Counts) -> Vec<Box<dyn AnyLook>> {
    let mut set = WatchSet::new();
    let mut of: HashMap<WatchId, Box<dyn AnyLook>> = HashMap::new();
    let accounts = (0..ACCOUNTS).map(|id| look(Account::BY_ID.eq(id), true));
    let branches = (0..5).map(|branch| look(Account::BY_BRANCH.eq(branch), false));
    let holds = (0..20).map(|id| look(Hold::BY_ACCOUNT.range(id * 3..id * 3 + 5), false));
    let entries = (0..ACCOUNTS).map(|id| look(Entry::BY_ACCOUNTS.eq(id), false));
    let snapshot = db.snapshot();
    for mut look in accounts.chain(branches).chain(holds).chain(entries) {
        of.insert(set.add(look.again(&snapshot, false)), look);
    }
    drop(snapshot);
    while let Ok(fired) = set.wait() {
        assert!(!fired.is_empty());
        let now = db.snapshot();
        for id in fired {
            let mut look = of.remove(&id).expect("it is told once");
            of.insert(set.add(look.again(&now, true)), look);
            count(&counts.watches);
            count(&counts.wakes);
        }
    }
    of.into_values().collect()
}

/// Takes watches on new and old snapshots and drops them. Each has fired if its query has other rows than then; and where rows do not come and go, only
/// then.
pub(crate) fn ask(party: Party, number: u64, done: &AtomicBool) {
    let Party {
        db,
        counts,
        mut pace,
        seed,
        ..
    } = party;
    let mut random = Random::new(!seed ^ number);
    let mut snapshots = vec![db.snapshot()];
    let mut watches: Vec<(Watch, Box<dyn AnyLook>)> = Vec::new();
    let mut crowd = WatchSet::new();
    while pace.goes_on() {
        match random.below(8) {
            0 => snapshots.push(db.snapshot()),
            1 if snapshots.len() > 8 => drop(snapshots.swap_remove(random.below(9))),
            2 | 3 => {
                let snapshot = &snapshots[random.below(snapshots.len())];
                let mut look = any_look(&mut random);
                watches.push((look.again(snapshot, false), look));
                count(&counts.watches);
            }
            4 => {
                let snapshot = &snapshots[random.below(snapshots.len())];
                for account in 0..20 {
                    let _ = crowd.add(snapshot.watch(Hold::BY_ACCOUNT.range(account..account + 3)));
                }
                crowd.try_fired().unwrap();
                if crowd.len() > 200 {
                    crowd = WatchSet::new();
                }
            }
            5 if watches.len() > 40 => {
                drop(watches.swap_remove(random.below(watches.len())));
            }
            _ if !watches.is_empty() => {
                let which = random.below(watches.len());
                let (watch, look) = &watches[which];
                if watch.is_fired() {
                    look.has_fired(&db.snapshot());
                    drop(watches.swap_remove(which));
                } else if !look.is_of(&db.snapshot()) {
                    // The one who published is about to tell.
                    assert_eq!(watch.wait_timeout(Duration::from_secs(60)), Ok(true));
                }
            }
            _ => {}
        }
        snapshots.truncate(20);
        watches.truncate(100);
    }
    while !done.load(Ordering::Acquire) {
        thread::yield_now();
    }
    let now = db.snapshot();
    for (watch, look) in &watches {
        if watch.is_fired() {
            look.has_fired(&now);
        } else {
            assert!(look.is_of(&now), "it has not fired");
        }
    }
}

fn any_look(random: &mut Random) -> Box<dyn AnyLook> {
    let id = random.below(ACCOUNTS as usize) as u32;
    match random.below(5) {
        0 => look(Account::BY_BRANCH.eq((id % 5) as u8), false),
        1 => look(Hold::BY_ACCOUNT.range(id..id + 8), false),
        2 => look(Entry::BY_ACCOUNTS.eq(id), false),
        _ => look(Account::BY_ID.eq(id), true),
    }
}
