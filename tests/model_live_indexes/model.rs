//! The model, and what is read of it and of the database alike.

use std::collections::BTreeMap;

use sapwood::{Query, Revision, Snapshot, WriteTxn};

use crate::kinds::{Handle, KINDS, Kind, Part, Pick, Pod};

/// An index that is there. Its number tells it from one of the same kind that was there before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) kind: Kind,
    pub(crate) handle: Handle,
    pub(crate) number: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// Rows, each with the commit that wrote it.
    pub(crate) rows: BTreeMap<u8, (Pod, Revision)>,
    pub(crate) indexes: Vec<Live>,
    pub(crate) revision: Revision,
}

impl Model {
    /// The entries of a query, with who wrote the row.
    pub(crate) fn find(&self, kind: Kind, pick: Pick) -> Vec<(Part, u8, Revision)> {
        let mut found: Vec<_> = self
            .rows
            .iter()
            .flat_map(|(id, (pod, written))| {
                let keys = kind.keys(pod).into_iter();
                keys.filter(|key| pick.finds(key))
                    .map(|key| (key, *id, *written))
            })
            .collect();
        found.sort();
        found
    }

    pub(crate) fn has(&self, live: Live) -> bool {
        self.indexes.iter().any(|other| other.number == live.number)
    }

    /// Whether another row has a key of this one in a unique index.
    pub(crate) fn conflicts(&self, pod: &Pod) -> bool {
        let unique = self.indexes.iter().filter(|live| live.kind.is_unique());
        unique.map(|live| live.kind).any(|kind| {
            let keys = kind.keys(pod);
            let mut others = self.rows.values().filter(|(other, _)| other.id != pod.id);
            others.any(|(other, _)| !kind.keys(other).is_disjoint(&keys))
        })
    }

    pub(crate) fn check(&self, reads: &impl Reads, picks: &[Pick]) {
        assert_eq!(
            reads.ids(Pod::ALL),
            self.rows.keys().copied().collect::<Vec<_>>()
        );
        for live in &self.indexes {
            for pick in picks.iter().chain([&Pick(0, 0)]) {
                let found = self.find(live.kind, *pick);
                let mut ids: Vec<u8> = Vec::new();
                for (_, id, _) in &found {
                    // A row stands at the first of its entries.
                    if !ids.contains(id) {
                        ids.push(*id);
                    }
                }
                assert_eq!(reads.ids(pick.query(live.handle)), ids, "{live:?} {pick:?}");
            }
        }
        for kind in KINDS {
            let there = self.indexes.iter().any(|live| live.kind == kind);
            assert_eq!(reads.has(kind), there, "{kind:?}");
        }
    }
}

pub(crate) trait Reads {
    fn ids(&self, query: Query<Pod>) -> Vec<u8>;
    fn has(&self, kind: Kind) -> bool;
}

macro_rules! reads {
    ($reader:ty) => {
        impl Reads for $reader {
            fn ids(&self, query: Query<Pod>) -> Vec<u8> {
                let ids: Vec<u8> = self.list(query.clone()).map(|pod| pod.id).collect();
                assert!(
                    self.list(query.clone())
                        .rev()
                        .map(|pod| pod.id)
                        .eq(ids.iter().rev().copied())
                );
                assert_eq!(self.count(query), ids.len());
                ids
            }

            /// By its name, and the right type of its keys only.
            fn has(&self, kind: Kind) -> bool {
                let name = kind.name();
                let [number, text, pair] = [
                    self.index::<Pod, u64>(name).is_some(),
                    self.index::<Pod, String>(name).is_some(),
                    self.index::<Pod, (Option<String>, u64)>(name).is_some(),
                ];
                let wanted = match kind {
                    Kind::Label => text,
                    Kind::NodeCpu => pair,
                    _ => number,
                };
                assert_eq!(number || text || pair, wanted);
                wanted
            }
        }
    };
}

reads!(Snapshot);
reads!(WriteTxn);
