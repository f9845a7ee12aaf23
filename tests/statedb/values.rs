//! Collections inside of rows. statedb brings persistent maps and sets for them, because its objects are shared; here every collection that serde knows will do,
//! and one that is persistent is as cheap to change.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{Database, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Holder {
    #[key]
    id: u8,
    #[index(each)]
    map: BTreeMap<String, u8>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A map in a row that is changed step by step equals a plain map after each step, in order; every earlier copy stays as it was; and on the way through
    /// serde, as rows go to a file, nothing is lost.
    #[test]
    fn a_map_in_a_row_follows_a_plain_map(steps in vec(("[a-c]{0,2}", proptest::option::of(any::<u8>())), 0..24)) {
        let db = Database::builder().table::<Holder>().in_memory().unwrap();
        db.write(|tx| tx.insert(Holder { id: 1, map: BTreeMap::new() })).unwrap();
        let mut model = BTreeMap::new();
        let mut held = Vec::new();
        for (key, value) in steps {
            match value {
                Some(value) => model.insert(key.clone(), value),
                None => model.remove(&key),
            };
            db.write(|tx| tx.update::<Holder>(1, |holder| match value {
                Some(value) => drop(holder.map.insert(key, value)),
                None => drop(holder.map.remove(&key)),
            })).unwrap();
            let row = db.snapshot().get::<Holder>(1).unwrap().clone();
            let json = serde_json::to_string(&*row).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Holder>(&json).unwrap(), &*row);
            held.push((row, model.clone()));
            let snap = db.snapshot();
            for key in ["", "a", "ab", "c"] {
                let there = snap.contains(Holder::BY_MAP.prefix(key));
                prop_assert_eq!(there, model.contains_key(key));
            }
            for (key, value) in &model {
                prop_assert!(snap.contains(Holder::BY_MAP.eq((key, value))));
            }
        }
        for (row, model) in held {
            prop_assert!(row.map.iter().eq(&model));
        }
    }
}
