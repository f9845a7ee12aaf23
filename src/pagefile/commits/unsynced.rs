//! Commits that are not durable yet, and making them so.

use super::super::{
    Error, PageFile, WriteTxn, meta::SLOT_DISTANCE, shared::Shared, writer::Writer,
};
use super::settle::settle_found;

impl PageFile {
    /// Makes pages durable that commits have written, without a meta that leads to them: so that the next sync of somebody else has less to do.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.shared.sync()
    }

    /// Makes all commits durable that are not: those of [`WriteTxn::commit_unsynced`]. Waits for the writer. Two syncs, or none where there is nothing
    /// to do.
    ///
    /// # Errors
    /// [`Error::Poisoned`]; [`Error::Io`]: what was not durable could be there when the file is opened again, all of it or none.
    pub fn sync(&self) -> Result<(), Error> {
        let turn = self.shared.turn();
        make_durable(&self.shared, &mut turn.writer())
    }
}

impl WriteTxn {
    /// Makes the changes visible to new read transactions, but not durable: that is left to [`PageFile::sync`], to [`PageFile::close`] and to the next
    /// [`commit`](Self::commit), which all make everything before durable, too. Gives the number of the commit. Nothing is synced.
    ///
    /// A crash, or dropping the handle before, loses all commits since the last durable one, and nothing of that. Their numbers are then given
    /// to other commits.
    ///
    /// ```
    /// use sapwood::pagefile::PageFile;
    ///
    /// let file = PageFile::in_memory()?;
    /// for number in 0..100u8 {
    ///     let mut tx = file.begin_write()?;
    ///     tx.bucket_or_create("log")?.put([number], "")?;
    ///     tx.commit_unsynced()?;
    /// }
    /// assert_eq!(file.stats().durable_commit, 0);
    /// file.sync()?;
    /// assert_eq!(file.stats().durable_commit, 100);
    /// # Ok::<(), sapwood::pagefile::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`commit`](Self::commit); after [`Error::Io`] nothing of this commit is in the file.
    pub fn commit_unsynced(self) -> Result<u64, Error> {
        self.finish(false)
    }
}

/// Makes the newest state that of the newest meta.
pub(in crate::pagefile) fn make_durable(shared: &Shared, writer: &mut Writer) -> Result<(), Error> {
    settle_found(shared, writer)?;
    if !writer.has_unsynced() {
        return Ok(());
    }
    shared.refuse_poisoned()?;
    shared.set_poisoned(true);
    // The pages first: the meta names no runs, for a list of all that the commits have written would not fit.
    shared.sync()?;
    let meta = shared.stored().complete_meta();
    let slot = 1 - writer.slot;
    shared.write(slot * SLOT_DISTANCE, &meta.encode())?;
    shared.sync()?;
    shared.set_poisoned(false);
    writer.made_durable(shared, slot, &meta);
    Ok(())
}
