//! What is demanded of the rows: some of those that chance makes are refused when their transaction ends.

use sapwood::{Builder, Change, Table, WriteTxn};

use super::item::Item;
use super::lease::Lease;
use super::model::{Model, Rows};
use super::modelled::Modelled;

const ITEM: &str = "too large for its owner";
const LEASE: &str = "no item has its port";

fn is_unfit(item: &Item) -> bool {
    item.owner == 3 && item.size == 120
}

fn needs_item(lease: &Lease) -> bool {
    lease.port % 16 == 7
}

/// Of the items, a rule that looks at the row alone; of the leases, one that looks at another table, and at how the row changes.
pub(crate) fn add_to(builder: Builder) -> Builder {
    let items = |change: &Change<Item>, _: &WriteTxn| {
        let unfit = change.after().is_some_and(|item| is_unfit(item));
        if unfit { Err(ITEM) } else { Ok(()) }
    };
    let leases = |change: &Change<Lease>, tx: &WriteTxn| match change {
        Change::Inserted(lease)
            if needs_item(lease) && !tx.contains(Item::BY_PORTS.eq(lease.port)) =>
        {
            Err(LEASE)
        }
        _ => Ok(()),
    };
    builder.validate(items).validate(leases)
}

/// The table, the row and the reason for which a transaction that led to `after` must be refused.
pub(crate) fn refusal(
    before: &Model,
    after: &Model,
) -> Option<(&'static str, String, &'static str)> {
    let ports = |port| {
        after
            .items
            .values()
            .any(|item| item.row.ports.contains(&port))
    };
    let item = first::<Item>(&before.items, &after.items, |item, _| is_unfit(item));
    let lease = first::<Lease>(&before.leases, &after.leases, |lease, is_new| {
        is_new && needs_item(lease) && !ports(lease.port)
    });
    let item = item.map(|key| (Item::NAME, key, ITEM));
    item.or(lease.map(|key| (Lease::NAME, key, LEASE)))
}

/// The first row that was written and is refused.
fn first<T: Modelled>(
    before: &Rows<T>,
    after: &Rows<T>,
    refused: impl Fn(&T, bool) -> bool,
) -> Option<String> {
    let mut written = after
        .iter()
        .filter(|(key, stored)| before.get(key) != Some(stored));
    let found = written.find(|(key, stored)| refused(&stored.row, !before.contains_key(key)));
    found.map(|(key, _)| T::words(key))
}
