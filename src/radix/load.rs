//! Filling a family of trees at once.
//!
//! Rows come in parts, which follow one another in the order of their keys. A part is made by any thread, with [memory](RowMemory) of its own; when all are there, each
//! tree is built by one thread, in a pool of its own. What became of it does not tell how many threads there were.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::bulk::{self, Pair};
use super::digit::{MORE, common, digit};
use super::draft::{Draft, MAX_ENTRIES};
use super::edit::Editor;
use super::heap::RowMemory;
use super::history::free_younger;
use super::node::{MAX_KEY, Node};
use super::pool::Pool;
use super::row::Row;
use super::steps::Keys;
use crate::key::KeyBuf;
use crate::revision::Revision;

/// Fewer rows than this are not worth a thread.
const WORTH_A_THREAD: usize = 1 << 12;

/// A row as it is loaded: its key, its value and the revisions that it had.
pub(crate) struct Loaded<'k, T> {
    pub(crate) key: &'k [u8],
    pub(crate) value: T,
    pub(crate) created: Revision,
    pub(crate) modified: Revision,
}

/// Why rows were not loaded.
#[derive(Debug)]
pub(crate) enum NotLoaded<T> {
    /// The key of a row is not greater than that of the row before it.
    Disorder { row: Row<T> },
    /// A row says that a later commit wrote it than the one that brings it.
    FromLater { row: Row<T> },
    /// A row has a key in the tree that is longer than trees take.
    KeyTooLong {
        tree: usize,
        len: usize,
        row: Row<T>,
    },
    /// Two rows have one key in the tree.
    Duplicate {
        tree: usize,
        key: KeyBuf,
        rows: [Row<T>; 2],
    },
    /// There are more keys than a tree takes.
    Full,
}

/// Keys of rows in one tree, one after the other.
#[derive(Default)]
struct KeyList {
    bytes: Vec<u8>,
    /// Where each begins and how long it is, and the place of its row.
    keys: Vec<(usize, u32, u32)>,
}

impl KeyList {
    fn push(&mut self, key: &[u8], row: usize) {
        let start = self.bytes.len();
        self.keys.push((start, key.len() as u32, row as u32));
        self.bytes.extend_from_slice(key);
    }

    fn key(&self, &(start, len, _): &(usize, u32, u32)) -> &[u8] {
        &self.bytes[start..start + len as usize]
    }

    fn pairs<'k, T>(&'k self, rows: &'k [Row<T>]) -> impl Iterator<Item = Pair<'k>> {
        self.keys
            .iter()
            .map(|entry| (self.key(entry), rows[entry.2 as usize].handle()))
    }
}

/// Rows side by side in the order of their keys.
pub(crate) struct LoadedPart<T> {
    rows: Vec<Row<T>>,
    /// Of each tree.
    keys: Vec<KeyList>,
    newest: Revision,
}

