//! Who writes.

use super::bank::transfer;
use super::pace::{Party, count};
use super::random::Random;

/// Commits and aborts, and frees memory now and then. Ids of its rows begin at `ids`.
pub(crate) fn write(party: Party, ids: u64) {
    let Party {
        db,
        tally,
        counts,
        mut pace,
        seed,
    } = party;
    let mut random = Random::new(seed.rotate_left(32) ^ ids);
    let mut next = ids;
    while pace.goes_on() {
        let before = next;
        let mut tx = db.begin_write().unwrap();
        transfer(&mut tx, &mut random, &tally, &mut next).unwrap();
        if random.below(8) == 0 {
            drop(tx);
            next = before;
            count(&counts.aborts);
        } else {
            tx.commit().unwrap();
            count(&counts.commits);
        }
        if random.below(50) == 0 {
            db.reclaim().unwrap();
        }
    }
}
