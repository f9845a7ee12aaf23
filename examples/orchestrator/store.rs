//! The database of the cluster: made, or found and checked.

use std::path::Path;

use sapwood::{Database, Error, Revision, Snapshot};

use crate::{
    failure::Failure,
    options::Options,
    tables::{Clock, Node, Placement, Pod, Turn},
    trace::Trace,
    turn,
};

/// Opens what the options ask for, with the nodes and the clock of this trace in it.
pub fn open(options: &Options, trace: &Trace) -> Result<Database, Failure> {
    let builder = Database::builder()
        .table::<Node>()
        .table::<Pod>()
        .table::<Placement>()
        .table::<Clock>()
        .durability(options.durability.into());
    let Some(file) = &options.db else {
        let db = builder.in_memory().map_err(Failure::Open)?;
        found(&db, trace)?;
        return Ok(db);
    };
    permit(file, options.resume)?;
    let db = builder.open(file).map_err(Failure::Open)?;
    let snapshot = db.snapshot();
    if snapshot.revision() == Revision::ZERO {
        // New, or left by a process that was killed before its first commit was on disk.
        found(&db, trace)?;
    } else {
        same_run(file, turn::clock(&snapshot)?, trace)?;
        audit(&snapshot)?;
    }
    Ok(db)
}

/// A file is neither overwritten by accident, nor made by a mistyped name.
fn permit(file: &Path, resume: bool) -> Result<(), Failure> {
    let file_name = file.display();
    let exists = file
        .try_exists()
        .map_err(|error| Failure::Refused(format!("{file_name}: {error}")))?;
    match (exists, resume) {
        (true, false) => Err(Failure::Refused(format!(
            "{file_name}: the file is there already; go on with it by --resume, or name another one"
        ))),
        (false, true) => Err(Failure::Refused(format!(
            "{file_name}: there is no such file to resume from"
        ))),
        _ => Ok(()),
    }
}

/// The first commit: all nodes, and the clock before the first tick.
fn found(db: &Database, trace: &Trace) -> Result<(), Failure> {
    db.write(|tx| {
        for node in &trace.nodes {
            tx.insert(node.clone())?;
        }
        tx.insert(Clock {
            id: Clock::ID,
            turn: Turn::Driver,
            ticks: 0,
            time: 0,
            completed: 0,
            never_scheduled: 0,
            peak_running: 0,
            trace: trace.fingerprint.clone(),
            stretch: trace.stretch,
        })?;
        Ok::<_, Error>(())
    })?;
    Ok(())
}

fn same_run(file: &Path, clock: &Clock, trace: &Trace) -> Result<(), Failure> {
    let file = file.display();
    if clock.stretch != trace.stretch {
        return Err(Failure::Refused(format!(
            "{file}: this run was begun with --stretch {}, not {}",
            clock.stretch, trace.stretch
        )));
    }
    if clock.trace != trace.fingerprint {
        return Err(Failure::Refused(format!(
            "{file}: this run was begun with another trace"
        )));
    }
    Ok(())
}

/// Whether the tables agree with each other: what a node lacks is what its pods hold, and every placement is of a pod that runs or has run.
pub fn audit(snapshot: &Snapshot) -> Result<(), Failure> {
    for node in snapshot.list(Node::ALL) {
        let mut sum = node.free;
        for pod in snapshot.list(Pod::BY_NODE.eq(&node.name)) {
            sum.give_back(&pod.wish.needs);
        }
        if sum != node.capacity {
            let name = &node.name;
            return Err(Failure::Inconsistent(format!(
                "the pods on {name} do not hold what is taken of it"
            )));
        }
    }
    let (placed, placements) = (
        turn::clock(snapshot)?.completed + snapshot.count(Pod::BY_NODE.all()) as u64,
        snapshot.count(Placement::ALL) as u64,
    );
    if placed != placements {
        return Err(Failure::Inconsistent(format!(
            "{placed} pods have been placed, by {placements} placements"
        )));
    }
    Ok(())
}
