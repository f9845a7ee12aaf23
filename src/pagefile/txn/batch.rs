//! Changes of several threads in one commit.
//!
//! Who comes first leads. It waits for the writer's turn, and whoever calls meanwhile joins it; there is no other delay. With the turn it hands
//! one transaction round, so that each change runs on its own thread, and commits once for all.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use super::super::{Error, PageFile, WriteTxn};

impl PageFile {
    /// Runs `change` as [`update`](Self::update) does, but shares the commit with other threads that call this at the same time: one sync for all of
    /// them. Returns when the commit is durable.
    ///
    /// Nobody waits for others to come: those share that have waited for the same turn. Changes are made one after the other, each on its own
    /// thread, and each sees those before it. Where one fails or panics, nothing of it stays: the others are run again without it, and it is run again
    /// alone, to get its error from that. So `change` **may run several times**, and should have no effects elsewhere. A thread that holds a write
    /// transaction and calls this waits for ever.
    ///
    /// ```
    /// use sapwood::pagefile::PageFile;
    ///
    /// let file = PageFile::in_memory()?;
    /// std::thread::scope(|scope| {
    ///     for name in ["web-1", "web-2", "web-3"] {
    ///         let file = &file;
    ///         scope.spawn(move || file.batch(|tx| tx.bucket_or_create("pods")?.put(name, "running")));
    ///     }
    /// });
    /// assert_eq!(file.begin_read().bucket("pods")?.expect("made above").len(), 3);
    /// # Ok::<(), sapwood::pagefile::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `change` gives when it runs alone; as [`begin_write`](Self::begin_write) and [`WriteTxn::commit`]. Where a shared commit fails with
    /// [`Error::Io`], one caller gets that, and the others [`Error::Poisoned`]: what they changed could be there when the file is opened again, too.
    /// Where it fails otherwise, each change is run and committed alone.
    pub fn batch<R, E: From<Error>>(
        &self,
        change: impl FnMut(&mut WriteTxn) -> Result<R, E>,
    ) -> Result<R, E> {
        match self.batches.join() {
            None => self.lead(change),
            Some(seat) => self.follow(&seat, change),
        }
    }

    fn lead<R, E: From<Error>>(
        &self,
        mut change: impl FnMut(&mut WriteTxn) -> Result<R, E>,
    ) -> Result<R, E> {
        // From here on all who have joined are let go, whatever happens.
        let mut group = Group {
            batches: &self.batches,
            seats: Vec::new(),
            is_open: true,
        };
        let mut txn = self.begin_write()?;
        group.close();
        if group.seats.is_empty() {
            let result = change(&mut txn)?;
            txn.commit()?;
            return Ok(result);
        }
        let mut mine = None;
        let mut is_in = true;
        loop {
            // A transaction in which a change has failed is thrown away, and the next one does without that change.
            if is_in {
                mine = attempt(&mut change, &mut txn);
                is_in = mine.is_some();
                if !is_in {
                    drop(txn);
                    txn = self.begin_write()?;
                }
            }
            match group.run(txn) {
                Some(done) => break txn = done,
                None => txn = self.begin_write()?,
            }
        }
        match (txn.commit(), mine) {
            (Ok(_), mine) => {
                group.end(true);
                if let Some(result) = mine {
                    return Ok(result);
                }
            }
            (Err(error @ Error::Io { .. }), Some(_)) => return Err(error.into()),
            (Err(_), _) => {}
        }
        drop(group);
        self.update(change)
    }

    fn follow<R, E: From<Error>>(
        &self,
        seat: &Seat,
        mut change: impl FnMut(&mut WriteTxn) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut mine = None;
        loop {
            match seat.next() {
                Asked::Run(mut txn) => {
                    mine = attempt(&mut change, &mut txn);
                    if mine.is_none() {
                        // Gives the turn back before the next one is asked for.
                        drop(txn);
                        seat.answer(None);
                        return self.update(change);
                    }
                    seat.answer(Some(txn));
                }
                Asked::End { committed } => {
                    return match mine {
                        Some(result) if committed => Ok(result),
                        _ => self.update(change),
                    };
                }
            }
        }
    }
}

