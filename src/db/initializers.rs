//! Whether a table has all that it is filled from: named sources that have not said so yet.
//!
//! They are rows of a table of their own, so that snapshots, aborts, savepoints, forks and watches treat them as anything else. It is in memory only:
//! the file has never heard of it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::{Database, Snapshot, WriteTxn};
use crate::Error;
use crate::key::{KeyBuf, KeyOf, KeyRange};
use crate::table::private::{Properties, index_on, table};
use crate::table::{KeySet, Query, Table, TableDefinition};
use crate::watch::Watch;

/// Numbers for registrations, so that a token says nothing of a later one of the same name.
static REGISTRATIONS: AtomicU64 = AtomicU64::new(0);

/// A source that has not filled its table yet.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    table: String,
    source: String,
    registration: u64,
}

impl Table for Pending {
    type Key = (String, String);

    const NAME: &'static str = "initializers";

    fn definition() -> TableDefinition {
        let fields = [
            ("table", "String"),
            ("source", "String"),
            ("registration", "u64"),
        ];
        let unique = Properties {
            unique: true,
            ..Properties::default()
        };
        let key = index_on(0, "by_table_source", &["table", "source"], unique);
        table(Self::NAME, Self::VERSION, &fields, &[key])
    }

    fn encode_key(&self, out: &mut KeyBuf) {
        KeyOf::<Self::Key>::encode(&(&self.table, &self.source), out);
    }

    fn encode_index_keys(&self, index: usize, out: &mut KeySet) {
        if index == 0 {
            out.push_primary();
        }
    }

    fn format_key(&self, _: usize) -> String {
        format!("{:?}", (&self.table, &self.source))
    }
}

/// The pending sources of a table.
fn sources(table: &str) -> Query<Pending> {
    let mut bytes = KeyBuf::new();
    KeyOf::<String>::encode(table, &mut bytes);
    Query::new(0, "by_table_source", KeyRange::Prefix(bytes))
}

/// A source that a table is waiting for: made by [`WriteTxn::add_initializer`], to be given to [`WriteTxn::initialized`] when the source has filled its
/// part of the table.
///
/// A table is *ready* when nothing that it waits for is left. So whoever acts on a table, and on what is missing in it, can wait until it is filled:
///
/// ```
/// # use sapwood::{Database, Table};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Table, Clone, Serialize, Deserialize)]
/// struct Pod {
///     #[key]
///     name: String,
/// }
///
/// # fn main() -> Result<(), sapwood::Error> {
/// let db = Database::builder().table::<Pod>().in_memory()?;
/// // Before anybody can ask.
/// let kubelet = db.write(|tx| tx.add_initializer::<Pod>("kubelet"))?;
///
/// let feed = db.clone();
/// let feeder = std::thread::spawn(move || {
///     feed.write(|tx| tx.put(Pod { name: "web".into() }))?;
///     // With the rows, or after them.
///     feed.write(|tx| tx.initialized(&kubelet))
/// });
/// let snapshot = db.wait_ready::<Pod>()?;
/// assert!(snapshot.is_ready::<Pod>() && snapshot.get::<Pod>("web").is_some());
/// # feeder.join().expect("it ends")?;
/// # Ok(())
/// # }
/// ```
///
/// What a table waits for is not kept in the file: a database that is opened waits for nothing until sources are added.
pub struct Initializer<T> {
    registration: u64,
    source: Arc<str>,
    table: PhantomData<fn() -> T>,
}

impl<T> Initializer<T> {
    /// The name of the source.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl<T> Clone for Initializer<T> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            ..*self
        }
    }
}

