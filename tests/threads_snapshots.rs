//! Writers, readers, watchers and followers at once, on several threads: what each sees is one commit, and no row leaks or is dropped twice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sapwood::watch::{Watch, WatchSet};
use sapwood::{Database, Durability, Error, Revision, Row, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

mod support;

use support::random::{Random, seed};

/// Counts the values that are alive, and those that were dropped though they were not.
#[derive(Default)]
struct Tally {
    alive: AtomicI64,
    dead: AtomicI64,
}

const ALIVE: u32 = 0xA11_5E11;

/// Lives in a row, and knows whether it still does.
struct Token {
    tally: Option<Arc<Tally>>,
    canary: u32,
}

impl Token {
    fn new(tally: &Arc<Tally>) -> Self {
        tally.alive.fetch_add(1, Ordering::Relaxed);
        Self {
            tally: Some(Arc::clone(tally)),
            canary: ALIVE,
        }
    }

    fn is_alive(&self) -> bool {
        self.canary == ALIVE
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        self.tally.as_ref().map_or_else(Self::default, Self::new)
    }
}

/// What comes from a file is not counted.
impl Default for Token {
    fn default() -> Self {
        Self {
            tally: None,
            canary: ALIVE,
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let alive = std::mem::replace(&mut self.canary, 0) == ALIVE;
        if let Some(tally) = &self.tally {
            tally.alive.fetch_sub(1, Ordering::Relaxed);
            tally.dead.fetch_add(i64::from(!alive), Ordering::Relaxed);
        }
    }
}

#[derive(Table, Clone, Serialize, Deserialize)]
#[table(name = "accounts")]
struct Account {
    #[key]
    id: u32,
    #[index]
    branch: u8,
    #[index]
    balance: i64,
    #[serde(skip)]
    token: Token,
}

/// Money that is on its way.
#[derive(Table, Clone, Serialize, Deserialize)]
#[table(name = "holds")]
struct Hold {
    #[key]
    id: u64,
    #[index]
    account: u32,
    #[index(unique)]
    name: String,
    amount: i64,
    #[serde(skip)]
    token: Token,
}

/// Accounts that are always there.
const ACCOUNTS: u32 = 60;
const TOTAL: i64 = 100_000;

fn open(tally: &Arc<Tally>, storage: Option<Durability>) -> Database {
    let builder = Database::builder().table::<Account>().table::<Hold>();
    let db = match storage {
        None => builder.in_memory(),
        Some(durability) => builder
            .durability(durability)
            .open_storage(Box::<sapwood::pagefile::MemStorage>::default()),
    }
    .unwrap();
    db.write(|tx| {
        for id in 0..ACCOUNTS {
            tx.insert(Account {
                id,
                branch: (id % 5) as u8,
                balance: if id == 0 { TOTAL } else { 0 },
                token: Token::new(tally),
            })?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db
}

/// One commit: money goes from account to account, onto hold and back, and none is lost.
fn transfer(
    tx: &mut WriteTxn,
    random: &mut Random,
    tally: &Arc<Tally>,
    next: &mut u64,
) -> Result<(), Error> {
    for _ in 0..=random.below(6) {
        let from = random.below(ACCOUNTS as usize) as u32;
        let to = random.below(ACCOUNTS as usize) as u32;
        let balance = tx.get::<Account>(from).map_or(0, |row| row.balance);
        let amount = i64::from(random.next() as u16 % 500) % (balance.abs() + 1);
        match random.below(4) {
            0 => {
                *next += 1;
                tx.update::<Account>(from, |account| account.balance -= amount)?;
                tx.insert(Hold {
                    id: *next,
                    account: from,
                    name: format!("hold-{next:020}"),
                    amount,
                    token: Token::new(tally),
                })?;
            }
            1 => {
                // All of an account's holds, or only the newest.
                let query = Hold::BY_ACCOUNT.eq(from);
                if random.below(2) == 0 {
                    let amount: i64 = tx.list(query.clone()).map(|hold| hold.amount).sum();
                    tx.remove_all(query)?;
                    tx.update::<Account>(to, |account| account.balance += amount)?;
                } else if let Some(id) = tx.last(query).map(|hold| hold.id) {
                    let hold = tx.remove::<Hold>(id)?;
                    let amount = hold.map_or(0, |hold| hold.amount);
                    tx.update::<Account>(to, |account| account.balance += amount)?;
                }
            }
            _ => {
                tx.update::<Account>(from, |account| account.balance -= amount)?;
                tx.update::<Account>(to, |account| {
                    account.balance += amount;
                    account.branch = account.branch.wrapping_add(1) % 5;
                })?;
                // Refused: it is there.
                let refused = tx.insert(Account {
                    id: to,
                    branch: 0,
                    balance: 0,
                    token: Token::new(tally),
                });
                assert!(matches!(refused, Err(Error::Duplicate { .. })));
            }
        }
    }
    Ok(())
}

fn write(db: &Database, mut random: Random, tally: &Arc<Tally>, ids: u64, commits: usize) {
    let mut next = ids;
    for _ in 0..commits {
        let before = next;
        let mut tx = db.begin_write().unwrap();
        transfer(&mut tx, &mut random, tally, &mut next).unwrap();
        if random.below(8) == 0 {
            drop(tx);
            next = before;
        } else {
            tx.commit().unwrap();
        }
        if random.below(50) == 0 {
            db.reclaim().unwrap();
        }
    }
}

/// The two tables are of one commit, and each index has the very rows of its table.
fn check(snapshot: &Snapshot) {
    let accounts: Vec<_> = snapshot.list(Account::ALL).collect();
    let holds: Vec<_> = snapshot.list(Hold::ALL).collect();
    assert_eq!(accounts.len(), ACCOUNTS as usize);
    assert_eq!(snapshot.count(Hold::ALL), holds.len());
    let balances: i64 = accounts.iter().map(|row| row.balance).sum();
    let amounts: i64 = holds.iter().map(|row| row.amount).sum();
    assert_eq!(balances + amounts, TOTAL);
    for query in [Account::BY_BRANCH.all(), Account::BY_BALANCE.all()] {
        let mut rows: Vec<_> = snapshot.list(query).collect();
        rows.sort_by_key(|row| row.id);
        assert_eq!(rows.len(), accounts.len());
        assert!(rows.iter().zip(&accounts).all(|(a, b)| a.same(b)));
    }
    for query in [Hold::BY_ACCOUNT.all(), Hold::BY_NAME.all()] {
        let mut rows: Vec<_> = snapshot.list(query).collect();
        rows.sort_by_key(|row| row.id);
        assert_eq!(rows.len(), holds.len());
        assert!(rows.iter().zip(&holds).all(|(a, b)| a.same(b)));
    }
    let modified = accounts.iter().map(|row| row.modified());
    let modified = modified.chain(holds.iter().map(|row| row.modified()));
    assert!(modified.max() <= Some(snapshot.revision()));
    assert!(accounts.iter().all(|row| row.token.is_alive()));
    assert!(holds.iter().all(|row| row.token.is_alive()));
}

/// What a reader keeps, and what it must still be.
enum Held {
    Snapshot(Snapshot, Revision),
    Account(Row<Account>, u32, i64),
    Hold(Row<Hold>, u64, i64),
    /// A database of the reader's own, and where it stands.
    Fork(Database, Revision),
}

impl Held {
    fn check(&self) {
        match self {
            Self::Snapshot(snapshot, revision) => {
                assert_eq!(snapshot.revision(), *revision);
                check(snapshot);
            }
            Self::Account(row, id, balance) => {
                assert!(row.token.is_alive());
                assert_eq!((row.id, row.balance), (*id, *balance));
            }
            Self::Hold(row, id, amount) => {
                assert!(row.token.is_alive());
                assert_eq!((row.id, row.amount), (*id, *amount));
            }
            Self::Fork(db, revision) => {
                assert_eq!(db.revision(), *revision);
                check(&db.snapshot());
            }
        }
    }
}

/// Takes, clones, keeps, passes on and drops snapshots and rows. Gives what is left.
fn read(
    db: &Database,
    mut random: Random,
    actions: usize,
    tally: &Arc<Tally>,
    to: &Sender<Held>,
    from: &Mutex<Receiver<Held>>,
) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    let mut newest = Revision::ZERO;
    for _ in 0..actions {
        let which = random.below(held.len());
        match random.below(10) {
            0 | 1 => {
                let snapshot = db.snapshot();
                let revision = snapshot.revision();
                assert!(revision >= newest, "time goes forward");
                newest = revision;
                held.push(Held::Snapshot(snapshot, revision));
            }
            2 => {
                if let Some(Held::Snapshot(snapshot, revision)) = held.get(which) {
                    let clone = Held::Snapshot(snapshot.clone(), *revision);
                    held.push(clone);
                }
            }
            3 => {
                if let Some(Held::Snapshot(snapshot, _)) = held.get(which) {
                    let id = random.below(ACCOUNTS as usize) as u32;
                    let row = snapshot.get::<Account>(id).unwrap().clone();
                    let other = snapshot.last(Hold::BY_ACCOUNT.eq(id)).cloned();
                    let balance = row.balance;
                    held.push(Held::Account(row, id, balance));
                    held.extend(other.map(|row| {
                        let (id, amount) = (row.id, row.amount);
                        Held::Hold(row, id, amount)
                    }));
                }
            }
            4 if !held.is_empty() => {
                to.send(held.swap_remove(which)).unwrap();
            }
            5 => held.extend(from.lock().unwrap().try_recv()),
            6 => {
                let fork = match held.get(which) {
                    Some(Held::Snapshot(snapshot, _)) => snapshot.fork(),
                    Some(Held::Fork(fork, _)) => fork.snapshot().fork(),
                    _ => continue,
                };
                let mut next = random.next() >> 1;
                let wrote = fork.write(|tx| transfer(tx, &mut random, tally, &mut next));
                wrote.unwrap();
                let at = fork.revision();
                held.push(Held::Fork(fork, at));
            }
            7 | 8 if held.len() > 30 => drop(held.swap_remove(which)),
            _ => {
                if let Some(held) = held.get(which) {
                    held.check();
                }
            }
        }
    }
    held
}

/// Takes watches on new and old snapshots and drops them. For a row that is never removed, a watch has fired exactly if the row was written since.
fn watch(db: &Database, mut random: Random, actions: usize, done: &AtomicBool) {
    let mut snapshots = vec![db.snapshot()];
    let mut watches: Vec<(Watch, Snapshot, u32)> = Vec::new();
    let mut crowd = WatchSet::new();
    let changed = |since: &Snapshot, now: &Snapshot, id: u32| {
        !since
            .get::<Account>(id)
            .unwrap()
            .same(now.get::<Account>(id).unwrap())
    };
    for _ in 0..actions {
        match random.below(8) {
            0 => snapshots.push(db.snapshot()),
            1 if snapshots.len() > 8 => drop(snapshots.swap_remove(random.below(9))),
            2 | 3 => {
                let snapshot = snapshots[random.below(snapshots.len())].clone();
                let id = random.below(ACCOUNTS as usize) as u32;
                watches.push((snapshot.watch(Account::BY_ID.eq(id)), snapshot, id));
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
                let (watch, since, id) = &watches[which];
                if watch.is_fired() {
                    assert!(changed(since, &db.snapshot(), *id), "nothing was written");
                    drop(watches.swap_remove(which));
                } else if changed(since, &db.snapshot(), *id) {
                    // The one who published is about to tell.
                    assert_eq!(watch.wait_timeout(Duration::from_secs(60)), Ok(true));
                }
            }
            _ => {}
        }
    }
    while !done.load(Ordering::Acquire) {
        thread::yield_now();
    }
    let now = db.snapshot();
    for (watch, since, id) in &watches {
        assert_eq!(watch.is_fired(), changed(since, &now, *id));
    }
}

/// Keeps a replica of one index until the database is closed.
fn follow(mut follower: sapwood::Follow<Hold>) -> BTreeMap<u64, Row<Hold>> {
    let mut replica = BTreeMap::new();
    let mut at = None;
    for batch in &mut follower {
        assert_eq!(batch.from(), at);
        at = Some(batch.to());
        for change in batch {
            let before = match change.after() {
                Some(new) => replica.insert(new.id, new.clone()),
                None => change.before().and_then(|old| replica.remove(&old.id)),
            };
            assert_eq!(
                before.as_ref().map(|row| row.id),
                change.before().map(|row| row.id)
            );
            assert!(before.iter().zip(change.before()).all(|(a, b)| a.same(b)));
        }
    }
    replica
}

/// Everybody at once. What the readers still hold at the end is given back, with the database.
fn run(storage: Option<Durability>, tally: &Arc<Tally>, commits: usize) -> (Database, Vec<Held>) {
    let seed = seed();
    let db = open(tally, storage);
    let (to, from) = channel();
    let from = Arc::new(Mutex::new(from));
    let done = Arc::new(AtomicBool::new(false));
    let follower = db.follow(Hold::BY_NAME.all()).unwrap();
    let follower = thread::spawn(move || follow(follower));
    let readers: Vec<_> = (0..3)
        .map(|n| {
            let (db, to, from) = (db.clone(), to.clone(), Arc::clone(&from));
            let tally = Arc::clone(tally);
            let random = Random::new(seed ^ n);
            thread::spawn(move || read(&db, random, commits * 2, &tally, &to, &from))
        })
        .collect();
    let watchers: Vec<_> = (0..2)
        .map(|n| {
            let (db, done) = (db.clone(), Arc::clone(&done));
            thread::spawn(move || watch(&db, Random::new(!seed ^ n), commits * 2, &done))
        })
        .collect();
    let writers: Vec<_> = (0..2)
        .map(|n| {
            let (db, tally) = (db.clone(), Arc::clone(tally));
            let random = Random::new(seed.rotate_left(32) ^ n);
            thread::spawn(move || write(&db, random, &tally, n << 32, commits))
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    done.store(true, Ordering::Release);
    let mut held: Vec<Held> = readers
        .into_iter()
        .flat_map(|reader| reader.join().unwrap())
        .collect();
    for watcher in watchers {
        watcher.join().unwrap();
    }
    held.extend(from.lock().unwrap().try_iter());
    let last = db.snapshot();
    check(&last);
    // A clone, so that the handle stays.
    db.clone().close().unwrap();
    let replica = follower.join().unwrap();
    let expected: Vec<_> = last.list(Hold::ALL).collect();
    assert!(replica.values().eq(expected), "the replica is the table");
    (db, held)
}

impl PartialEq for Token {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl PartialEq for Hold {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.account, self.amount, &self.name)
            == (other.id, other.account, other.amount, &other.name)
    }
}

fn all_gone(tally: &Tally) {
    assert_eq!(tally.alive.load(Ordering::Relaxed), 0, "rows leak");
    assert_eq!(tally.dead.load(Ordering::Relaxed), 0, "rows dropped twice");
}

/// Drops all of it in random order, on two threads, checking what is left.
fn release(mut held: Vec<Held>) {
    let mut random = Random::new(seed());
    let mut other = Vec::new();
    while !held.is_empty() {
        let one = held.swap_remove(random.below(held.len()));
        match random.below(8) {
            0 => one.check(),
            1..4 => other.push(one),
            _ => drop(one),
        }
    }
    thread::spawn(move || {
        for one in &other {
            one.check();
        }
    })
    .join()
    .unwrap();
}

/// In memory, with the snapshots gone before the database.
#[test]
fn every_snapshot_is_one_commit_and_no_row_leaks() {
    let tally = Arc::default();
    let (db, held) = run(None, &tally, 1500);
    release(held);
    drop(db);
    all_gone(&tally);
}

/// In memory, with the database gone before the snapshots.
#[test]
fn snapshots_outlive_the_database_and_no_row_leaks() {
    let tally = Arc::default();
    let (db, held) = run(None, &tally, 1500);
    drop(db);
    release(held);
    all_gone(&tally);
}

/// Where commits go to a file, by the thread that commits or by one of its own.
#[test]
fn a_durable_database_leaks_no_row() {
    let eventual = Durability::Eventual {
        within: Duration::from_millis(1),
    };
    for durability in [Durability::Immediate, eventual, Durability::Checkpoint] {
        let tally = Arc::default();
        let (db, held) = run(Some(durability), &tally, 300);
        drop(db);
        release(held);
        all_gone(&tally);
    }
}

/// Once nobody holds a snapshot, reclaiming leaves the rows that the database shows and no other.
#[test]
fn reclaiming_leaves_what_the_database_shows() {
    let tally = Arc::default();
    let db = open(&tally, None);
    let mut random = Random::new(seed());
    let mut held = Vec::new();
    let mut next = 0;
    for number in 0..400 {
        held.push(db.snapshot());
        db.write(|tx| transfer(tx, &mut random, &tally, &mut next))
            .unwrap();
        if number % 3 == 0 {
            held.swap_remove(random.below(held.len()));
        }
        if number % 40 == 39 {
            for snapshot in &held {
                check(snapshot);
            }
            held.clear();
            db.reclaim().unwrap();
            let snapshot = db.snapshot();
            let shown = snapshot.count(Account::ALL) + snapshot.count(Hold::ALL);
            assert_eq!(
                tally.alive.load(Ordering::Relaxed),
                i64::try_from(shown).unwrap()
            );
        }
    }
    drop((db, held));
    all_gone(&tally);
}
