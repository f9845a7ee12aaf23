//! What became of one row.

use std::ops::ControlFlow;

use super::super::write_txn::WriteTxn;
use crate::Row;
use crate::key::KeyRange;
use crate::table::Table;

/// What became of one row between two states of the database: two snapshots, or a write transaction and what was committed before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// It is there, or in the query, now.
    Inserted(Row<T>),
    /// It was there and is, and was written.
    Updated {
        /// As it was.
        old: Row<T>,
        /// As it is.
        new: Row<T>,
    },
    /// It is not there any more: removed, or changed so that it does not belong to the query.
    Removed(Row<T>),
}

impl<T> Change<T> {
    /// The row as it is now, if it is there.
    pub fn after(&self) -> Option<&Row<T>> {
        match self {
            Self::Inserted(row) | Self::Updated { new: row, .. } => Some(row),
            Self::Removed(_) => None,
        }
    }

    /// The row as it was before, if it was there.
    pub fn before(&self) -> Option<&Row<T>> {
        match self {
            Self::Removed(row) | Self::Updated { old: row, .. } => Some(row),
            Self::Inserted(_) => None,
        }
    }

    /// What leads from one side to the other; nothing, where the row is on neither.
    pub(crate) fn of(old: Option<&Row<T>>, new: Option<&Row<T>>) -> Option<Self> {
        match (old.cloned(), new.cloned()) {
            (None, Some(new)) => Some(Self::Inserted(new)),
            (Some(old), Some(new)) => Some(Self::Updated { old, new }),
            (Some(old), None) => Some(Self::Removed(old)),
            (None, None) => None,
        }
    }
}

impl WriteTxn {
    /// What the transaction has made of the table so far, against what was committed before it: in the order of the primary keys, and each row once, with what
    /// it was first and is last. A row that came and went again is not there; one that was written is, also if it is as it was.
    ///
    /// To ask changes nothing, and can be done at any time. O(changes).
    ///
    /// ```
    /// # use sapwood::{Change, Database, Error, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// #     cpus: u32,
    /// # }
    /// # let db = Database::builder().table::<Node>().in_memory()?;
    /// db.write(|tx| {
    ///     tx.insert(Node { name: "n1".into(), cpus: 8 })?;
    ///     tx.update::<Node>("n1", |node| node.cpus = 4)?;
    ///     let changes = tx.changes::<Node>();
    ///     assert!(matches!(&changes[..], [Change::Inserted(node)] if node.cpus == 4));
    ///     Ok::<_, Error>(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn changes<T: Table>(&self) -> Vec<Change<T>> {
        let mut changes = Vec::new();
        let _: ControlFlow<()> = self.each_change(|change| {
            changes.push(change);
            ControlFlow::Continue(())
        });
        changes
    }

    /// Calls `found` for each row of the table that the transaction changed.
    pub(in crate::db) fn each_change<T: Table, B>(
        &self,
        mut found: impl FnMut(Change<T>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let family = self.core.family::<T>();
        let (base, draft) = (self.draft().base(), self.draft());
        if draft.family_revision(family) == base.family_revision(family) {
            return ControlFlow::Continue(());
        }
        let (old, new) = (base.tree::<T>(family, 0), draft.tree::<T>(family, 0));
        old.diff(new, &KeyRange::ALL, |change| {
            Change::of(change.old, change.new).map_or(ControlFlow::Continue(()), &mut found)
        })
    }
}
