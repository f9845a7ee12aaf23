//! The databases and all that came from them, each with the model of what it must show.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use sapwood::watch::Watch;
use sapwood::{Database, Error, Revision, Snapshot};

use super::set::{Mine, Set};
use super::shape::Shape;
use super::support::change::{Txn, populate};
use super::support::model::{Model, in_memory};
use super::support::question::{AnyPick, Consumer};
use super::support::watched::take;
use super::transition::{Asking, Transition, Which};

/// Which database something came from: a number that is not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(usize);

struct Live {
    name: Name,
    db: Database,
    model: Rc<Model>,
    closed: bool,
}

struct Held {
    of: Name,
    snapshot: Snapshot,
    model: Rc<Model>,
}

#[derive(Default)]
pub(crate) struct World {
    databases: Vec<Live>,
    /// How databases ended of which no handle is left.
    gone: BTreeMap<Name, Rc<Model>>,
    snapshots: Vec<Held>,
    watches: Vec<Vec<(Watch, Mine)>>,
    sets: Vec<Set>,
    followers: Vec<(Name, Box<dyn Consumer>)>,
    /// Watches for revisions.
    awaited: Vec<(Name, Revision, Watch)>,
    names: usize,
    /// The database that the last transition wrote, or made.
    written: Option<Name>,
}

impl World {
    pub(crate) fn new(populated: bool) -> Self {
        let db = in_memory();
        let mut model = Model::default();
        if populated {
            populate(&db, &mut model);
        }
        let mut world = Self::default();
        world.begin(db, Rc::new(model));
        world
    }

    pub(crate) fn shape(&self, populated: bool) -> Shape {
        Shape {
            populated,
            databases: self.databases.len(),
            snapshots: self.snapshots.len(),
            watches: self.watches.len(),
            sets: self.sets.len(),
            followers: self.followers.len(),
        }
    }

    fn begin(&mut self, db: Database, model: Rc<Model>) {
        let name = Name(self.names);
        self.names += 1;
        self.written = Some(name);
        self.databases.push(Live {
            name,
            db,
            model,
            closed: false,
        });
    }

    /// What a database shows now, or showed at its end, and whether that was.
    fn now(&self, of: Name) -> (&Rc<Model>, bool) {
        let live = self.databases.iter().find(|live| live.name == of);
        match live {
            Some(live) => (&live.model, live.closed),
            None => (&self.gone[&of], true),
        }
    }

    #[allow(clippy::too_many_lines, reason = "an arm for each transition")]
    pub(crate) fn apply(&mut self, transition: Transition) {
        self.written = None;
        let databases = self.databases.len();
        let at = |db: Which| db.of(databases);
        match transition {
            Transition::Write { db, txn, asks } => {
                let db = at(db);
                self.write(db, &txn);
                let newest = self.newest(db);
                for ask in asks {
                    ask.check(&newest.model, &newest.snapshot);
                }
            }
            Transition::WriteInside { db, other, txn } => {
                let (db, other) = (at(db), at(other));
                self.write_inside(db, other, &txn);
            }
            Transition::Replicate { db, txn, asks } => self.replicate(at(db), &txn, &asks),
            Transition::Await { db, later } => self.wait_for(at(db), later),
            Transition::Reclaim { db } => {
                let Live { db, closed, .. } = &self.databases[at(db)];
                refused_if(*closed, db.reclaim());
            }
            Transition::Close { db } => self.close(at(db)),
            Transition::Drop { db } => {
                let db = at(db);
                let Live {
                    name, db, model, ..
                } = self.databases.remove(db);
                drop(db);
                self.gone.insert(name, model);
                self.closed(name);
            }
            Transition::Hold { db } => {
                let held = self.newest(at(db));
                self.snapshots.push(held);
            }
            Transition::Copy { snapshot } => {
                let Held {
                    of,
                    snapshot,
                    model,
                } = self.held(snapshot);
                let copy = Held {
                    of: *of,
                    snapshot: snapshot.clone(),
                    model: Rc::clone(model),
                };
                self.snapshots.push(copy);
            }
            Transition::Read { snapshot, asks } => {
                let held = self.held(snapshot);
                held.model.check_all(&held.snapshot);
                for ask in asks {
                    ask.check(&held.model, &held.snapshot);
                }
            }
            Transition::Release { snapshot } => {
                let which = snapshot.of(self.snapshots.len());
                self.snapshots.remove(which);
            }
            Transition::Fork { snapshot } => {
                let held = self.held(snapshot);
                let (fork, model) = (held.snapshot.fork(), Rc::clone(&held.model));
                self.begin(fork, model);
            }
            Transition::Watch {
                db,
                from,
                asks,
                crowd,
            } => self.watch(at(db), from, &asks, crowd),
            Transition::Unwatch { watch } => {
                let which = watch.of(self.watches.len());
                self.watches.remove(which);
            }
            Transition::Gather => self.sets.push(Set::default()),
            Transition::Join {
                set,
                db,
                from,
                asks,
            } => {
                let taken = self.take(at(db), from, &asks);
                let which = set.of(self.sets.len());
                let Set { set, members } = &mut self.sets[which];
                for (watch, mine) in taken {
                    members.insert(set.add(watch), mine);
                }
            }
            Transition::Tell { set, how } => {
                let which = set.of(self.sets.len());
                self.sets[which].tell(how);
            }
            Transition::Leave { set, watch } => {
                let which = set.of(self.sets.len());
                self.sets[which].leave(watch);
            }
            Transition::Scatter { set } => {
                let which = set.of(self.sets.len());
                self.sets.remove(which);
            }
            Transition::WaitChanged { snapshot, ask } => self.wait_changed(snapshot, ask),
            Transition::Follow { db, ask } => {
                let Live {
                    name, db, model, ..
                } = &self.databases[at(db)];
                let follower = ask.ask(model).follow(db);
                self.followers.push((*name, follower));
            }
            Transition::Step { follower, waiting } => {
                let which = follower.of(self.followers.len());
                let of = self.followers[which].0;
                let model = Rc::clone(self.now(of).0);
                let follower = &mut self.followers[which].1;
                follower.look(&model, waiting);
                assert!(follower.snapshot().revision() <= model.revision);
            }
            Transition::Unfollow { follower } => {
                let which = follower.of(self.followers.len());
                self.followers.remove(which);
            }
        }
    }

