//! Trees stay flat and full, in whatever order their keys come.
//!
//! Ascending keys once made a level for every few buckets: the rightmost node took the longest prefix that its few keys shared, which kept
//! the next ones out, so that they piled up in its parent.

use super::family::{Model, begin, layout, put};
use crate::radix::Writer;
use crate::revision::Revision;

const ROWS: u32 = 2_000;

/// The shape of the primary tree after these keys came one by one.
fn census(keys: impl Iterator<Item = Vec<u8>>) -> crate::radix::census::Census {
    let alive = std::sync::Arc::default();
    let (mut writer, version) = Writer::new(layout(), Revision::ZERO);
    let mut draft = begin(&mut writer, &version);
    for (number, key) in keys.enumerate() {
        // The model is not asked, and would make this quadratic.
        let mut model = Model::new();
        put(
            &mut draft,
            &mut model,
            &alive,
            (&key, number as u32),
            (&[], &key),
        );
    }
    let census = draft.check(0).unwrap();
    drop(draft.abort(&mut writer));
    census
}

#[test]
fn trees_stay_flat_and_full_in_every_order() {
    let binary = |number: u32| u64::from(number).to_be_bytes().to_vec();
    let decimal = |number: u32| format!("job-name-{number:06}").into_bytes();
    let group = |number: u32| [decimal(number % 20), binary(number)].concat();
    for key in [&binary as &dyn Fn(u32) -> Vec<u8>, &decimal, &group] {
        let orders: [(&str, Vec<u32>); 4] = [
            ("ascending", (0..ROWS).collect()),
            ("descending", (0..ROWS).rev().collect()),
            (
                "from both ends",
                (0..ROWS)
                    .map(|n| if n % 2 == 0 { n } else { 2 * ROWS - n })
                    .collect(),
            ),
            ("scattered", (0..ROWS).map(|n| n * 7_919 % ROWS).collect()),
        ];
        for (order, numbers) in orders {
            let census = census(numbers.into_iter().map(key));
            assert_eq!(census.rows, ROWS as usize);
            // With nodes of 4 and 5 in tests, 500 full buckets are 4 levels; each order of magnitude may add one.
            assert!(census.depth <= 14, "{order}: {census:?}");
            assert!(census.buckets <= 1_300, "{order}: {census:?}");
        }
    }
}
