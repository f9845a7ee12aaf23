//! The table, and every kind of index that can be added to it.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use sapwood::{Error, Index, NewIndex, Query, Table, WriteTxn};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
pub(crate) struct Pod {
    #[key]
    pub(crate) id: u8,
    #[index]
    pub(crate) node: Option<String>,
    pub(crate) cpu: u64,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) ports: Vec<u64>,
}

pub(crate) fn pod() -> impl Strategy<Value = Pod> {
    let text = || prop_oneof![Just("a"), Just("ab"), Just("b\0"), Just("")].prop_map(str::to_owned);
    (
        0..40u8,
        proptest::option::of(text()),
        0..30u64,
        btree_set(text(), 0..3),
        vec(0..60u64, 0..3),
    )
        .prop_map(|(id, node, cpu, labels, ports)| Pod {
            id,
            node,
            cpu,
            labels,
            ports,
        })
}

/// A key of any of the indexes, in its order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Number(u64),
    Text(String),
    Pair(Option<String>, u64),
}

/// An index that can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Cpu,
    Label,
    Large,
    Port,
    NodeCpu,
    Even,
}

pub(crate) const KINDS: [Kind; 6] = [
    Kind::Cpu,
    Kind::Label,
    Kind::Large,
    Kind::Port,
    Kind::NodeCpu,
    Kind::Even,
];

/// A handle, by the type of its keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handle {
    Number(Index<Pod, u64>),
    Text(Index<Pod, String>),
    Pair(Index<Pod, (Option<String>, u64)>),
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Label => "label",
            Self::Large => "large",
            Self::Port => "port",
            Self::NodeCpu => "node_cpu",
            Self::Even => "even",
        }
    }

    pub(crate) fn is_unique(self) -> bool {
        matches!(self, Self::Port | Self::Even)
    }

    /// The keys of a row, each once.
    pub(crate) fn keys(self, pod: &Pod) -> BTreeSet<Part> {
        let number = |number: u64| [Part::Number(number)].into();
        match self {
            Self::Cpu => number(pod.cpu),
            Self::Label => pod.labels.iter().cloned().map(Part::Text).collect(),
            Self::Large if pod.cpu >= 15 => number(pod.cpu),
            Self::Port => pod.ports.iter().copied().map(Part::Number).collect(),
            Self::NodeCpu => [Part::Pair(pod.node.clone(), pod.cpu)].into(),
            Self::Even if pod.id.is_multiple_of(2) && pod.cpu > 20 => number(pod.cpu),
            Self::Large | Self::Even => BTreeSet::new(),
        }
    }

    pub(crate) fn add(self, tx: &mut WriteTxn) -> Result<Handle, Error> {
        let name = self.name();
        Ok(match self {
            Self::Cpu => Handle::Number(tx.add_index(NewIndex::new(name, |pod: &Pod| pod.cpu))?),
            Self::Label => {
                let labels = NewIndex::each(name, |pod: &Pod| pod.labels.clone());
                Handle::Text(tx.add_index(labels)?)
            }
            Self::Large => {
                let large = |pod: &Pod| (pod.cpu >= 15).then_some(pod.cpu);
                Handle::Number(tx.add_index(NewIndex::sparse(name, large))?)
            }
            Self::Port => {
                let ports = NewIndex::each(name, |pod: &Pod| pod.ports.clone());
                Handle::Number(tx.add_index(ports.unique())?)
            }
            Self::NodeCpu => {
                let pair = |pod: &Pod| (pod.node.clone(), pod.cpu);
                Handle::Pair(tx.add_index(NewIndex::new(name, pair))?)
            }
            Self::Even => {
                let even = NewIndex::new(name, |pod: &Pod| pod.cpu).unique();
                let even = even.when(|pod| pod.id.is_multiple_of(2));
                Handle::Number(tx.add_index(even.when(|pod| pod.cpu > 20))?)
            }
        })
    }
}

impl Handle {
    pub(crate) fn drop(self, tx: &mut WriteTxn) -> Result<(), Error> {
        match self {
            Self::Number(index) => tx.drop_index(index),
            Self::Text(index) => tx.drop_index(index),
            Self::Pair(index) => tx.drop_index(index),
        }
    }
}

/// What is asked of an index: numbers, so that it shrinks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick(pub(crate) u8, pub(crate) u64);

pub(crate) fn pick() -> impl Strategy<Value = Pick> {
    (0..3u8, 0..60u64).prop_map(|(shape, number)| Pick(shape, number))
}

pub(crate) const TEXTS: [&str; 4] = ["a", "ab", "b\0", ""];

impl Pick {
    pub(crate) fn query(self, handle: Handle) -> Query<Pod> {
        let text = TEXTS[self.1 as usize % 4];
        match (handle, self.0) {
            (Handle::Number(index), 0) => index.all(),
            (Handle::Text(index), 0) => index.all(),
            (Handle::Pair(index), 0) => index.all(),
            (Handle::Number(index), 1) => index.eq(self.1),
            (Handle::Text(index), 1) => index.eq(text),
            (Handle::Pair(index), 1) => index.prefix(Some(text)),
            (Handle::Number(index), _) => index.range(self.1..),
            (Handle::Text(index), _) => index.range(text..),
            (Handle::Pair(index), _) => index.range(..(Some(text), self.1)),
        }
    }

    pub(crate) fn finds(self, key: &Part) -> bool {
        let text = TEXTS[self.1 as usize % 4];
        match (key, self.0) {
            (_, 0) => true,
            (Part::Number(number), 1) => *number == self.1,
            (Part::Text(found), 1) => found == text,
            (Part::Pair(node, _), 1) => node.as_deref() == Some(text),
            (Part::Number(number), _) => *number >= self.1,
            (Part::Text(found), _) => found.as_str() >= text,
            (Part::Pair(node, cpu), _) => (node.as_deref(), *cpu) < (Some(text), self.1),
        }
    }
}
