use super::{assert_bare, prefix, registry, span, watch};
use crate::key::KeyRange;

/// A hundred thousand watches live side by side: a key wakes its own, and all of them leave nothing behind.
#[test]
fn a_hundred_thousand_watches_are_normal() {
    let registry = registry();
    let mut watches = Vec::new();
    for number in 0..100_000_u32 {
        let key = number.to_be_bytes();
        let range = match number % 4 {
            // A page of 16 keys each, all with the same common prefix.
            0 => span(&key, Some(&(number + 16).to_be_bytes())),
            _ => prefix(&key),
        };
        watches.push(registry.register(range, 0));
    }
    assert_eq!(registry.len(), 100_000);

    registry.fire_key(&50_002_u32.to_be_bytes(), 1);
    let fired: Vec<_> = (0..100_000_usize)
        .filter(|&at| watches[at].is_fired())
        .collect();
    assert_eq!(fired, [49_988, 49_992, 49_996, 50_000, 50_002]);
    assert_eq!(registry.len(), 100_000 - 5);

    drop(watches);
    assert_bare(&registry);
}

/// Many watches on one range are one place in the registry: one key fires them all, and each can leave on its own.
#[test]
fn many_watches_on_one_range_share_a_place() {
    let registry = registry();
    let mut watches: Vec<_> = (0..10_000).map(|_| watch(&registry, b"same")).collect();
    let mut asked = 0;
    registry.fire_where(1, |_| {
        asked += 1;
        false
    });
    assert_eq!(asked, 1);

    watches.drain(2_000..4_000);
    assert_eq!(registry.len(), 8_000);
    registry.fire_key(b"same/below", 1);
    assert!(watches.iter().all(crate::watch::Watch::is_fired));
    assert_bare(&registry);
}

/// Keys of 32 KiB, each a prefix of the next, make a deep trie; nothing recurses, and it folds up again.
#[test]
fn the_longest_keys_make_no_deep_recursion() {
    const STEP: usize = 8;
    let registry = registry();
    let long = vec![7; 32 << 10];
    let watches: Vec<_> = (0..long.len())
        .step_by(STEP)
        .map(|len| watch(&registry, &long[..len]))
        .collect();
    let spans: Vec<_> = (0..1_000)
        .map(|len| registry.register(span(&long[..len * 32], Some(&long)), 0))
        .collect();
    registry.check();

    registry.fire_key(&long[..100], 1);
    let fired = watches.iter().filter(|watch| watch.is_fired()).count();
    assert_eq!(fired, 100 / STEP + 1);
    assert_eq!(spans.iter().filter(|watch| watch.is_fired()).count(), 4);
    registry.check();
    registry.fire_key(&long, 1);
    assert!(watches.iter().all(crate::watch::Watch::is_fired));
    assert_eq!(registry.len(), 996);

    drop(spans);
    assert_bare(&registry);
}

/// A watch on a whole table fires for every key, the empty one too, and an empty span for none.
#[test]
fn the_widest_and_the_emptiest_range() {
    let registry = registry();
    let all = registry.register(KeyRange::ALL, 0);
    let none = registry.register(span(b"b", Some(b"b")), 0);
    let reversed = registry.register(span(b"c", Some(b"a")), 0);
    registry.fire_key(b"", 1);
    registry.fire_key(b"b", 1);
    assert!(all.is_fired());
    assert!(!none.is_fired());
    assert!(!reversed.is_fired());
}

/// A batch knows when nobody is left to be told.
#[test]
fn a_batch_ends_early_when_nobody_is_left() {
    let registry = registry();
    let watches = [
        watch(&registry, b"a"),
        registry.register(span(b"b", None), 0),
    ];
    let mut firing = registry.firing(1);
    firing.key(b"a");
    assert!(!firing.is_empty());
    firing.key(b"b");
    assert!(firing.is_empty());
    assert!(
        !watches[0].is_fired(),
        "woken when the registry is unlocked"
    );
    drop(firing);
    assert!(watches.iter().all(crate::watch::Watch::is_fired));
}
