//! What must hold of a disk after a crash, and after another one.

use super::{
    faults::{
        disk::{Disk, Op, apply},
        state::{State, read},
    },
    image::Pending,
    scenario::Scenario,
    sim::Random,
};

/// How often a crash can follow another one.
pub(crate) const DEEPEST: usize = 3;

/// A disk as it is found after a crash.
pub(crate) struct Found<'f> {
    pub(crate) scenario: &'f Scenario,
    pub(crate) random: &'f mut Random,
    pub(crate) images: &'f mut usize,
}

impl Found<'_> {
    /// Opens, reads and checks the image, commits the transaction of seed `next`, and then crashes again, if not too deep.
    pub(crate) fn verify(
        self,
        image: Vec<u8>,
        allowed: &[&State],
        is_unmade: bool,
        next: u64,
        depth: usize,
    ) -> Result<(), String> {
        *self.images += 1;
        let is_empty = image.is_empty();
        let disk = Disk::of(image);
        let options = self.scenario.options();
        let file = match options.open_storage(Box::new(disk.clone())) {
            Ok(file) => file,
            Err(_) if is_unmade => return Ok(()),
            Err(error) => return Err(format!("depth {depth}, open: {error}")),
        };
        let failed = |what: &str| format!("depth {depth}, {what}");
        let found = read(&file).map_err(|error| format!("depth {depth}, read: {error}"))?;
        if !allowed.contains(&&found) {
            return Err(failed("the content is no state that may be found"));
        }
        let report = file
            .check()
            .map_err(|error| format!("depth {depth}, check: {error}"))?;
        if let Some(problem) = report.problems.first() {
            return Err(format!("depth {depth}, check: {problem}"));
        }
        if disk.ops() > 0 && !is_empty {
            return Err(failed("opening, reading or checking has written"));
        }
        let before = disk.image();
        disk.take_ops();
        let number = file.begin_read().commit_number();
        let mut state = found.clone();
        let committed = self.scenario.commit(&file, &mut state, next, true);
        let committed =
            committed.map_err(|error| format!("depth {depth}, next commit: {error}"))?;
        let ops = disk.take_ops();
        if committed <= number && state != found {
            return Err(failed("the number of the next commit is not higher"));
        }
        if depth < DEEPEST && !ops.is_empty() && self.random.below(4) > 0 {
            drop(file);
            return self.crash_again(before, &ops, &found, &state, depth);
        }
        if read(&file).map_err(|error| error.to_string())? != state {
            return Err(failed("the next commit does not show"));
        }
        Ok(())
    }

    /// A crash in the midst of the first commit after a crash, or right behind it.
    fn crash_again(
        self,
        mut durable: Vec<u8>,
        ops: &[Op],
        before: &State,
        after: &State,
        depth: usize,
    ) -> Result<(), String> {
        let at = self.random.below(ops.len() + 1);
        let synced = ops[..at].iter().rposition(|op| matches!(op, Op::Sync));
        let synced = synced.map_or(0, |last| last + 1);
        for op in &ops[..synced] {
            apply(&mut durable, op);
        }
        let mut pending = Pending::new(self.scenario.sector, durable.len());
        for op in &ops[synced..at] {
            pending.push(op);
        }
        let crash = if self.random.below(4) == 0 {
            let mut plain = pending.plain();
            plain.swap_remove(self.random.below(plain.len()))
        } else {
            pending.random(self.random)
        };
        let image = pending.image(&durable, &crash);
        let allowed = if at == ops.len() {
            &[after][..]
        } else {
            &[before, after]
        };
        let next = self.random.next();
        let outcome = self.verify(image, allowed, false, next, depth + 1);
        outcome.map_err(|problem| format!("{problem} (after {at} operations, {crash:?})"))
    }
}
