//! Backup: a copy of one state, page by page, while writing goes on.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::super::{
    Error, PageFile, ReadTxn,
    log::{Appended, appended},
    meta::{Meta, first_page},
    open::head,
    shared::Snapshot,
    walk::Walk,
};

/// What is copied at once, in bytes.
const PIECE: usize = 1 << 20;

impl PageFile {
    /// Writes the newest committed state to `out`, as a page file of its own, and gives its length in bytes. As [`ReadTxn::backup`].
    ///
    /// # Errors
    /// As [`ReadTxn::backup`].
    pub fn backup(&self, out: &mut impl Write) -> Result<u64, Error> {
        self.begin_read().backup(out)
    }
}

impl ReadTxn {
    /// Writes this state to `out`, as a page file of its own, and gives its length in bytes. Writing goes on meanwhile, and does not show in it.
    ///
    /// Everything is verified before the first byte is written. Pages keep their places; those that this state does not reach are zero, so nothing
    /// that was deleted is in the copy. The same state gives the same bytes. `out` is not synced. O(file).
    ///
    /// ```
    /// use sapwood::pagefile::{MemStorage, Options, PageFile};
    ///
    /// let file = PageFile::in_memory()?;
    /// file.update(|tx| tx.create_bucket("pods")?.put("a", "1"))?;
    /// let mut copy = Vec::new();
    /// file.backup(&mut copy)?;
    /// let restored = Options::new().open_storage(Box::new(MemStorage::new(copy)))?;
    /// assert!(restored.begin_read().bucket("pods")?.is_some());
    /// # Ok::<(), sapwood::pagefile::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupted`] where the state is damaged: nothing was written. [`Error::Io`] of the file or of `out`.
    pub fn backup(&self, out: &mut impl Write) -> Result<u64, Error> {
        backup(&self.snapshot, out)
    }
}

fn backup(state: &Arc<Snapshot>, out: &mut dyn Write) -> Result<u64, Error> {
    let source = &state.source;
    let page_size = u64::from(source.page_size);
    let stored = Snapshot::stored(state);
    let mut walk = Walk::deep(source, stored.commit, source.pages);
    walk.state(&stored.directory, stored.buckets)?;
    let (reached, found) = walk.into_parts();
    if let Some(problem) = found.problems.into_iter().next() {
        return Err(problem);
    }
    let mut at = first_page(source.page_size);
    let copied = match &state.logged {
        Some(logged) => appended(state, logged)?,
        None => Appended {
            reached,
            directory: stored.directory.clone(),
            first: 0,
            bytes: Vec::new(),
        },
    };
    let runs: Vec<_> = copied.reached.runs(at, true).collect();
    let pages = if copied.bytes.is_empty() {
        runs.last().map_or(at, |run| run.start + run.pages)
    } else {
        copied.first + copied.bytes.len() as u64 / page_size
    };
    let meta = Meta {
        pages,
        directory: copied.directory,
        journal: Arc::default(),
        ..state.complete_meta()
    };
    let failed = Error::io("back up");
    let write = || -> io::Result<()> {
        out.write_all(&head(&meta))?;
        let mut piece = vec![0; PIECE];
        for run in runs {
            piece.fill(0);
            in_pieces((run.start - at) * page_size, |_, len| {
                out.write_all(&piece[..len])
            })?;
            in_pieces(run.pages * page_size, |done, len| {
                let from = run.start * page_size + done;
                source.storage.read_at(from, &mut piece[..len])?;
                out.write_all(&piece[..len])
            })?;
            at = run.start + run.pages;
        }
        if !copied.bytes.is_empty() {
            piece.fill(0);
            in_pieces((copied.first - at) * page_size, |_, len| {
                out.write_all(&piece[..len])
            })?;
            out.write_all(&copied.bytes)?;
        }
        out.flush()
    };
    write().map_err(failed)?;
    Ok(pages * page_size)
}

/// Calls `step` for the pieces of so many bytes: with how many come before, and how many it has.
fn in_pieces(bytes: u64, mut step: impl FnMut(u64, usize) -> io::Result<()>) -> io::Result<()> {
    let mut done = 0;
    while done < bytes {
        let len = usize::try_from(bytes - done).map_or(PIECE, |left| left.min(PIECE));
        step(done, len)?;
        done += len as u64;
    }
    Ok(())
}