    fn held(&self, which: Which) -> &Held {
        &self.snapshots[which.of(self.snapshots.len())]
    }

    fn newest(&self, db: usize) -> Held {
        let Live {
            name, db, model, ..
        } = &self.databases[db];
        Held {
            of: *name,
            snapshot: db.snapshot(),
            model: Rc::clone(model),
        }
    }

    fn write(&mut self, which: usize, txn: &Txn) {
        self.write_mirrored(which, txn, None);
    }

    /// A fork that is told what was staged is the same afterwards, and its watches fire as for any commit. It goes its own way then.
    fn replicate(&mut self, which: usize, txn: &Txn, asks: &[AnyPick]) {
        let before = self.newest(which);
        let mirror = before.snapshot.fork();
        let snapshot = mirror.snapshot();
        let seen = &before.model;
        let asks = asks.iter().map(|ask| ask.ask(seen));
        let mut watches: Vec<_> = asks
            .map(|ask| take(&snapshot, seen, seen, false, ask))
            .collect();
        self.write_mirrored(which, &txn.of_rows(), Some(&mirror));
        let after = Rc::clone(&self.databases[which].model);
        for (watch, watched) in &mut watches {
            watched.pass(seen, &after);
            watched.check(watch);
        }
        self.begin(mirror, after);
    }

    fn wait_for(&mut self, which: usize, later: u8) {
        let Live {
            name,
            db,
            model,
            closed,
        } = &self.databases[which];
        let revision = Revision::new(model.revision.get() + u64::from(later));
        match db.snapshot_at_least(revision, Duration::ZERO) {
            Ok(Some(snapshot)) => model.check_all(&snapshot),
            Ok(None) => assert!(later > 0 && !closed),
            Err(error) => assert!(later > 0 && *closed, "{error}"),
        }
        if later == 0 {
            model.check_all(&db.wait_for(revision).unwrap());
        }
        let watch = db.watch_revision(revision);
        self.awaited.push((*name, revision, watch));
        if self.awaited.len() > 8 {
            drop(self.awaited.remove(0));
        }
    }

    fn write_mirrored(&mut self, which: usize, txn: &Txn, mirror: Option<&Database>) {
        let Live {
            name,
            db,
            model,
            closed,
        } = &mut self.databases[which];
        if *closed {
            return refused_if(true, db.begin_write());
        }
        let before = Rc::clone(model);
        let mut after = Model::clone(&before);
        txn.run_mirrored(db, &mut after, mirror);
        let (name, after) = (*name, Rc::new(after));
        *model = Rc::clone(&after);
        self.written = Some(name);
        if before.revision != after.revision {
            for mine in self.of(name) {
                mine.watched.pass(&before, &after);
            }
        }
    }

    fn write_inside(&mut self, which: usize, other: usize, txn: &Txn) {
        let Live { db, closed, .. } = &self.databases[which];
        if *closed {
            return refused_if(true, db.try_begin_write());
        }
        let db = db.clone();
        let tx = db.begin_write().unwrap();
        assert!(matches!(db.begin_write(), Err(Error::NestedWrite)));
        assert!(matches!(db.try_begin_write(), Err(Error::NestedWrite)));
        assert!(matches!(db.reclaim(), Err(Error::NestedWrite)));
        if which != other {
            self.write(other, txn);
        }
        drop(tx);
    }

