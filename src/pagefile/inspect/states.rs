//! The states that a file still has.

use std::sync::Arc;

use super::super::{
    Error, PageFile, ReadTxn,
    meta::{Meta, Slot as Read},
    open::verify,
    shared::Snapshot,
};
use super::slot;

impl PageFile {
    /// The state before the newest one, where the other meta slot leads to it; `None` where it does not: both slots hold the newest state once a file was closed, and after each
    /// commit that moved a journal's beginning.
    ///
    /// Its pages were not used again when the file was opened; they may be by the next but one commit. So it is for files that are open to read only: any other has none.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn older_state(&self) -> Result<Option<ReadTxn>, Error> {
        if !self.shared.medium.read_only {
            return Ok(None);
        }
        let storage = &*self.shared.medium.storage;
        let newest = self.shared.stored();
        let len = storage.len().map_err(Error::io("measure"))?;
        for slot in slot::read(storage)? {
            let bytes = slot::bytes(storage, slot.offset, len)?;
            let Read::Whole(meta) = Meta::decode(&bytes) else {
                continue;
            };
            let is_older = meta.commit < newest.commit
                && meta.page_size == self.shared.medium.page_size
                && verify(storage, &meta, 0, len)?.is_ok();
            if is_older {
                let snapshot = Snapshot::new(&meta, newest.source.clone());
                return Ok(Some(ReadTxn::new(Arc::new(snapshot))));
            }
        }
        Ok(None)
    }

    /// The bytes of the file that the newest state keeps for records beside its trees, which a database calls its journal. 0 for all other files; their log is not counted.
    pub fn journal_bytes(&self) -> u64 {
        let snapshot = self.shared.snapshot();
        let foreign = Some(&snapshot.journal).filter(|journal| journal.is_foreign());
        let pages: u64 = foreign.map_or(0, |journal| journal.runs().map(|run| run.pages).sum());
        pages * u64::from(self.shared.medium.page_size)
    }
}
