//! Writing what another node decided.

use std::sync::Arc;

use super::super::commit::core::can_follow;
use super::super::{ChangeList, Database, WriteTxn};
use crate::{Error, Revision};

impl Database {
    /// Writes what another database staged, as one commit with exactly this revision: all or nothing, and with watches and followers told as of any commit.
    ///
    /// Rows get the metadata that they have there: written by `revision`, and created by the commit that created them there. So databases that begin with the
    /// same rows and apply the same changes at the same revisions are the same. An empty list makes a commit too. [Validators](super::super::Builder::validate) are not
    /// asked: they were, where it was decided.
    ///
    /// # Errors
    /// [`Error::RevisionOrder`] if `revision` is not greater than the published one; [`Error::ForeignChanges`] for a table that this database has not; [`Error::Row`]
    /// for a row that is not one of its table; [`Error::Diverged`] and [`Error::Duplicate`] where this database has other rows than the one that the changes were made
    /// in; those of [`write`](Self::write) and [`WriteTxn::commit`]. Nothing is changed then.
    pub fn apply(&self, changes: &ChangeList, revision: Revision) -> Result<Revision, Error> {
        let core = self.core();
        let writer = loop {
            if let Some(writer) = core.enter(None)? {
                break writer;
            }
        };
        if let Err(error) = can_follow(core.base().revision(), revision) {
            core.leave(writer);
            return Err(error);
        }
        let mut tx = WriteTxn::at(writer, Arc::clone(core), revision);
        for (name, rows) in changes.tables() {
            let mut tables = core.catalog.tables.iter();
            let table = tables
                .find(|table| table.definition.name == name)
                .ok_or_else(|| Error::ForeignChanges {
                    table: name.to_owned(),
                })?;
            table.rows.apply(&mut tx, changes.revision(), rows)?;
        }
        tx.follow_suit()
    }
}
