//! Key/value files: the workloads, and what each store must offer for them.

mod bars;
mod bbolt;
mod fjall;
mod jammdb;
mod lmdb;
mod pagefile;
mod redb;
mod workload;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::Failure;
use crate::data::{Key, Value};
use crate::figures::Figures;
pub(crate) use lmdb::environment;

/// How much is measured, of whom.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Rows that are loaded, instead of 1,000,000; a tenth of everything if quick.
    #[arg(long)]
    rows: Option<usize>,
    /// These stores only, as in `sapwood,redb`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the files lie; a temporary folder unless given.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// A store with one bucket of rows, each of whose commits is durable.
trait Store: Sized + Sync {
    const NAME: &'static str;

    /// Opens what is in the folder, or creates it.
    fn open(folder: &Path) -> Result<Self, Failure>;
    /// One transaction.
    fn put(&self, rows: &mut dyn Iterator<Item = (Key, Value)>) -> Result<(), Failure>;
    /// One transaction.
    fn remove(&self, keys: &mut dyn Iterator<Item = Key>) -> Result<(), Failure>;
    /// One read transaction.
    fn read(&self, read: &mut dyn FnMut(&dyn Reader) -> Result<(), Failure>)
    -> Result<(), Failure>;
    fn len(&self) -> Result<u64, Failure>;
    /// Makes the files as small as the store can, where it can.
    fn compact(&mut self) -> Result<bool, Failure>;
    fn close(self) -> Result<(), Failure>;
    /// Syncs so far, where the store tells.
    fn syncs(&self) -> Option<u64> {
        None
    }
    /// Write calls so far, where the store tells.
    fn writes(&self) -> Option<u64> {
        None
    }
}

trait Reader {
    /// The first byte of a value; 0 where there is none.
    fn get(&self, key: &Key) -> Result<u64, Failure>;
    /// The first bytes of so many values from a key on, added up.
    fn sum_from(&self, key: &Key, rows: usize) -> Result<u64, Failure>;
}

/// Calls a generic function with the type of each store that is asked for.
macro_rules! each_store {
    ($only:expr, $function:ident($($argument:expr),*)) => {{
        let wanted = |name: &str| $only.is_empty() || $only.iter().any(|only| only == name);
        if wanted(pagefile::PageFileStore::NAME) { $function::<pagefile::PageFileStore>($($argument),*)?; }
        if wanted(redb::Redb::NAME) { $function::<redb::Redb>($($argument),*)?; }
        if wanted(lmdb::Lmdb::NAME) { $function::<lmdb::Lmdb>($($argument),*)?; }
        if wanted(jammdb::Jammdb::NAME) { $function::<jammdb::Jammdb>($($argument),*)?; }
        if wanted(fjall::Fjall::NAME) { $function::<fjall::Fjall>($($argument),*)?; }
    }};
}

/// What is not the same for all; printed under the table.
const NOTES: [&str; 2] = [
    "jammdb, bbolt: the load is in transactions of 10,000 rows, for in one it takes minutes",
    "bbolt: in Go, with its default options; bbolt-no-freelist with etcd's, which find the free pages when the file is opened",
];

/// Runs the workloads on each store.
pub(crate) fn run(options: &Options, quick: bool, bars: bool) -> Result<Figures, Failure> {
    let share = if quick { 10 } else { 1 };
    let rows = options.rows.unwrap_or(1_000_000) / share;
    let mut figures = Figures::new("files", rows);
    let temporary = tempfile::tempdir()?;
    let folder = options.folder.as_deref().unwrap_or(temporary.path());
    let commits = 1000 / share;
    each_store!(options.only, measure(rows, commits, folder, &mut figures));
    bbolt::run(&options.only, rows, commits, folder, &mut figures)?;
    figures.print();
    for note in NOTES {
        println!("- {note}");
    }
    if bars {
        crate::bars::print(&bars::BARS, std::slice::from_ref(&figures));
    }
    Ok(figures)
}

fn measure<S: Store>(
    rows: usize,
    commits: usize,
    folder: &Path,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let folder = folder.join(S::NAME);
    std::fs::create_dir_all(&folder)?;
    eprintln!("{}", S::NAME);
    workload::run::<S>(rows, commits, &folder, figures)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Commits a row to the store in a folder and dies.
pub(crate) fn die(name: &str, folder: &Path) -> Result<(), Failure> {
    let only = [name.to_owned()];
    each_store!(only, commit_and_die(folder));
    Err(format!("no store is called {name}").into())
}

fn commit_and_die<S: Store>(folder: &Path) -> Result<(), Failure> {
    let store = S::open(folder)?;
    store.put(&mut std::iter::once(([7; 24], [7; 150])))?;
    std::process::abort();
}
