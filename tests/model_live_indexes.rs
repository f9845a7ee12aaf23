//! Indexes that are added and dropped while rows come and go, against a model: a map of rows, and a list of indexes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample;
use sapwood::watch::Watch;
use sapwood::{
    Change, Database, Error, Follow, Index, NewIndex, Query, Revision, Row, Savepoint, Snapshot,
    Table, WriteTxn,
};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u8,
    #[index]
    node: Option<String>,
    cpu: u64,
    labels: BTreeSet<String>,
    ports: Vec<u64>,
}

fn pod() -> impl Strategy<Value = Pod> {
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
enum Part {
    Number(u64),
    Text(String),
    Pair(Option<String>, u64),
}

/// An index that can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cpu,
    Label,
    Large,
    Port,
    NodeCpu,
    Even,
}

const KINDS: [Kind; 6] = [
    Kind::Cpu,
    Kind::Label,
    Kind::Large,
    Kind::Port,
    Kind::NodeCpu,
    Kind::Even,
];

/// A handle, by the type of its keys.
#[derive(Clone, Copy, Debug)]
enum Handle {
    Number(Index<Pod, u64>),
    Text(Index<Pod, String>),
    Pair(Index<Pod, (Option<String>, u64)>),
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Label => "label",
            Self::Large => "large",
            Self::Port => "port",
            Self::NodeCpu => "node_cpu",
            Self::Even => "even",
        }
    }

    fn is_unique(self) -> bool {
        matches!(self, Self::Port | Self::Even)
    }

    /// The keys of a row, each once.
    fn keys(self, pod: &Pod) -> BTreeSet<Part> {
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

    fn add(self, tx: &mut WriteTxn) -> Result<Handle, Error> {
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
    fn drop(self, tx: &mut WriteTxn) -> Result<(), Error> {
        match self {
            Self::Number(index) => tx.drop_index(index),
            Self::Text(index) => tx.drop_index(index),
            Self::Pair(index) => tx.drop_index(index),
        }
    }
}

/// What is asked of an index: numbers, so that it shrinks.
#[derive(Clone, Copy, Debug)]
struct Pick(u8, u64);

fn pick() -> impl Strategy<Value = Pick> {
    (0..3u8, 0..60u64).prop_map(|(shape, number)| Pick(shape, number))
}

const TEXTS: [&str; 4] = ["a", "ab", "b\0", ""];

impl Pick {
    fn query(self, handle: Handle) -> Query<Pod> {
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

    fn finds(self, key: &Part) -> bool {
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

/// An index that is there. Its number tells it from one of the same kind that was there before.
#[derive(Clone, Copy, Debug)]
struct Live {
    kind: Kind,
    handle: Handle,
    number: usize,
}

#[derive(Clone, Debug, Default)]
struct Model {
    /// Rows, each with the commit that wrote it.
    rows: BTreeMap<u8, (Pod, Revision)>,
    indexes: Vec<Live>,
    revision: Revision,
}

impl Model {
    /// The entries of a query, with who wrote the row.
    fn find(&self, kind: Kind, pick: Pick) -> Vec<(Part, u8, Revision)> {
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

    fn has(&self, live: Live) -> bool {
        self.indexes.iter().any(|other| other.number == live.number)
    }

    /// Whether another row has a key of this one in a unique index.
    fn conflicts(&self, pod: &Pod) -> bool {
        let unique = self.indexes.iter().filter(|live| live.kind.is_unique());
        unique.map(|live| live.kind).any(|kind| {
            let keys = kind.keys(pod);
            let mut others = self.rows.values().filter(|(other, _)| other.id != pod.id);
            others.any(|(other, _)| !kind.keys(other).is_disjoint(&keys))
        })
    }

    fn check(&self, reads: &impl Reads, picks: &[Pick]) {
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

trait Reads {
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

#[derive(Clone, Debug)]
enum Op {
    Put(Pod),
    Remove(u8),
    RemoveAll(sample::Index, Pick),
    Add(Kind),
    Drop(sample::Index),
    /// One that may be gone.
    DropAny(sample::Index),
    Mark,
    RollBack(sample::Index),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Commit,
    Error,
    Panic,
}

#[derive(Clone, Debug)]
struct Txn {
    ops: Vec<Op>,
    end: End,
}

fn txn() -> impl Strategy<Value = Txn> {
    let index = any::<sample::Index>;
    let op = prop_oneof![
        8 => pod().prop_map(Op::Put),
        3 => (0..40u8).prop_map(Op::Remove),
        1 => (index(), pick()).prop_map(|(at, pick)| Op::RemoveAll(at, pick)),
        3 => sample::select(&KINDS[..]).prop_map(Op::Add),
        1 => index().prop_map(Op::Drop),
        1 => index().prop_map(Op::DropAny),
        1 => Just(Op::Mark),
        1 => index().prop_map(Op::RollBack),
    ];
    let end = prop_oneof![6 => Just(End::Commit), 1 => Just(End::Error), 1 => Just(End::Panic)];
    (vec(op, 0..8), end).prop_map(|(ops, end)| Txn { ops, end })
}

/// The handles that were ever given out, so that their numbers tell them apart.
type Given = Vec<Live>;

impl Op {
    /// Says whether it changed a row.
    fn run(&self, tx: &mut WriteTxn, model: &mut Model, given: &mut Given) -> bool {
        match self {
            Self::Put(pod) => {
                let result = tx.put(pod.clone());
                if model.conflicts(pod) {
                    assert!(matches!(result, Err(Error::Duplicate { .. })), "{result:?}");
                    return false;
                }
                let previous = model.rows.insert(pod.id, (pod.clone(), tx.revision()));
                let previous = previous.map(|(pod, _)| pod);
                assert_eq!(result.unwrap().map(|row| Pod::clone(&row)), previous);
                return true;
            }
            Self::Remove(id) => {
                let removed = model.rows.remove(id).is_some();
                assert_eq!(tx.remove::<Pod>(id).unwrap().is_some(), removed);
                return removed;
            }
            Self::RemoveAll(at, pick) if !model.indexes.is_empty() => {
                let live = model.indexes[at.index(model.indexes.len())];
                let found = model.find(live.kind, *pick);
                let ids: BTreeSet<u8> = found.iter().map(|(_, id, _)| *id).collect();
                assert_eq!(tx.remove_all(pick.query(live.handle)).unwrap(), ids.len());
                model.rows.retain(|id, _| !ids.contains(id));
                return !ids.is_empty();
            }
            Self::Add(kind) => {
                let added = kind.add(tx);
                let mut keys = BTreeSet::new();
                let all = model.rows.values().flat_map(|(pod, _)| kind.keys(pod));
                let distinct = all.into_iter().all(|key| keys.insert(key));
                if model.indexes.iter().any(|live| live.kind == *kind) {
                    assert!(matches!(added, Err(Error::IndexExists { .. })), "{added:?}");
                } else if kind.is_unique() && !distinct {
                    assert!(matches!(added, Err(Error::Duplicate { .. })), "{added:?}");
                } else {
                    let live = Live {
                        kind: *kind,
                        handle: added.unwrap(),
                        number: given.len(),
                    };
                    given.push(live);
                    model.indexes.push(live);
                }
            }
            Self::Drop(at) if !model.indexes.is_empty() => {
                let live = model.indexes.remove(at.index(model.indexes.len()));
                live.handle.drop(tx).unwrap();
            }
            Self::DropAny(at) if !given.is_empty() => {
                let live = given[at.index(given.len())];
                let result = live.handle.drop(tx);
                if model.has(live) {
                    model.indexes.retain(|other| other.number != live.number);
                    result.unwrap();
                } else {
                    assert!(
                        matches!(result, Err(Error::UnknownIndex { .. })),
                        "{result:?}"
                    );
                    let removed = tx.remove_all(Pick(0, 0).query(live.handle));
                    assert!(matches!(removed, Err(Error::UnknownIndex { .. })));
                }
            }
            _ => {}
        }
        false
    }
}

impl Txn {
    fn run(&self, db: &Database, model: &mut Model, given: &mut Given) {
        let mut next = model.clone();
        let mut changed = false;
        let result = catch_unwind(AssertUnwindSafe(|| {
            db.write(|tx| {
                let mut marks: Vec<(Savepoint, Model, bool)> = Vec::new();
                for op in &self.ops {
                    match op {
                        Op::Mark => marks.push((tx.savepoint(), next.clone(), changed)),
                        Op::RollBack(at) if !marks.is_empty() => {
                            marks.truncate(at.index(marks.len()) + 1);
                            let (mark, then, before) = &marks[marks.len() - 1];
                            tx.rollback_to(mark).unwrap();
                            next.clone_from(then);
                            changed = *before;
                        }
                        op => changed |= op.run(tx, &mut next, given),
                    }
                    next.check(tx, &[]);
                }
                match self.end {
                    End::Commit => Ok(tx.revision()),
                    End::Error => Err(Error::Closed),
                    End::Panic => std::panic::resume_unwind(Box::new("on purpose")),
                }
            })
        }));
        let numbers = |model: &Model| -> Vec<usize> {
            model.indexes.iter().map(|live| live.number).collect()
        };
        changed |= numbers(&next) != numbers(model);
        match (self.end, result) {
            (End::Commit, Ok(revision)) => {
                if changed {
                    next.revision = revision.unwrap();
                    *model = next;
                }
            }
            (End::Error, Ok(Err(Error::Closed))) => {}
            (End::Panic, Err(panic)) if panic.downcast_ref() == Some(&"on purpose") => {}
            (_, Err(panic)) => std::panic::resume_unwind(panic),
            (end, result) => panic!("{end:?} became {result:?}"),
        }
        assert_eq!(db.revision(), model.revision);
    }
}

/// A watch, and what must become of it.
struct Watched {
    watch: Watch,
    live: Live,
    pick: Pick,
    seen: Model,
    fired: bool,
}

impl Watched {
    fn on(snapshot: &Snapshot, seen: &Model, live: Live, pick: Pick) -> Self {
        Self {
            watch: snapshot.watch(pick.query(live.handle)),
            live,
            pick,
            seen: seen.clone(),
            fired: false,
        }
    }

    /// Looks at it when `now` was committed.
    fn check(&mut self, now: &Model) {
        let open = !self.watch.is_closed() && !self.fired;
        if open && now.has(self.live) {
            let found = |model: &Model| model.find(self.live.kind, self.pick);
            self.fired = found(&self.seen) != found(now);
            assert_eq!(
                self.watch.is_fired(),
                self.fired,
                "{:?} {:?}",
                self.live,
                self.pick
            );
            self.seen = now.clone();
        } else if !self.fired {
            assert!(self.watch.is_closed());
        }
    }
}

/// A follower of a whole index, and the rows that it told of.
struct Following {
    follower: Follow<Pod>,
    live: Live,
    rows: BTreeMap<u8, Row<Pod>>,
}

impl Following {
    fn check(&mut self, now: &Model) {
        let step = self.follower.try_next();
        if !now.has(self.live) {
            assert!(step.is_none() && self.follower.next().is_none());
            return;
        }
        for change in step.into_iter().flatten() {
            match change {
                Change::Inserted(row) => {
                    assert!(self.rows.insert(row.id, row).is_none());
                }
                Change::Updated { old, new } => {
                    assert!(self.rows.insert(new.id, new).unwrap().same(&old));
                }
                Change::Removed(row) => {
                    assert!(self.rows.remove(&row.id).unwrap().same(&row));
                }
            }
        }
        let told: BTreeMap<u8, Revision> = self
            .rows
            .iter()
            .map(|(id, row)| (*id, row.modified()))
            .collect();
        let found = now.find(self.live.kind, Pick(0, 0)).into_iter();
        assert_eq!(told, found.map(|(_, id, written)| (id, written)).collect());
    }
}

#[derive(Clone, Debug)]
struct Step {
    txn: Txn,
    picks: Vec<Pick>,
    hold: bool,
    release: Option<sample::Index>,
    /// What happens in a fork of a snapshot that is held.
    fork: Option<(sample::Index, Txn)>,
    watch: Option<(sample::Index, sample::Index, Pick)>,
    follow: Option<sample::Index>,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<sample::Index>;
    (
        txn(),
        vec(pick(), 1..4),
        any::<bool>(),
        proptest::option::weighted(0.3, index()),
        proptest::option::weighted(0.3, (index(), txn())),
        proptest::option::weighted(0.7, (index(), index(), pick())),
        proptest::option::weighted(0.3, index()),
    )
        .prop_map(|(txn, picks, hold, release, fork, watch, follow)| Step {
            txn,
            picks,
            hold,
            release,
            fork,
            watch,
            follow,
        })
}

fn cases() -> ProptestConfig {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        ProptestConfig::default()
    } else {
        ProptestConfig::with_cases(128)
    }
}

proptest! {
    #![proptest_config(cases())]

    /// However transactions end, every state has exactly the indexes and entries of the model, and every snapshot and fork keeps those that it had; what
    /// is not there is refused. Watches fire for their rows only, and are closed when their index is dropped; followers tell all, and end then.
    #[test]
    fn indexes_come_and_go_as_in_the_model(steps in vec(step(), 1..24)) {
        let db = Database::builder().table::<Pod>().in_memory().unwrap();
        let mut model = Model::default();
        let mut given = Vec::new();
        let mut held = vec![(db.snapshot(), model.clone())];
        let mut forks: Vec<(Database, Model, Given)> = Vec::new();
        let (mut watches, mut followers): (Vec<Watched>, Vec<Following>) = Default::default();
        for step in &steps {
            step.txn.run(&db, &mut model, &mut given);
            let now = db.snapshot();
            model.check(&now, &step.picks);
            for watched in &mut watches {
                watched.check(&model);
            }
            for following in &mut followers {
                following.check(&model);
            }
            for (snapshot, then) in &held {
                then.check(snapshot, &step.picks);
            }
            if step.hold {
                held.push((now, model.clone()));
            }
            if let Some((which, txn)) = &step.fork && !held.is_empty() {
                let (snapshot, then) = &held[which.index(held.len())];
                let (fork, mut forked, mut given) = (snapshot.fork(), then.clone(), given.clone());
                txn.run(&fork, &mut forked, &mut given);
                forked.check(&fork.snapshot(), &step.picks);
                forks.push((fork, forked, given));
            }
            for (fork, forked, given) in &mut forks {
                step.txn.run(fork, forked, given);
                forked.check(&fork.snapshot(), &step.picks);
            }
            if forks.len() > 2 {
                forks.remove(0);
            }
            if let Some((which, live, pick)) = &step.watch && !held.is_empty() {
                let (snapshot, then) = &held[which.index(held.len())];
                if !then.indexes.is_empty() {
                    let live = then.indexes[live.index(then.indexes.len())];
                    let mut watched = Watched::on(snapshot, then, live, *pick);
                    watched.check(&model);
                    watches.push(watched);
                }
            }
            if let Some(which) = &step.follow && !given.is_empty() {
                let live = given[which.index(given.len())];
                match db.follow(Pick(0, 0).query(live.handle)) {
                    Ok(follower) => {
                        assert!(model.has(live));
                        let rows = BTreeMap::new();
                        followers.push(Following { follower, live, rows });
                    }
                    Err(Error::UnknownIndex { .. }) => assert!(!model.has(live)),
                    Err(other) => panic!("{other}"),
                }
            }
            if let Some(which) = step.release && !held.is_empty() {
                held.remove(which.index(held.len()));
            }
        }
        drop(db);
        for watched in &watches {
            assert!(watched.watch.is_closed() != watched.fired);
        }
        for (snapshot, then) in &held {
            then.check(snapshot, &[]);
        }
        for (fork, then, _) in &forks {
            then.check(&fork.snapshot(), &[]);
        }
    }
}
