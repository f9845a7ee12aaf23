//! Filling a table from a file: its rows are decoded and its indexes built on several threads.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::progress::Progress;
use super::stored::{ReadError, Typed, hex, index_name, traced, untraceable};
use crate::Error;
use crate::radix::{Draft, Loaded, LoadedPart, NotLoaded, Row, RowMemory};
use crate::table::{
    CodecError, Difference, KeySet, NoReading, NotRead, Reading, Table, TableSchema,
};

/// A table in a file, and the path of the file.
pub(crate) struct Source<'f> {
    pub(crate) path: &'f Arc<str>,
    pub(crate) schema: &'f TableSchema,
}

/// The rows of a table in a file, in parts that follow one another in the order of their keys. What the parts are does not depend on who loads them; so an error is the same
/// whatever the number of threads.
pub(crate) trait Stock: Sync {
    fn parts(&self) -> usize;

    /// How many rows there are, about.
    fn len(&self) -> u64;

    /// Calls `each` for the rows of a part in the order of their keys, with key and bytes, until it fails.
    fn read(&self, part: usize, each: &mut EachRow<'_>) -> Result<(), Error>;
}

/// What takes in a row's key and its bytes.
pub(crate) type EachRow<'e> = dyn FnMut(&[u8], &[u8]) -> Result<(), Error> + 'e;

/// What is loaded, and how.
pub(crate) struct Loading<'l> {
    pub(crate) stock: &'l dyn Stock,
    pub(crate) threads: usize,
    pub(crate) progress: &'l mut Progress,
}

/// Reads the rows of a file into the struct of the program.
pub(super) struct Reader<'f, T> {
    path: &'f Arc<str>,
    reading: Reading<'f, T>,
}

impl<'f, T: Table> Reader<'f, T> {
    pub(super) fn new(from: &Source<'f>) -> Result<Self, Error> {
        let path = from.path;
        match Reading::new(from.schema, traced::<T>()?) {
            Ok(reading) => Ok(Self { path, reading }),
            Err(NoReading::Difference(difference)) => Err(other(path, difference)),
            Err(NoReading::Untraceable(field)) => Err(untraceable::<T>(field)),
        }
    }

    /// Whether the rows have other bytes in the program than in the file.
    pub(super) fn rewrites(&self) -> bool {
        self.reading.rewrites()
    }

    pub(super) fn read<'k>(&self, key: &'k [u8], bytes: &[u8]) -> Result<Loaded<'k, T>, Error> {
        Typed::<T>::read(key, bytes, |key, row| {
            self.reading.read(row).map_err(|not_read| match not_read {
                NotRead::Codec(error) => ReadError::Codec(error),
                NotRead::Refused(refusal) => match self.reading.explain(&refusal, &hex(key)) {
                    Ok(difference) => ReadError::Other(other(self.path, Box::new(difference))),
                    Err(reason) => ReadError::Codec(CodecError::Decode { reason }),
                },
            })
        })
    }
}

fn other(path: &Arc<str>, difference: Box<Difference>) -> Error {
    Error::Schema {
        path: Arc::clone(path),
        difference,
    }
}

pub(super) fn load<T: Table>(
    table: &Typed<T>,
    draft: &mut Draft,
    from: &Source<'_>,
    loading: &mut Loading<'_>,
) -> Result<bool, Error> {
    let reader = Reader::<T>::new(from)?;
    let Loading {
        stock,
        threads,
        progress,
    } = loading;
    let newest = draft.revision();
    let loaded = AtomicU64::new(0);
    let work = |part, memory: &mut RowMemory| {
        let mut rows = LoadedPart::<T>::new(table.trees, newest);
        let mut sets = vec![KeySet::default(); table.trees - 1];
        stock.read(part, &mut |key, bytes| {
            let row = reader.read(key, bytes)?;
            for (tree, set) in sets.iter_mut().enumerate() {
                set.reset(key);
                row.value.encode_index_keys(tree + 1, set);
            }
            rows.push(memory, row, &sets).map_err(not_loaded)
        })?;
        loaded.fetch_add(rows.len() as u64, Ordering::Relaxed);
        Ok(rows)
    };
    let memory = draft.divide_memory((*threads).clamp(1, stock.parts().max(1)));
    let (memory, outcomes) = in_parts(stock.parts(), memory, &work, &mut || {
        progress.tell(loaded.load(Ordering::Relaxed).min(stock.len()));
    });
    draft.join_memory(memory);
    let mut parts = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Ok(part) => parts.push(part?),
            Err(panic) => resume_unwind(panic),
        }
    }
    let done = draft.load(table.family, parts, *threads, &mut |trees| {
        progress.tell(stock.len() * (1 + trees as u64));
    });
    done.map_err(not_loaded)?;
    progress.pass(stock.len() * (1 + table.trees as u64));
    Ok(reader.rewrites())
}