    fn close(&mut self, which: usize) {
        let Live {
            name, db, closed, ..
        } = &mut self.databases[which];
        let name = *name;
        *closed = true;
        db.close().unwrap();
        self.closed(name);
    }

    /// A database has ended: its watches will not fire any more, and know it.
    fn closed(&mut self, name: Name) {
        for mine in self.of(name) {
            mine.watched.close();
        }
    }

    /// All watches of a database, in sets or not.
    fn of(&mut self, name: Name) -> impl Iterator<Item = &mut Mine> {
        let alone = self.watches.iter_mut().flatten().map(|(_, mine)| mine);
        let in_sets = self.sets.iter_mut();
        let in_sets = in_sets.flat_map(|set| set.members.values_mut());
        alone.chain(in_sets).filter(move |mine| mine.of == name)
    }

    /// Watches of these questions, on a snapshot that is held or the newest of a database.
    fn take(&self, db: usize, from: Option<Which>, asks: &[AnyPick]) -> Vec<(Watch, Mine)> {
        let newest;
        let held = if let Some(which) = from {
            self.held(which)
        } else {
            newest = self.newest(db);
            &newest
        };
        asks.iter().map(|ask| self.take_one(held, *ask)).collect()
    }

    fn take_one(&self, held: &Held, ask: AnyPick) -> (Watch, Mine) {
        let (now, closed) = self.now(held.of);
        let ask = ask.ask(&held.model);
        let (watch, watched) = take(&held.snapshot, &held.model, now, closed, ask);
        let of = held.of;
        (watch, Mine { of, watched })
    }

    fn watch(&mut self, db: usize, from: Option<Which>, asks: &[AnyPick], crowd: bool) {
        let mut taken = self.take(db, from, asks);
        if crowd {
            for held in &self.snapshots {
                taken.extend((0..20).map(|_| self.take_one(held, asks[0])));
            }
        }
        self.watches.push(taken);
    }

    /// Waits, where the query has changed or the database is closed: then it must return at once.
    fn wait_changed(&self, which: Which, ask: AnyPick) {
        let held = self.held(which);
        let ask = ask.ask(&held.model);
        let Some(live) = self.databases.iter().find(|live| live.name == held.of) else {
            return;
        };
        if !ask.is_in(&live.model) {
            let gone = ask.wait_changed(&live.db, &held.snapshot);
            assert!(matches!(gone, Err(Error::UnknownIndex { .. })), "{gone:?}");
        } else if ask.differ(&held.model, &live.model) {
            // Else it would wait for ever.
            assert!(ask.watch(&held.snapshot).is_fired());
            let changed = ask.wait_changed(&live.db, &held.snapshot).unwrap();
            live.model.check_all(&changed);
        } else if live.closed {
            refused_if(true, ask.wait_changed(&live.db, &held.snapshot));
        }
    }

    /// What is true after each transition.
    pub(crate) fn check(&self) {
        for live in &self.databases {
            assert_eq!(live.db.revision(), live.model.revision);
            assert_eq!(live.db.is_closed(), live.closed);
            if self.written == Some(live.name) {
                live.model.check_all(&live.db.snapshot());
            }
        }
        for held in &self.snapshots {
            assert_eq!(held.snapshot.revision(), held.model.revision);
        }
        for (watch, mine) in self.watches.iter().flatten() {
            mine.watched.check(watch);
        }
        for set in &self.sets {
            assert_eq!(set.set.len(), set.members.len());
        }
        for (of, revision, watch) in &self.awaited {
            let (now, closed) = self.now(*of);
            let reached = now.revision >= *revision;
            assert_eq!(watch.is_fired(), reached);
            assert_eq!(watch.is_closed(), closed && !reached);
        }
    }

    /// Ends it all, in the order in which it began: databases first, then what outlives them.
    pub(crate) fn end(mut self) {
        for live in &self.databases {
            live.model.check_all(&live.db.snapshot());
        }
        while let Some(live) = self.databases.pop() {
            let name = live.name;
            self.gone.insert(name, live.model);
            drop(live.db);
            self.closed(name);
            self.check();
        }
        for (watch, mine) in self.watches.iter().flatten() {
            assert_eq!(watch.wait().is_ok(), mine.watched.is_fired());
        }
        for (of, follower) in &mut self.followers {
            follower.end(&self.gone[of]);
        }
        for set in &mut self.sets {
            set.tell(Asking::Wait);
        }
        while !self.snapshots.is_empty() {
            for held in &self.snapshots {
                held.model.check_all(&held.snapshot);
            }
            self.snapshots.truncate(self.snapshots.len() / 2);
        }
    }
}

fn refused_if<R: std::fmt::Debug>(closed: bool, result: Result<R, Error>) {
    match result {
        Ok(_) => assert!(!closed, "a closed database goes on"),
        Err(Error::Closed) => assert!(closed, "it is open"),
        Err(error) => panic!("{error}"),
    }
}
