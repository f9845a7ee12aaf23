//! The stores, and what each must offer for the workloads.

mod maps;
#[cfg(feature = "mvcc-core")]
mod mvcc;
mod native;
mod rart;
mod sapwood;

pub(super) use maps::{BTreeMaps, Imbl, Rpds};
#[cfg(feature = "mvcc-core")]
pub(super) use mvcc::Mvcc;
pub(crate) use native::Native;
pub(super) use rart::Rart;
pub(crate) use sapwood::Sapwood;

use crate::task::{Change, Status, Task};

/// Tasks in memory, to be read from many threads while one writes.
///
/// What a store refuses here is a mistake of this program, so it panics.
pub(crate) trait Store: Sync + Sized {
    const NAME: &'static str;

    /// One state to read.
    type View<'a>: View
    where
        Self: 'a;

    /// With its three indexes, or by id only.
    fn new(indexed: bool) -> Self;
    /// One transaction that adds rows.
    fn load(&self, rows: &mut dyn Iterator<Item = Task>);
    /// One transaction that reads rows, changes each, and writes them.
    fn update(&self, ids: &[String], change: Change);
    /// The newest state.
    fn view(&self) -> Self::View<'_>;
    /// A state of one's own to write to, from the newest one: a row is changed in it, and it is dropped. False where there is no such thing.
    fn fork_and_update(&self, _id: &str, _change: Change) -> bool {
        false
    }
}

/// Reading. Each row that is found is read: its cpu is added up.
pub(crate) trait View {
    /// Whether this is a snapshot: holding it stops no writer.
    const IS_SNAPSHOT: bool = true;

    fn get(&self, id: &str) -> u64;
    fn of_node(&self, node: &str) -> u64;
    fn of_job_and_status(&self, job: &str, status: Status) -> u64;
    fn of_job(&self, job: &str) -> u64;
    /// Rows of a job.
    fn count_of_job(&self, job: &str) -> usize;
    /// Rows of all jobs whose names begin so.
    fn count_of_jobs(&self, begin: &str) -> usize;
    fn scan(&self) -> u64;
    /// The other way round, where that can be done.
    fn scan_back(&self) -> Option<u64>;
}

/// Calls a generic function with the type of each store that is asked for.
macro_rules! each_store {
    ($only:expr, $function:ident($($argument:expr),*)) => {{
        use $crate::memory::stores::{self, Store as _};
        let wanted = |name: &str| $only.is_empty() || $only.iter().any(|only| only == name);
        if wanted(stores::Sapwood::NAME) { $function::<stores::Sapwood>($($argument),*); }
        if wanted(stores::Imbl::NAME) { $function::<stores::Imbl>($($argument),*); }
        if wanted(stores::Rpds::NAME) { $function::<stores::Rpds>($($argument),*); }
        if wanted(stores::BTreeMaps::NAME) { $function::<stores::BTreeMaps>($($argument),*); }
        if wanted(stores::Rart::NAME) { $function::<stores::Rart>($($argument),*); }
        #[cfg(feature = "mvcc-core")]
        if wanted(stores::Mvcc::NAME) { $function::<stores::Mvcc>($($argument),*); }
        if wanted(stores::Native::NAME) { $function::<stores::Native>($($argument),*); }
    }};
}
pub(super) use each_store;
