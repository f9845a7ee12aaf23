//! Commits that are staged and not yet published.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::super::changes::change_list::ChangeList;
use super::core::Core;
use super::turnstile::{Carried, Seated};
use crate::radix::{self, Draft, Garbage, Version, Writer};
use crate::{Error, Revision};

/// A transaction that has ended, and that nobody sees yet: [`WriteTxn::stage`](super::super::WriteTxn::stage).
///
/// Between a transaction and its commit somebody else may have a say: a replicated log that the [changes](Self::changes) are proposed to, another store that must
/// take them in first. A staged commit waits for that, on any thread; then it is [published](Self::publish), or [discarded](Self::discard), as dropping it does. Rows in
/// it get the revision that it is published at.
///
/// It keeps the writer's turn: there is one at a time, and other writers wait until it ends; readers do not. The thread that staged it cannot wait for its
/// next turn without a limit meanwhile ([`Error::NestedWrite`]), for it may be the one that has to end it; with
/// [`begin_write_timeout`](super::super::Database::begin_write_timeout) it can. A thread that a staged commit was *sent* to is not known: if it begins a
/// transaction before it ends the commit, it waits for itself.
///
/// ```
/// # use sapwood::{ChangeList, Database, Revision, Table};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # struct Node {
/// #     #[key]
/// #     name: String,
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let leader = Database::builder().table::<Node>().in_memory()?;
/// let other = Database::builder().table::<Node>().in_memory()?;
///
/// let mut tx = leader.begin_write()?;
/// tx.insert(Node { name: "n1".into() })?;
/// let staged = tx.stage()?;
/// let proposal = staged.changes()?.to_bytes();
/// assert!(leader.snapshot().get::<Node>("n1").is_none());
///
/// // The log says: this is entry 7.
/// staged.publish_at(Revision::new(7))?;
/// other.apply(&ChangeList::from_bytes(&proposal)?, Revision::new(7))?;
///
/// let (here, there) = (leader.snapshot(), other.snapshot());
/// let (here, there) = (here.get::<Node>("n1"), there.get::<Node>("n1"));
/// assert_eq!(here, there);
/// assert_eq!(here.map(|node| node.created()), Some(Revision::new(7)));
/// # Ok(())
/// # }
/// ```
#[must_use = "a staged commit that is dropped is discarded"]
pub struct Staged {
    core: Arc<Core>,
    /// Taken when it ends.
    prepared: Option<Prepared>,
    changes: OnceLock<ChangeList>,
}

/// A staged version, with the writer that it was made with and must end with: by one of the methods of [`Core`] that take it.
#[must_use = "the writer's seat is to be left"]
pub(in crate::db) struct Prepared {
    pub(in crate::db) writer: Carried<Writer>,
    pub(in crate::db) staged: radix::Staged,
    pub(in crate::db) old_rows: Garbage,
    pub(in crate::db) before: Version,
    /// How many rows were written or removed.
    pub(in crate::db) written: usize,
    /// Whether anything was changed: a row, or which indexes there are.
    changed: bool,
}

impl Prepared {
    /// *Stage*: from here on nothing changes it.
    #[inline]
    pub(in crate::db) fn new(mut writer: Carried<Writer>, draft: Draft) -> Self {
        let before = draft.base().clone();
        let (written, changed) = (draft.written(), draft.is_changed());
        let (staged, old_rows) = draft.stage(&mut writer.thing);
        Self {
            writer,
            staged,
            old_rows,
            before,
            written,
            changed,
        }
    }
}

impl Staged {
    pub(in crate::db) fn new(core: &Arc<Core>, writer: Seated<Writer>, draft: Draft) -> Self {
        let writer = core.carry(writer);
        Self {
            core: Arc::clone(core),
            prepared: Some(Prepared::new(writer, draft)),
            changes: OnceLock::new(),
        }
    }

    fn prepared(&self) -> &Prepared {
        match &self.prepared {
            Some(prepared) => prepared,
            None => unreachable!("a staged commit that has ended is gone"),
        }
    }

    /// The number that [`publish`](Self::publish) gives it, and that [`changes`](Self::changes) and rows say until it is published at another.
    pub fn revision(&self) -> Revision {
        self.prepared().staged.version().revision()
    }

    /// Whether the transaction changed nothing: it wrote and removed no row, and added and dropped no index.
    pub fn is_empty(&self) -> bool {
        !self.prepared().changed
    }

    /// All that the transaction changed, in every table, ready to be sent somewhere. O(changes) the first time, which encodes them; then kept.
    ///
    /// # Errors
    /// [`Error::Row`] if a row cannot be written as bytes. It stays staged.
    pub fn changes(&self) -> Result<&ChangeList, Error> {
        if let Some(changes) = self.changes.get() {
            return Ok(changes);
        }
        let Prepared { staged, before, .. } = self.prepared();
        let changes = ChangeList::between(&self.core.catalog, before, staged.version())?;
        Ok(self.changes.get_or_init(|| changes))
    }

