//! Validators: what a program demands of its rows, whoever writes them.

use std::fmt::Display;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::Builder;
use super::catalog::Catalog;
use super::changes::change::Change;
use super::write_txn::WriteTxn;
use crate::Error;
use crate::table::Table;

/// Looks at all that a transaction changed in one table.
pub(super) type Rule = Arc<dyn Fn(&WriteTxn) -> Result<(), Error> + Send + Sync>;

impl Builder {
    /// Adds a rule for the rows of a table, and the table, unless it is there already. A table can have several, which are asked in their order.
    ///
    /// When a transaction ends to be committed or [staged](super::WriteTxn::stage), the rule is called for each row that it changed, in the order of the
    /// primary keys, each once: as [`WriteTxn::changes`](super::WriteTxn::changes) tells them. It can read all tables as the transaction leaves them. The first
    /// refusal refuses the commit, and so does a panic, which goes on. A transaction that does not write to the table does not pay for its rules. What
    /// another node decided is not asked about again: not by [`Database::apply`](super::Database::apply), and not when a file is opened.
    ///
    /// ```
    /// # use sapwood::{Change, Database, Error, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// # }
    /// # #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    /// # struct Pod {
    /// #     #[key]
    /// #     name: String,
    /// #     #[index]
    /// #     node: String,
    /// # }
    /// let db = Database::builder()
    ///     .validate(|change: &Change<Pod>, tx| match change.after() {
    ///         Some(pod) if tx.get::<Node>(&pod.node).is_none() => Err("its node is not there"),
    ///         _ => Ok(()),
    ///     })
    ///     .validate(|change: &Change<Node>, tx| match change {
    ///         Change::Removed(node) if tx.contains(Pod::BY_NODE.eq(&node.name)) => Err("it has pods"),
    ///         _ => Ok(()),
    ///     })
    ///     .in_memory()?;
    ///
    /// // In any order: what counts is what the transaction leaves.
    /// db.write(|tx| {
    ///     tx.insert(Pod { name: "web".into(), node: "n1".into() })?;
    ///     tx.insert(Node { name: "n1".into() })
    /// })?;
    /// let refused = db.write(|tx| tx.remove::<Node>("n1"));
    /// assert!(matches!(refused, Err(Error::Invalid { reason, .. }) if reason == "it has pods"));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn validate<T: Table, E: Display>(
        mut self,
        rule: impl Fn(&Change<T>, &WriteTxn) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self = self.table::<T>();
        if let Ok(catalog) = &mut self.catalog {
            catalog
                .rules
                .push(Arc::new(move |tx| judge(tx, |change| rule(change, tx))));
        }
        self
    }
}

impl Catalog {
    /// Refuses what a transaction made of the rows if a validator does.
    pub(super) fn validate(&self, tx: &WriteTxn) -> Result<(), Error> {
        self.rules.iter().try_for_each(|rule| rule(tx))
    }
}

fn judge<T: Table, E: Display>(
    tx: &WriteTxn,
    rule: impl Fn(&Change<T>) -> Result<(), E>,
) -> Result<(), Error> {
    let judged = tx.each_change(|change| match rule(&change) {
        Ok(()) => ControlFlow::Continue(()),
        Err(reason) => ControlFlow::Break(Error::Invalid {
            table: T::NAME,
            key: change
                .after()
                .or(change.before())
                .map_or_else(String::new, |row| row.format_key(0)),
            reason: reason.to_string(),
        }),
    });
    match judged {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(refused) => Err(refused),
    }
}
