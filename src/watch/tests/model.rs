use proptest::collection::vec;
use proptest::prelude::*;

use super::{assert_bare, prefix, registry, span};
use crate::key::KeyRange;
use crate::watch::Watch;

#[derive(Clone, Debug)]
enum Step {
    /// On this version.
    Register(KeyRange, u64),
    Drop(prop::sample::Index),
    /// As one who finds the change already published.
    FireOne(prop::sample::Index),
    /// Changed by this version, as in the next two.
    Key(Vec<u8>, u64),
    Batch(Vec<Vec<u8>>, u64),
    /// The same batch, told range by range.
    Where(Vec<Vec<u8>>, u64),
}

/// Few bytes and short, so that prefixes are shared, split, covered and missed by one.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0, 1, 2, 0xFF]), 0..7)
}

fn range() -> impl Strategy<Value = KeyRange> {
    prop_oneof![
        4 => key().prop_map(|bytes| prefix(&bytes)),
        // Empty and reversed ones too.
        4 => (key(), prop::option::weighted(0.8, key())).prop_map(|(start, end)| span(&start, end.as_deref())),
        1 => Just(KeyRange::ALL),
    ]
}

/// Few, and in no order, so that watches on older and newer versions meet in a range, and versions that fire some, all or none of them.
fn version() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..4_u64, 1 => Just(u64::MAX)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (range(), version()).prop_map(|(range, since)| Step::Register(range, since)),
        2 => any::<prop::sample::Index>().prop_map(Step::Drop),
        1 => any::<prop::sample::Index>().prop_map(Step::FireOne),
        2 => (key(), version()).prop_map(|(key, revision)| Step::Key(key, revision)),
        1 => (vec(key(), 0..4), version()).prop_map(|(keys, revision)| Step::Batch(keys, revision)),
        1 => (vec(key(), 0..3), version()).prop_map(|(keys, revision)| Step::Where(keys, revision)),
    ]
}

/// A watch, its range and version, and whether a key in it has been fired for a later version since it was registered.
struct Watched {
    watch: Watch,
    range: KeyRange,
    since: u64,
    fired: bool,
}

fn apply(watched: &mut [Watched], keys: &[Vec<u8>], revision: u64) {
    for one in watched {
        one.fired |= one.since < revision && keys.iter().any(|key| one.range.contains(key));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A watch fires if and only if a key in its range is fired after it was registered and before it is dropped, for a later version than
    /// its own, whatever else is watched; and what nobody watches any more is gone from the registry.
    #[test]
    fn a_watch_fires_exactly_for_the_keys_of_its_range(steps in vec(step(), 0..80)) {
        let registry = registry();
        let mut watched: Vec<Watched> = Vec::new();
        for step in steps {
            match step {
                Step::Register(range, since) => {
                    let watch = registry.register(range.clone(), since);
                    watched.push(Watched { watch, range, since, fired: false });
                }
                Step::Drop(at) if !watched.is_empty() => {
                    watched.swap_remove(at.index(watched.len()));
                }
                Step::FireOne(at) if !watched.is_empty() => {
                    let count = watched.len();
                    let one = &mut watched[at.index(count)];
                    one.watch.fire();
                    one.fired = true;
                }
                Step::Drop(_) | Step::FireOne(_) => {}
                Step::Key(key, revision) => {
                    registry.fire_key(&key, revision);
                    apply(&mut watched, &[key], revision);
                }
                Step::Batch(keys, revision) => {
                    let mut firing = registry.firing(revision);
                    for key in &keys {
                        firing.key(key);
                    }
                    drop(firing);
                    apply(&mut watched, &keys, revision);
                }
                Step::Where(keys, revision) => {
                    registry.fire_where(revision, |range| keys.iter().any(|key| range.contains(key)));
                    apply(&mut watched, &keys, revision);
                }
            }
            registry.check();
            for one in &watched {
                prop_assert_eq!(one.watch.is_fired(), one.fired, "{:?} from {}", one.range, one.since);
            }
            let pending = watched.iter().filter(|one| !one.fired).count();
            prop_assert_eq!(registry.len(), pending);
        }
        drop(watched);
        assert_bare(&registry);
    }
}