impl<T: Send + Sync + 'static> LoadedPart<T> {
    /// An empty part for a family of so many trees, to be loaded by the commit `newest`.
    pub(crate) fn new(trees: usize, newest: Revision) -> Self {
        let mut keys = Vec::new();
        keys.resize_with(trees, KeyList::default);
        Self {
            rows: Vec::new(),
            keys,
            newest,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row behind the others, with its keys in the trees behind the first.
    pub(crate) fn push<K: Keys>(
        &mut self,
        memory: &mut RowMemory,
        row: Loaded<'_, T>,
        sets: &[K],
    ) -> Result<(), NotLoaded<T>> {
        assert_eq!(sets.len() + 1, self.keys.len(), "keys of another table");
        let Loaded {
            key,
            value,
            created,
            modified,
        } = row;
        let entries = 1 + sets.iter().map(Keys::len).sum::<usize>();
        let heap = memory.heap();
        let row = Row::new(heap, value, created, modified, entries as u32);
        if key.len() > MAX_KEY {
            let (tree, len) = (0, key.len());
            return Err(NotLoaded::KeyTooLong { tree, len, row });
        }
        if self.last().is_some_and(|last| last >= key) {
            return Err(NotLoaded::Disorder { row });
        }
        // Versions before that commit would be thought not to reach the row.
        if modified > self.newest {
            return Err(NotLoaded::FromLater { row });
        }
        let place = self.rows.len();
        for (tree, (set, list)) in sets.iter().zip(&mut self.keys[1..]).enumerate() {
            for key in (0..set.len()).map(|index| set.key(index)) {
                if key.len() > MAX_KEY {
                    let (tree, len) = (tree + 1, key.len());
                    return Err(NotLoaded::KeyTooLong { tree, len, row });
                }
                list.push(key, place);
            }
        }
        self.keys[0].push(key, place);
        self.rows.push(row);
        Ok(())
    }

    fn first(&self) -> Option<&[u8]> {
        let keys = &self.keys[0];
        keys.keys.first().map(|entry| keys.key(entry))
    }

    fn last(&self) -> Option<&[u8]> {
        let keys = &self.keys[0];
        keys.keys.last().map(|entry| keys.key(entry))
    }

    /// The tree of this number, of all parts.
    fn build(
        parts: &[Self],
        tree: usize,
        birth: u64,
        pool: &mut Pool,
    ) -> Result<Option<Node>, NotLoaded<T>> {
        let entries = parts.iter().map(|part| part.keys[tree].keys.len()).sum();
        let mut pairs: Vec<Pair<'_>> = Vec::with_capacity(entries);
        for part in parts {
            pairs.extend(part.keys[tree].pairs(&part.rows));
        }
        if tree > 0 {
            pairs = sorted(pairs).map_err(|[first, second]| NotLoaded::Duplicate {
                tree,
                key: KeyBuf::from_slice(first.0),
                // SAFETY: both are rows of the parts.
                rows: [first, second].map(|pair| unsafe { Row::<T>::from_slot(&pair.1) }.clone()),
            })?;
        }
        Ok(bulk::build(&pairs, birth, pool))
    }
}

/// Sorts entries by their keys; refused with the first two that have one key. Of rows in the order of their primary keys, which stand at the end of most
/// entries, so that few entries are not in their order once the bytes behind what all share are.
fn sorted(pairs: Vec<Pair<'_>>) -> Result<Vec<Pair<'_>>, [Pair<'_>; 2]> {
    let Some((first, _)) = pairs.first() else {
        return Ok(pairs);
    };
    let shared = pairs.iter().fold(first.len(), |shared, (key, _)| {
        common(&first[..shared], key)
    });
    let mut entries: Vec<(u64, Pair<'_>)> = pairs
        .into_iter()
        .map(|pair| (digit(pair.0, shared), pair))
        .collect();
    entries.sort_by_key(|(head, _)| *head);
    for run in entries.chunk_by_mut(|a, b| a.0 == b.0) {
        // Else they are the same key.
        if run[0].0 & 0xFF == MORE && !run.is_sorted_by(|a, b| a.1.0 < b.1.0) {
            run.sort_by(|a, b| a.1.0.cmp(b.1.0));
        }
        if let Some(pair) = run.windows(2).find(|pair| pair[0].1.0 == pair[1].1.0) {
            return Err([pair[0].1, pair[1].1]);
        }
    }
    Ok(entries.into_iter().map(|(_, pair)| pair).collect())
}

impl Draft {
    /// Memory for rows to be loaded, for each of so many threads; to be [given back](Self::join_memory).
    pub(crate) fn divide_memory(&mut self, threads: usize) -> Vec<RowMemory> {
        RowMemory::divide(&mut self.editor.heap, threads)
    }

    pub(crate) fn join_memory(&mut self, parts: Vec<RowMemory>) {
        RowMemory::join(parts, &mut self.editor.heap);
    }

    /// Builds the trees of a family that is empty and has no added ones, on so many threads: `parts` are all its rows. `built` is called on this thread, with how
    /// many trees there are. Refused, the draft is as it was. O(rows), with full buckets, and sorting of the keys.
    pub(crate) fn load<T: Send + Sync + 'static>(
        &mut self,
        family: usize,
        parts: Vec<LoadedPart<T>>,
        threads: usize,
        built: &mut dyn FnMut(usize),
    ) -> Result<(), NotLoaded<T>> {
        let layout = self.shared().layout.families[family];
        assert!(
            layout.row.is::<T>()
                && parts.iter().all(|part| part.keys.len() == layout.trees)
                && self.added.of(family).next().is_none(),
            "rows of another table"
        );
        let roots = &self.roots[layout.first..layout.first + layout.trees];
        assert!(roots.iter().all(Option::is_none), "a family that has rows");
        in_order(&parts)?;
        self.editor.forget();
        let rows = parts.iter().map(LoadedPart::len).sum::<usize>();
        let threads = match rows {
            ..WORTH_A_THREAD => 1,
            _ => threads.clamp(1, layout.trees),
        };
        let Editor { pool, stamp, .. } = &mut *self.editor;
        let trees = build(&parts, layout.trees, *stamp, threads, pool, built);
        let mut refused = None;
        // At their places among the roots, whatever those are.
        let mut made = vec![None; layout.first];
        for tree in trees {
            match tree {
                Ok(root) => made.push(root),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        if let Some(refused) = refused {
            let base = &self.base.0;
            free_younger(&made, base.stamp, &base.shared.layout, pool, |_, _| {});
            return Err(refused);
        }
        self.roots[layout.first..layout.first + layout.trees]
            .copy_from_slice(&made[layout.first..]);
        self.editor.families[family] = self.revision().get();
        self.editor.created.reserve(rows);
        for row in parts.into_iter().flat_map(|part| part.rows) {
            self.editor.created.push((row.into_handle(), family));
        }
        Ok(())
    }
}

/// Refuses parts of which one begins before another ends, or that have more keys than a tree takes.
fn in_order<T: Send + Sync + 'static>(parts: &[LoadedPart<T>]) -> Result<(), NotLoaded<T>> {
    let mut last = None;
    for part in parts {
        if let (Some(last), Some(first)) = (last, part.first())
            && last >= first
        {
            let row = part.rows[0].clone();
            return Err(NotLoaded::Disorder { row });
        }
        last = part.last().or(last);
    }
    let trees = parts.first().map_or(0, |part| part.keys.len());
    let keys = |tree: usize| parts.iter().map(move |part| part.keys[tree].keys.len());
    if (0..trees).any(|tree| keys(tree).sum::<usize>() > MAX_ENTRIES) {
        return Err(NotLoaded::Full);
    }
    Ok(())
}

/// Builds the trees of these rows, on so many threads. They come out in their order.
fn build<T: Send + Sync + 'static>(
    parts: &[LoadedPart<T>],
    trees: usize,
    birth: u64,
    threads: usize,
    pool: &mut Pool,
    built: &mut dyn FnMut(usize),
) -> Vec<Result<Option<Node>, NotLoaded<T>>> {
    // The first needs no sorting: it comes last, so that threads end together.
    let next = AtomicUsize::new(1);
    let done = AtomicUsize::new(0);
    let work = |pool: &mut Pool, built: &mut dyn FnMut(usize)| {
        let mut made = Vec::new();
        loop {
            let tree = match next.fetch_add(1, Ordering::Relaxed) {
                turn if turn < trees => turn,
                turn if turn == trees => 0,
                _ => return made,
            };
            made.push((tree, LoadedPart::build(parts, tree, birth, pool)));
            built(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    let mut made = thread::scope(|scope| {
        let others = (1..threads).map(|_| {
            scope.spawn(|| {
                let mut pool = Pool::default();
                (work(&mut pool, &mut |_| {}), pool)
            })
        });
        let others: Vec<_> = others.collect();
        let mut made = work(pool, built);
        for other in others {
            match other.join() {
                Ok((theirs, theirs_in)) => {
                    made.extend(theirs);
                    pool.absorb(theirs_in);
                }
                Err(panic) => resume_unwind(panic),
            }
        }
        made
    });
    made.sort_by_key(|(tree, _)| *tree);
    made.into_iter().map(|(_, root)| root).collect()
}
