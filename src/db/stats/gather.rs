//! Where the numbers come from.

use std::time::Instant;

use super::{
    Counters, IndexStats, Memory, OldestVersion, Seat, Sitting, Stats, TableCounters, TableStats,
    Versions, Watches,
};
use crate::db::Database;
use crate::db::commit::core::Core;
use crate::db::live_index;
use crate::radix::{Holdings, Version, Weight};
use crate::watch::Registry;

impl Database {
    /// What is cheap to know of the database now: commits, the writer's seat, held versions, watches, rows. O(indexes + versions held). It waits for no
    /// transaction; a transaction that begins or ends at that moment may wait for it.
    pub fn counters(&self) -> Counters {
        counters(self.core(), &self.core().current())
    }

    /// All numbers about the database now: [`counters`](Self::counters), and the memory of each index. O(nodes), on a snapshot: it walks all
    /// trees, which takes milliseconds for each million of entries, while writers go on.
    pub fn stats(&self) -> Stats {
        let core = self.core();
        let version = core.current();
        // First, or the walk itself would be seen as one who holds a version.
        let counters = counters(core, &version);
        let tables = core.catalog.tables.iter().enumerate();
        let tables = tables.map(|(family, table)| {
            let declared = table.watches.iter().enumerate();
            let declared = declared
                .map(|(tree, watches)| (tree, core.catalog.index_name(family, tree), watches));
            let live = live_index::of(version.added(), family)
                .map(|index| (index.number, index.name.to_owned(), &index.watches));
            let indexes = declared.chain(live).map(|(tree, name, watches)| {
                let census = version.census(family, tree);
                IndexStats {
                    name,
                    entries: census.rows,
                    bytes: census.bytes,
                    inner: census.inner,
                    buckets: census.buckets,
                    depth: census.depth,
                    watches: watched([watches.as_ref()]),
                }
            });
            let rows = version.entries(family, 0);
            TableStats {
                name: table.definition.name.clone(),
                rows,
                row_bytes: rows * core.catalog.layout.row_bytes(family),
                indexes: indexes.collect(),
            }
        });
        Stats {
            tables: tables.collect(),
            counters,
        }
    }
}

fn counters(core: &Core, version: &Version) -> Counters {
    let (ledger, sitter, waiting) = core.look();
    let tables = core.catalog.tables.iter().enumerate();
    let tables: Vec<_> = tables
        .map(|(family, table)| TableCounters {
            name: table.definition.name.clone(),
            rows: version.entries(family, 0),
            watches: watched(
                table
                    .watches
                    .iter()
                    .chain(live_index::of(version.added(), family).map(|index| &index.watches))
                    .map(AsRef::as_ref),
            ),
        })
        .collect();
    Counters {
        revision: version.revision(),
        file_bytes: core.file_bytes(),
        disk: core.disk(),
        commits: ledger.commits,
        seat: Seat {
            held: ledger.held,
            waited: ledger.waited,
            waiting,
            slow: core.observe.slow_writes(),
            now: sitter.map(|sitter| Sitting {
                held: sitter.held,
                thread: sitter.thread,
                began: sitter.at.to_string(),
            }),
        },
        versions: versions(&version.holdings()),
        watches: Watches {
            set: tables.iter().map(|table| table.watches.set).sum(),
            fired: tables.iter().map(|table| table.watches.fired).sum(),
        },
        tables,
    }
}

fn versions(holdings: &Holdings) -> Versions {
    Versions {
        held: holdings.versions,
        oldest: holdings.oldest.map(|oldest| OldestVersion {
            revision: oldest.revision,
            age: oldest
                .replaced
                .map(|replaced| Instant::now().saturating_duration_since(replaced))
                .unwrap_or_default(),
            pins: memory(oldest.pins),
        }),
        unlinked: memory(holdings.unlinked),
    }
}

fn memory(weight: Weight) -> Memory {
    Memory {
        nodes: weight.nodes,
        rows: weight.rows,
        bytes: weight.bytes,
    }
}

fn watched<'r>(registries: impl IntoIterator<Item = &'r Registry>) -> Watches {
    let mut watches = Watches::default();
    for registry in registries {
        watches.set += registry.len();
        watches.fired += registry.fired() as u64;
    }
    watches
}
