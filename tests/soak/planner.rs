//! Who plans: tries out in forks, and forks of forks, what transfers would lead to, while the original goes on.

use sapwood::Database;

use super::bank::{Account, Hold, check, transfer};
use super::follower::follow;
use super::pace::{Party, count};
use super::random::Random;

/// A plan's own watches and followers tell what was written in it, and its base stays as it was.
pub(crate) fn plan(party: Party, number: u64) {
    let Party {
        db,
        tally,
        counts,
        mut pace,
        seed,
    } = party;
    let mut random = Random::new(seed.rotate_left(16) ^ number);
    while pace.goes_on() {
        let base = db.snapshot();
        let revision = base.revision();
        let mut forks: Vec<Database> = vec![base.fork()];
        let follower = forks[0].follow(Hold::ALL).unwrap();
        for _ in 0..random.below(12) + 2 {
            let which = random.below(forks.len());
            match random.below(6) {
                0 => {
                    let fork = forks[which].snapshot().fork();
                    forks.push(fork);
                    count(&counts.forks);
                }
                1 if which > 0 => drop(forks.swap_remove(which)),
                2 => {
                    check(&forks[which].snapshot());
                    count(&counts.checks);
                }
                _ => {
                    let fork = &forks[which];
                    let before = fork.snapshot();
                    let watch = before.watch(Account::ALL);
                    let mut next = random.next() >> 1;
                    fork.write(|tx| transfer(tx, &mut random, &tally, &mut next))
                        .unwrap();
                    let rows = [&before, &fork.snapshot()]
                        .map(|snapshot| snapshot.list(Account::ALL).cloned().collect::<Vec<_>>());
                    let [old, new] = rows;
                    let same =
                        old.len() == new.len() && old.iter().zip(&new).all(|(a, b)| a.same(b));
                    assert_eq!(watch.is_fired(), !same);
                }
            }
        }
        let plan = forks.swap_remove(0);
        let last = plan.snapshot();
        drop((forks, plan));
        follow(follower, &Hold::ALL, &last, &counts);
        assert_eq!(base.revision(), revision);
        check(&base);
    }
}