/// Runs the change; `None` where it fails or panics. It is run again alone then, so its error is not lost.
fn attempt<R, E>(
    change: &mut impl FnMut(&mut WriteTxn) -> Result<R, E>,
    txn: &mut WriteTxn,
) -> Option<R> {
    // What the change may have left half done is in the transaction, which is thrown away, or its own.
    catch_unwind(AssertUnwindSafe(|| change(txn))).ok()?.ok()
}

/// Who waits for a commit to share.
#[derive(Default)]
pub(in crate::pagefile) struct Batches {
    /// `Some` while there is a leader that waits for its turn.
    waiting: Mutex<Option<Vec<Arc<Seat>>>>,
}

impl Batches {
    /// Joins those that wait; `None` where there are none, and the caller is to lead.
    fn join(&self) -> Option<Arc<Seat>> {
        let mut waiting = lock(&self.waiting);
        let Some(seats) = &mut *waiting else {
            *waiting = Some(Vec::new());
            return None;
        };
        let seat = Arc::new(Seat::default());
        seats.push(Arc::clone(&seat));
        Some(seat)
    }
}

/// Those that share a commit, but for their leader.
struct Group<'b> {
    batches: &'b Batches,
    seats: Vec<Arc<Seat>>,
    /// Whether others can still join.
    is_open: bool,
}

impl Group<'_> {
    fn close(&mut self) {
        if mem::take(&mut self.is_open) {
            self.seats = lock(&self.batches.waiting).take().unwrap_or_default();
        }
    }

    /// Runs all changes in the transaction. `None` where one has failed, which is then no longer of the group; the transaction is gone.
    fn run(&mut self, mut txn: WriteTxn) -> Option<WriteTxn> {
        for i in 0..self.seats.len() {
            let Some(back) = self.seats[i].run(txn) else {
                self.seats.remove(i);
                return None;
            };
            txn = back;
        }
        Some(txn)
    }

    fn end(&mut self, committed: bool) {
        for seat in self.seats.drain(..) {
            seat.tell(Step::Asked(Asked::End { committed }));
        }
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        self.close();
        self.end(false);
    }
}

/// Where a member waits, and is asked to run its change.
#[derive(Default)]
struct Seat {
    step: Mutex<Step>,
    changed: Condvar,
}

#[derive(Default)]
enum Step {
    #[default]
    Waiting,
    Asked(Asked),
    /// `None` where the change has failed.
    Answered(Option<Box<WriteTxn>>),
}

enum Asked {
    /// Run the change in this.
    Run(Box<WriteTxn>),
    /// The group has committed, or is to no avail.
    End { committed: bool },
}

impl Seat {
    fn tell(&self, step: Step) {
        *lock(&self.step) = step;
        self.changed.notify_one();
    }

    /// For the leader: has the change run, and gives the transaction back.
    fn run(&self, txn: WriteTxn) -> Option<WriteTxn> {
        self.tell(Step::Asked(Asked::Run(Box::new(txn))));
        loop {
            let mut step = self.wait(|step| !matches!(step, Step::Answered(_)));
            if let Step::Answered(answer) = mem::take(&mut *step) {
                return answer.map(|txn| *txn);
            }
        }
    }

    /// For the member: what to do next.
    fn next(&self) -> Asked {
        loop {
            let mut step = self.wait(|step| !matches!(step, Step::Asked(_)));
            if let Step::Asked(asked) = mem::take(&mut *step) {
                return asked;
            }
        }
    }

    fn answer(&self, answer: Option<Box<WriteTxn>>) {
        self.tell(Step::Answered(answer));
    }

    fn wait(&self, wait: impl FnMut(&mut Step) -> bool) -> MutexGuard<'_, Step> {
        let waited = self.changed.wait_while(lock(&self.step), wait);
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