/// Does all parts, the first ones first, on a thread for each memory; this is one of them, and calls `told` after each part that it did. Gives back the memories, and what
/// the parts gave, in their order, up to the first that failed.
fn in_parts<P: Send>(
    parts: usize,
    memory: Vec<RowMemory>,
    work: &(impl Fn(usize, &mut RowMemory) -> Result<P, Error> + Sync),
    told: &mut dyn FnMut(),
) -> (Vec<RowMemory>, Vec<thread::Result<Result<P, Error>>>) {
    let others = memory.len() - 1;
    let memory = Mutex::new(memory);
    let done = Mutex::new(Vec::new());
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(parts));
    let run = |told: &mut dyn FnMut()| {
        let taken = memory.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut own) = taken else { return };
        let mut mine = Vec::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= failed.load(Ordering::Relaxed) {
                break;
            }
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let done = work(part, &mut own);
                told();
                done
            }));
            if !matches!(outcome, Ok(Ok(_))) {
                failed.fetch_min(part, Ordering::Relaxed);
            }
            mine.push((part, outcome));
        }
        done.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(&mut mine);
        memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(own);
    };
    thread::scope(|scope| {
        for _ in 0..others {
            let thread = thread::Builder::new().name("sapwood-load".to_owned());
            // Without it, the others do its work.
            let _ = thread.spawn_scoped(scope, || run(&mut || {}));
        }
        run(told);
    });
    let mut done: Vec<(usize, _)> = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(part, _)| *part);
    let memory = memory.into_inner().unwrap_or_else(PoisonError::into_inner);
    (
        memory,
        done.into_iter().map(|(_, outcome)| outcome).collect(),
    )
}

/// Says in the words of the table why its rows were not loaded.
pub(super) fn not_loaded<T: Table>(refused: NotLoaded<T>) -> Error {
    let damaged = |row: Row<T>, reason: &str| Error::Row {
        table: T::NAME,
        key: row.format_key(0),
        source: CodecError::Decode {
            reason: reason.to_owned(),
        },
    };
    match refused {
        NotLoaded::Disorder { row } => {
            damaged(row, "its key is not greater than that of the row before it")
        }
        NotLoaded::FromLater { row } => damaged(
            row,
            "it says that a later commit wrote it than the file's newest",
        ),
        NotLoaded::KeyTooLong { tree, len, row } => Error::KeyTooLong {
            table: T::NAME,
            index: index_name::<T>(tree),
            key: row.format_key(0),
            len,
        },
        // They were stored without: the function of the index is not the one that it was.
        NotLoaded::Duplicate {
            tree,
            key,
            rows: [existing, refused],
        } => Error::Duplicate {
            table: T::NAME,
            index: index_name::<T>(tree),
            key: refused.format_entry(tree, &key),
            existing: existing.format_key(0),
            refused: refused.format_key(0),
        },
        NotLoaded::Full => Error::TableFull { table: T::NAME },
    }
}

#[cfg(all(test, feature = "derive"))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::{EachRow, Loading, Source, Stock, Typed};
    use crate::db::progress::Progress;
    use crate::db::stored::{Record, Stored};
    use crate::key::KeyBuf;
    use crate::{Database, Error, Revision, Table};

    #[derive(Table, Serialize, Deserialize)]
    #[table(name = "jobs")]
    struct Job {
        #[key]
        name: String,
    }

    /// Rows, each a part of its own.
    struct Rows([Record; 3]);

    impl Stock for Rows {
        fn parts(&self) -> usize {
            3
        }

        fn len(&self) -> u64 {
            3
        }

        fn read(&self, part: usize, each: &mut EachRow<'_>) -> Result<(), Error> {
            each(&self.0[part].0, &self.0[part].1)
        }
    }

    fn record(name: &str, modified: u64) -> Record {
        let job = Job { name: name.into() };
        let mut key = KeyBuf::new();
        job.encode_key(&mut key);
        let mut bytes = [1u64, modified].map(u64::to_le_bytes).concat();
        job.encode_row(&mut bytes).unwrap();
        (key.as_slice().into(), bytes)
    }

    /// A row out of order and one from a later commit are refused, each by its key. A page file that is not forged gives none out of order.
    #[test]
    fn damaged_rows_are_named() {
        let db = Database::builder().table::<Job>().in_memory().unwrap();
        for (rows, text) in [
            (
                [record("a", 1), record("c", 1), record("b", 1)],
                "table `jobs`: row \"b\": bytes are not a row of the table: its key is not greater than that of the row before it",
            ),
            (
                [record("a", 1), record("b", 9), record("c", 1)],
                "table `jobs`: row \"b\": bytes are not a row of the table: it says that a later commit wrote it than the file's newest",
            ),
        ] {
            let mut tx = db.begin_write().unwrap();
            let family = tx.core().catalog.family::<Job>().unwrap();
            assert_eq!(tx.revision(), Revision::new(1));
            let table = Typed::<Job>::new(family, 1);
            let from = Source {
                path: &"file".into(),
                schema: &table.schema().unwrap(),
            };
            let mut loading = Loading {
                stock: &Rows(rows),
                threads: 2,
                progress: &mut Progress::default(),
            };
            let error = table.load(tx.draft_mut(), &from, &mut loading).unwrap_err();
            assert_eq!(error.to_string(), text);
        }
    }
}
