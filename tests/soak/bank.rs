//! A bank: three tables, and what is true of them together after every commit.
//!
//! Money is on accounts or on hold, and none is lost. An account's balance is what it opened with, and what the ledger says since; when old entries are
//! taken out of the ledger, what they said goes to what the accounts opened with. Entries and holds are of accounts that are there.

use std::collections::BTreeMap;
use std::sync::Arc;

use sapwood::{Database, Durability, Error, Row, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

use super::random::Random;
use super::tally::{Tally, Token};

#[derive(Table, Clone, Serialize, Deserialize)]
#[table(name = "accounts")]
pub(crate) struct Account {
    #[key]
    pub(crate) id: u32,
    #[index]
    pub(crate) branch: u8,
    #[index]
    pub(crate) balance: i64,
    /// What it had before the oldest entry in the ledger.
    pub(crate) opening: i64,
    #[serde(skip)]
    pub(crate) token: Token,
}

/// Money that is on its way.
#[derive(Table, Clone, Serialize, Deserialize)]
#[table(name = "holds")]
pub(crate) struct Hold {
    #[key]
    pub(crate) id: u64,
    #[index]
    pub(crate) account: u32,
    #[index(unique)]
    pub(crate) name: String,
    pub(crate) amount: i64,
    #[serde(skip)]
    pub(crate) token: Token,
}

/// Money that went from the first account to the second.
#[derive(Table, Clone, Serialize, Deserialize)]
#[table(name = "ledger")]
pub(crate) struct Entry {
    #[key]
    pub(crate) id: u64,
    #[index(each)]
    pub(crate) accounts: [u32; 2],
    pub(crate) amount: i64,
    #[serde(skip)]
    pub(crate) token: Token,
}

/// A row that has a number, which no other of its table has.
pub(crate) trait Numbered: Table {
    fn number(&self) -> u64;
}

impl Numbered for Account {
    fn number(&self) -> u64 {
        self.id.into()
    }
}

impl Numbered for Hold {
    fn number(&self) -> u64 {
        self.id
    }
}

impl Numbered for Entry {
    fn number(&self) -> u64 {
        self.id
    }
}

/// Accounts that are always there; behind them are some that come and go.
pub(crate) const ACCOUNTS: u32 = 60;
const ALL_ACCOUNTS: u32 = 80;
const TOTAL: i64 = 100_000;
const MOST_HOLDS: usize = 200;
const MOST_ENTRIES: usize = 300;

/// More rows than this the database never shows: a commit takes six steps at most.
pub(crate) const MOST_ROWS: usize = ALL_ACCOUNTS as usize + MOST_HOLDS + MOST_ENTRIES + 20;

pub(crate) fn open(tally: &Arc<Tally>, storage: Option<Durability>) -> Database {
    let builder = Database::builder()
        .table::<Account>()
        .table::<Hold>()
        .table::<Entry>();
    let db = match storage {
        None => builder.in_memory(),
        Some(durability) => builder
            .durability(durability)
            .open_storage(Box::<sapwood::pagefile::MemStorage>::default()),
    }
    .unwrap();
    db.write(|tx| {
        for id in 0..ACCOUNTS {
            let money = if id == 0 { TOTAL } else { 0 };
            tx.insert(account(id, money, tally))?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db
}

fn account(id: u32, money: i64, tally: &Arc<Tally>) -> Account {
    Account {
        id,
        branch: (id % 5) as u8,
        balance: money,
        opening: money,
        token: Token::new(tally),
    }
}

/// One commit: money goes from account to account, onto hold and back; accounts open and close.
pub(crate) fn transfer(
    tx: &mut WriteTxn,
    random: &mut Random,
    tally: &Arc<Tally>,
    next: &mut u64,
) -> Result<(), Error> {
    for _ in 0..=random.below(6) {
        let here = random.below(8) == 0;
        let savepoint = here.then(|| tx.savepoint());
        step(tx, random, tally, next)?;
        if let Some(savepoint) = savepoint {
            tx.rollback_to(&savepoint)?;
        }
    }
    Ok(())
}

fn step(
    tx: &mut WriteTxn,
    random: &mut Random,
    tally: &Arc<Tally>,
    next: &mut u64,
) -> Result<(), Error> {
    let from = any_account(tx, random);
    let to = any_account(tx, random);
    let balance = tx.get::<Account>(from).map_or(0, |row| row.balance);
    let amount = i64::from(random.next() as u16 % 500) % (balance.abs() + 1);
    match random.below(8) {
        0 if tx.count(Hold::ALL) < MOST_HOLDS => {
            *next += 1;
            give(tx, from, -amount)?;
            tx.insert(Hold {
                id: *next,
                account: from,
                name: format!("hold-{next:020}"),
                amount,
                token: Token::new(tally),
            })?;
        }
        0 | 1 => {
            // All of an account's holds, or only the newest.
            let query = Hold::BY_ACCOUNT.eq(from);
            if random.below(2) == 0 {
                let amount: i64 = tx.list(query.clone()).map(|hold| hold.amount).sum();
                tx.remove_all(query)?;
                give(tx, to, amount)?;
            } else if let Some(id) = tx.last(query).map(|hold| hold.id) {
                let hold = tx.remove::<Hold>(id)?;
                give(tx, to, hold.map_or(0, |hold| hold.amount))?;
            }
        }
        2 => {
            // Refused, where it is there.
            let id = random.below(ALL_ACCOUNTS as usize) as u32;
            let there = tx.get::<Account>(id).is_some();
            let opened = tx.insert(account(id, 0, tally));
            assert_eq!(there, matches!(opened, Err(Error::Duplicate { .. })));
        }
        3 if from >= ACCOUNTS && from != to => close(tx, from, to)?,
        _ => {
            *next += 1;
            let entry = Entry {
                id: *next,
                accounts: [from, to],
                amount,
                token: Token::new(tally),
            };
            tx.insert(entry)?;
            tx.update::<Account>(from, |account| account.balance -= amount)?;
            tx.update::<Account>(to, |account| {
                account.balance += amount;
                account.branch = account.branch.wrapping_add(1) % 5;
            })?;
            while tx.count(Entry::ALL) > MOST_ENTRIES {
                let oldest = tx.first(Entry::ALL).cloned();
                oldest.map_or(Ok(()), |entry| settle(tx, &entry))?;
            }
        }
    }
    Ok(())
}

fn any_account(tx: &WriteTxn, random: &mut Random) -> u32 {
    let id = random.below(ALL_ACCOUNTS as usize) as u32;
    if tx.get::<Account>(id).is_some() {
        id
    } else {
        id % ACCOUNTS
    }
}

/// Money that the ledger does not know.
fn give(tx: &mut WriteTxn, account: u32, amount: i64) -> Result<(), Error> {
    let given = tx.update::<Account>(account, |account| {
        account.balance += amount;
        account.opening += amount;
    });
    given.map(drop)
}

/// Takes an entry out of the ledger.
fn settle(tx: &mut WriteTxn, entry: &Entry) -> Result<(), Error> {
    let [from, to] = entry.accounts;
    tx.update::<Account>(from, |account| account.opening -= entry.amount)?;
    tx.update::<Account>(to, |account| account.opening += entry.amount)?;
    tx.remove::<Entry>(entry.id).map(drop)
}

/// Closes an account, with all that is of it; another one gets its money.
fn close(tx: &mut WriteTxn, id: u32, heir: u32) -> Result<(), Error> {
    let entries: Vec<_> = tx.list(Entry::BY_ACCOUNTS.eq(id)).cloned().collect();
    for entry in entries {
        settle(tx, &entry)?;
    }
    let holds: i64 = tx.list(Hold::BY_ACCOUNT.eq(id)).map(|row| row.amount).sum();
    tx.remove_all(Hold::BY_ACCOUNT.eq(id))?;
    let account = tx.remove::<Account>(id)?;
    let balance = account.map_or(0, |account| account.balance);
    give(tx, heir, holds + balance)
}

/// The tables are of one commit, and each index has the very rows of its table.
pub(crate) fn check(snapshot: &Snapshot) {
    let accounts: Vec<_> = snapshot.list(Account::ALL).collect();
    let holds: Vec<_> = snapshot.list(Hold::ALL).collect();
    let entries: Vec<_> = snapshot.list(Entry::ALL).collect();
    assert!(accounts.len() >= ACCOUNTS as usize);
    let rows = accounts.len() + holds.len() + entries.len();
    assert!(rows <= MOST_ROWS);
    let balances: i64 = accounts.iter().map(|row| row.balance).sum();
    let amounts: i64 = holds.iter().map(|row| row.amount).sum();
    assert_eq!(balances + amounts, TOTAL, "money is lost");

    let openings = accounts.iter().map(|row| (row.id, row.opening));
    let mut ledger: BTreeMap<u32, i64> = openings.collect();
    for entry in &entries {
        let [from, to] = entry.accounts;
        *ledger.get_mut(&from).expect("an entry of no account") -= entry.amount;
        *ledger.get_mut(&to).expect("an entry of no account") += entry.amount;
    }
    let balances = accounts.iter().map(|row| (row.id, row.balance));
    assert!(balances.eq(ledger), "the ledger is of another commit");
    assert!(
        holds
            .iter()
            .all(|hold| snapshot.get::<Account>(hold.account).is_some())
    );

    same_rows(snapshot.list(Account::BY_BRANCH.all()), &accounts);
    same_rows(snapshot.list(Account::BY_BALANCE.all()), &accounts);
    same_rows(snapshot.list(Hold::BY_ACCOUNT.all()), &holds);
    same_rows(snapshot.list(Hold::BY_NAME.all()), &holds);
    let of_each = accounts.iter();
    same_rows(
        of_each.flat_map(|row| snapshot.list(Entry::BY_ACCOUNTS.eq(row.id))),
        &entries,
    );
    assert!(modified(&accounts) <= snapshot.revision().get());
    assert!(modified(&holds).max(modified(&entries)) <= snapshot.revision().get());
    assert!(accounts.iter().all(|row| row.token.is_alive()));
    assert!(holds.iter().all(|row| row.token.is_alive()));
    assert!(entries.iter().all(|row| row.token.is_alive()));
}

fn modified<T>(rows: &[&Row<T>]) -> u64 {
    let modified = rows.iter().map(|row| row.modified().get());
    modified.max().unwrap_or(0)
}

/// An index has these rows and no others.
fn same_rows<'a, T: Numbered>(index: impl Iterator<Item = &'a Row<T>>, rows: &[&Row<T>]) {
    let mut found: Vec<_> = index.collect();
    found.sort_by_key(|row| row.number());
    found.dedup_by(|a, b| a.same(b));
    assert_eq!(found.len(), rows.len());
    assert!(found.iter().zip(rows).all(|(a, b)| a.same(b)));
}