impl<T: Table> fmt::Debug for Initializer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initializer")
            .field("table", &T::NAME)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl WriteTxn {
    /// Lets a table wait for a source of this name: from this commit on it is not ready, until the source is [initialized](Self::initialized). It
    /// is a change like any other, and gone if the transaction is. O(length of the names).
    ///
    /// # Errors
    /// [`Error::InitializerPending`] if the table waits for a source of this name already; [`Error::UnknownTable`]; [`Error::KeyTooLong`].
    pub fn add_initializer<T: Table>(
        &mut self,
        source: impl Into<String>,
    ) -> Result<Initializer<T>, Error> {
        self.core.catalog.family::<T>()?;
        let source = source.into();
        if self.get::<Pending>((T::NAME, &source)).is_some() {
            return Err(Error::InitializerPending {
                table: T::NAME,
                name: source,
            });
        }
        let registration = REGISTRATIONS.fetch_add(1, Ordering::Relaxed);
        let token = Initializer {
            registration,
            source: source.as_str().into(),
            table: PhantomData,
        };
        self.insert(Pending {
            table: T::NAME.to_owned(),
            source,
            registration,
        })?;
        Ok(token)
    }

    /// A source has filled its part of its table: with this commit the table waits for it no more. Says whether it did; again it changes nothing. Nor
    /// does it with a token whose registration was never committed, nor for another source that has the same name by now. O(length of the names).
    ///
    /// # Errors
    /// [`Error::UnknownTable`].
    pub fn initialized<T: Table>(&mut self, source: &Initializer<T>) -> Result<bool, Error> {
        self.core.catalog.family::<T>()?;
        let key = (T::NAME, source.source());
        let pending = self.get::<Pending>(key);
        if pending.is_none_or(|pending| pending.registration != source.registration) {
            return Ok(false);
        }
        Ok(self.remove::<Pending>(key)?.is_some())
    }

    /// As [`Snapshot::is_ready`], with the changes of this transaction.
    pub fn is_ready<T: Table>(&self) -> bool {
        self.core.family::<T>();
        !self.contains(sources(T::NAME))
    }

    /// As [`Snapshot::pending`], with the changes of this transaction.
    pub fn pending<T: Table>(&self) -> Vec<String> {
        self.core.family::<T>();
        let pending = self.list(sources(T::NAME));
        pending.map(|pending| pending.source.clone()).collect()
    }
}

impl Snapshot {
    /// Whether all sources of a table have filled it, as far as this snapshot shows: it waits for none. One without sources is ready. O(length of the
    /// table's name).
    ///
    /// # Panics
    /// Like every read, if the database was built without the table.
    pub fn is_ready<T: Table>(&self) -> bool {
        self.core.family::<T>();
        !self.contains(sources(T::NAME))
    }

    /// The names of the sources that a table waits for, in their order. O(their number).
    ///
    /// # Panics
    /// As [`is_ready`](Self::is_ready).
    pub fn pending<T: Table>(&self) -> Vec<String> {
        self.core.family::<T>();
        let pending = self.list(sources(T::NAME));
        pending.map(|pending| pending.source.clone()).collect()
    }

    /// A watch that fires when the sources that a table waits for are others than this snapshot shows: one is done, or one was added. At once, if
    /// that has happened already. Rows of the table do not fire it.
    ///
    /// # Panics
    /// As [`is_ready`](Self::is_ready).
    pub fn watch_ready<T: Table>(&self) -> Watch {
        self.core.family::<T>();
        self.watch(sources(T::NAME))
    }
}

impl Database {
    /// Waits until a table is ready, and returns a snapshot that shows it: at once, if it waits for no source. For a time limit or a task,
    /// [`Snapshot::watch_ready`] waits for a step.
    ///
    /// # Errors
    /// [`Error::Closed`] when the database is, unless the table is ready; [`Error::UnknownTable`].
    pub fn wait_ready<T: Table>(&self) -> Result<Snapshot, Error> {
        self.has_table::<T>()?;
        loop {
            let snapshot = self.snapshot();
            if snapshot.is_ready::<T>() {
                return Ok(snapshot);
            }
            snapshot.watch_ready::<T>().wait()?;
        }
    }
}
