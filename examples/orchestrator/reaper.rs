//! The reaper: takes ended pods away and gives back what they held.

use sapwood::{Change, Database, Error, Row, WriteTxn};

use crate::{
    failure::Failure,
    tables::{Clock, Node, Phase, Placement, Pod},
    turn,
};

/// Follows the pods that have ended, until the cluster is shut down.
///
/// The first batch holds the rows that are there already, so what a killed process left undone is done first, with no code of its own.
pub fn run(db: &Database) -> Result<(), Failure> {
    for batch in db.follow(Pod::BY_PHASE.prefix(Phase::Ended))? {
        let ended: Vec<Row<Pod>> = batch
            .into_iter()
            .filter_map(|change| match change {
                Change::Inserted(pod) => Some(pod),
                // Our own work of the last time.
                _ => None,
            })
            .collect();
        if !ended.is_empty() {
            db.write(|tx| reap(tx, &ended))?;
        }
    }
    Ok(())
}

fn reap(tx: &mut WriteTxn, ended: &[Row<Pod>]) -> Result<(), Error> {
    let (mut completed, mut never_scheduled) = (0, 0);
    for pod in ended {
        tx.remove::<Pod>(&pod.name)?;
        if let (Some(node), Some(placement)) = (&pod.node, pod.placement) {
            tx.update::<Node>(node, |node| node.free.give_back(&pod.wish.needs))?;
            tx.update::<Placement>(placement, |placement| placement.ended = Some(pod.ends))?;
            completed += 1;
        } else {
            never_scheduled += 1;
        }
    }
    let next = turn::after_reaping(tx);
    tx.update::<Clock>(Clock::ID, |clock| {
        clock.turn = next;
        clock.completed += completed;
        clock.never_scheduled += never_scheduled;
    })?;
    Ok(())
}