    /// Persists it as the database's durability asks for, makes it visible, and tells who watches: what a commit does. Gives its number; that of the commit
    /// before, if it [changed nothing](Self::is_empty).
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Row`] and [`Error::Poisoned`] where the disk refuses; [`Error::Closed`]. It is then discarded.
    pub fn publish(mut self) -> Result<Revision, Error> {
        match self.prepared.take() {
            Some(prepared) if !prepared.changed => self.core.publish_nothing(prepared),
            Some(prepared) => self.core.publish(prepared),
            None => Err(Error::Closed),
        }
    }

    /// As [`publish`](Self::publish), with a number that somebody else decided on, which becomes that of the rows too. Numbers may be left out. Even if nothing was
    /// changed, the database has this revision then: the decision is known to have arrived.
    ///
    /// # Errors
    /// [`Error::RevisionOrder`] if it is not greater than the published one; those of [`publish`](Self::publish). It is then discarded.
    pub fn publish_at(mut self, revision: Revision) -> Result<Revision, Error> {
        match self.prepared.take() {
            Some(prepared) => self.core.publish_at(prepared, revision),
            None => Err(Error::Closed),
        }
    }

    /// Ends it as if it had never been. So does dropping it.
    pub fn discard(self) {
        drop(self);
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(prepared) = self.prepared.take() {
            self.core.discard(prepared);
        }
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged")
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "derive"))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::Staged;
    use crate::{Database, Table};

    #[derive(Table, Serialize, Deserialize)]
    #[table(name = "jobs")]
    struct Job {
        #[key]
        id: u8,
        state: u8,
    }

    #[derive(Table, Serialize, Deserialize)]
    #[table(name = "nodes")]
    struct Node {
        #[key]
        id: u8,
        state: u8,
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Put(bool, u8, u8),
        Remove(bool, u8),
        Savepoint,
        Rollback,
    }

    fn step() -> impl Strategy<Value = Step> {
        let id = 0u8..12;
        prop_oneof![
            6 => (any::<bool>(), id.clone(), any::<u8>()).prop_map(|(job, id, state)| Step::Put(job, id, state)),
            2 => (any::<bool>(), id).prop_map(|(job, id)| Step::Remove(job, id)),
            1 => Just(Step::Savepoint),
            1 => Just(Step::Rollback),
        ]
    }

    type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

    /// What the transaction's own lists say of each table, and what the trees do.
    fn both(staged: &Staged) -> Vec<[Rows; 2]> {
        let prepared = staged.prepared();
        let (before, after) = (&prepared.before, &prepared.staged);
        let tables = staged.core.catalog.durable();
        let both = tables.map(|(_, table)| {
            let (mut listed, mut differ) = (Rows::new(), Rows::new());
            let lists = table.rows.staged_changes(before, after, &mut |(key, row)| {
                let twice = listed.insert(key.to_vec(), row.map(<[u8]>::to_vec));
                assert_eq!(twice, None, "a row is told once");
                Ok(())
            });
            lists.unwrap();
            let trees = table
                .rows
                .changes(before, after.version(), &mut |(key, row)| {
                    differ.insert(key.to_vec(), row.map(<[u8]>::to_vec));
                    Ok(())
                });
            trees.unwrap();
            [listed, differ]
        });
        both.collect()
    }

    proptest! {
        /// The record of a commit, which is made from the transaction's lists, says what the difference of the two versions does: with rows written twice, rows that came and went,
        /// and parts that were undone.
        #[test]
        fn lists_say_what_the_trees_do(commits in proptest::collection::vec(proptest::collection::vec(step(), 1..8), 1..8)) {
            let db = Database::builder().table::<Job>().table::<Node>().in_memory().unwrap();
            for steps in commits {
                let mut tx = db.begin_write().unwrap();
                let mut savepoint = None;
                for step in steps {
                    match step {
                        Step::Put(true, id, state) => drop(tx.put(Job { id, state }).unwrap()),
                        Step::Put(false, id, state) => drop(tx.put(Node { id, state }).unwrap()),
                        Step::Remove(true, id) => drop(tx.remove::<Job>(id).unwrap()),
                        Step::Remove(false, id) => drop(tx.remove::<Node>(id).unwrap()),
                        Step::Savepoint => savepoint = Some(tx.savepoint()),
                        Step::Rollback => savepoint.iter().for_each(|to| tx.rollback_to(to).unwrap()),
                    }
                }
                let staged = tx.stage().unwrap();
                for [listed, differ] in both(&staged) {
                    prop_assert_eq!(listed, differ);
                }
                staged.publish().unwrap();
            }
        }
    }
}
