//! A process that is killed in the midst of a commit, the next one that goes on with what it finds, and then no power: what the second one found was
//! never made durable by the first.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    faults::{
        disk::{Disk, Op, apply},
        state::{State, read},
    },
    image::Pending,
    scenario::{SCENARIOS, Scenario},
    sim::Random,
    trace::Trace,
    verify::{DEEPEST, Found},
};

/// What the second process does.
#[derive(Clone, Copy, Debug)]
enum Next {
    Commit,
    Unsynced,
    Close,
}

/// The operations of the second process, on what the first has left in the caches of the system, and the state that it found and that it left.
fn go_on(scenario: &Scenario, left: Vec<u8>, next: Next, seed: u64) -> (Vec<Op>, State, State) {
    let disk = Disk::of(left);
    let file = scenario.options().open_storage(Box::new(disk.clone()));
    let file = file.unwrap();
    let found = read(&file).unwrap();
    let mut after = found.clone();
    match next {
        Next::Commit => drop(scenario.commit(&file, &mut after, seed, true).unwrap()),
        Next::Unsynced => {
            scenario.commit(&file, &mut after, seed, false).unwrap();
            file.sync().unwrap();
        }
        Next::Close => file.close().unwrap(),
    }
    (disk.take_ops(), found, after)
}

fn without_power(scenario: &Scenario, seed: u64, random: &mut Random) -> usize {
    let trace = Trace::record(scenario, seed);
    let mut images = 0;
    for at in 8..=trace.ops.len() {
        let mut left = Vec::new();
        for op in &trace.ops[..at] {
            apply(&mut left, op);
        }
        let before = trace.allowed(at);
        let next = [Next::Commit, Next::Unsynced, Next::Close][random.below(3)];
        let (more, found, after) = go_on(scenario, left, next, random.next());
        let ops: Vec<Op> = trace.ops[..at].iter().chain(&more).cloned().collect();
        for end in at..=ops.len() {
            let synced = ops[..end].iter().rposition(|op| matches!(op, Op::Sync));
            let synced = synced.map_or(0, |last| last + 1);
            let mut durable = Vec::new();
            for op in &ops[..synced] {
                apply(&mut durable, op);
            }
            let mut pending = Pending::new(scenario.sector, durable.len());
            for op in &ops[synced..end] {
                pending.push(op);
            }
            let mut allowed = vec![&after];
            // A file that is closed already is closed again without a word.
            if end < ops.len() || more.is_empty() {
                allowed.push(&found);
                allowed.extend(before.states.iter().map(|&state| &trace.states[state]));
            }
            let mut crashes = pending.plain();
            crashes.extend((0..6).map(|_| pending.random(random)));
            for crash in crashes {
                let image = pending.image(&durable, &crash);
                let verify = AssertUnwindSafe(|| {
                    let found = Found {
                        scenario,
                        random: &mut *random,
                        images: &mut images,
                    };
                    found.verify(image, &allowed, false, 7, DEEPEST)
                });
                let outcome = catch_unwind(verify).unwrap_or_else(|_| Err("panic".to_owned()));
                assert_eq!(
                    outcome,
                    Ok(()),
                    "{}, killed after {at}, {next:?}, without power after {} of {}, {crash:?}",
                    scenario.name,
                    end - at,
                    more.len()
                );
            }
        }
    }
    images
}

/// Proves that what is found after a process was killed, and was perhaps never synced, is not built upon before it is durable.
#[test]
fn found_states_are_made_durable_before_they_are_built_upon() {
    let mut random = Random::new(11);
    let mut images = 0;
    for number in [0, 1, 3] {
        let scenario = Scenario {
            steps: 10,
            ..SCENARIOS[number]
        };
        images += without_power(&scenario, 5, &mut random);
    }
    assert!(images > 2000, "{images}");
}
