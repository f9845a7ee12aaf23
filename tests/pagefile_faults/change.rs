//! Random transactions, done to a page file and to its model alike.

use sapwood::pagefile::{Error, WriteTxn};

use super::super::sim::{Random, filled};
use super::state::{State, lies_in, path_of};

/// What transactions do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// So many keys there can be in a bucket.
    pub(crate) keys: usize,
    /// The longest values.
    pub(crate) longest: usize,
    /// The most things that a transaction does.
    pub(crate) most: usize,
    /// Whether buckets come, go, are moved and renamed, and transactions and savepoints lie within transactions.
    pub(crate) structure: bool,
}

/// One transaction; what it does depends on the shape, the state and the seed only. The model is changed with it, also where an error ends it.
pub(crate) fn change(
    tx: &mut WriteTxn,
    state: &mut State,
    shape: Shape,
    seed: u64,
) -> Result<(), Error> {
    let mut random = Random::new(seed);
    for _ in 0..=random.below(shape.most) {
        if shape.structure && random.below(4) == 0 {
            restructure(tx, state, shape, &mut random)?;
        } else {
            edit(tx, state, shape, &mut random)?;
        }
    }
    Ok(())
}

fn value(shape: Shape, random: &mut Random) -> Vec<u8> {
    let longest = shape.longest;
    let len = [3, 20, 60, 100, longest / 4, longest / 2, longest][random.below(7)];
    filled(len, random.next())
}

/// Changes rows of one bucket, which is made with those above it where it is not there.
fn edit(
    tx: &mut WriteTxn,
    state: &mut State,
    shape: Shape,
    random: &mut Random,
) -> Result<(), Error> {
    let name = format!("b{}", random.below(3));
    let depth = if shape.structure {
        [0, 0, 1, 2][random.below(4)]
    } else {
        0
    };
    let path = &[name.as_str(), "in", "deep"][..=depth];
    for depth in 1..=path.len() {
        state
            .entry(path[..depth].join("/").into_bytes())
            .or_default();
    }
    let bucket = &mut tx.bucket_or_create_at(path)?;
    let Some(model) = state.get_mut(path.join("/").as_bytes()) else {
        return Ok(());
    };
    let rows = &mut model.rows;
    for _ in 0..=random.below(3) {
        let key = format!("key-{:03}", random.below(shape.keys)).into_bytes();
        match random.below(10) {
            0..=1 => {
                let was_there = bucket.delete(&key)?;
                assert_eq!(was_there, rows.remove(&key).is_some());
            }
            2 => {
                // The first one at or behind the key that is no bucket goes, at a cursor.
                let next = rows.range(key..).next().map(|(key, _)| key.clone());
                if let Some(key) = next {
                    let mut cursor = bucket.cursor();
                    let found = cursor.seek(&key)?.map(|item| item.key().to_vec());
                    assert_eq!(found.as_ref(), Some(&key));
                    assert!(cursor.delete()?);
                    rows.remove(&key);
                }
            }
            3 => {
                let value = value(shape, random);
                let mut cursor = bucket.cursor();
                let is_there = cursor.seek(&key)?.is_some_and(|item| *item.key() == &key);
                if is_there {
                    assert!(cursor.set_value(&value)?);
                    rows.insert(key, value);
                }
            }
            4 => assert_eq!(bucket.take(&key)?, rows.remove(&key)),
            5 => {
                model.sequence += 1;
                assert_eq!(bucket.next_sequence(), model.sequence);
            }
            _ => {
                let value = value(shape, random);
                let replaced = bucket.put(&key, &value)?;
                assert_eq!(replaced, rows.insert(key, value).is_some());
            }
        }
    }
    Ok(())
}

/// Changes which buckets there are, or does something that is undone.
fn restructure(
    tx: &mut WriteTxn,
    state: &mut State,
    shape: Shape,
    random: &mut Random,
) -> Result<(), Error> {
    let names: Vec<Vec<u8>> = state.keys().cloned().collect();
    let kind = random.below(6);
    if kind < 2 {
        let mut undone = state.clone();
        if kind == 0 {
            let savepoint = tx.savepoint();
            edit(tx, &mut undone, shape, random)?;
            return tx.rollback_to(&savepoint);
        }
        let mut nested = tx.begin_nested();
        edit(&mut nested, &mut undone, shape, random)?;
        if random.below(2) == 0 {
            nested.commit();
            *state = undone;
        }
        return Ok(());
    }
    let Some(name) = names.get(random.below(names.len())) else {
        return Ok(());
    };
    let path = path_of(name);
    let Some((last, above)) = path.split_last() else {
        return Ok(());
    };
    if kind == 2 {
        let deleted = if above.is_empty() {
            tx.delete_bucket(last)?
        } else {
            let parent = tx.bucket_mut_at(above)?;
            parent.map_or(Ok(false), |mut parent| parent.delete_bucket(last))?
        };
        assert!(deleted);
        state.retain(|other, _| !lies_in(other, name));
        return Ok(());
    }
    // To another name, or below another bucket.
    let mut to = match (kind, names.get(random.below(names.len()))) {
        (3, _) => above.join(&b'/'),
        (_, Some(other)) if kind == 4 => other.clone(),
        _ => Vec::new(),
    };
    if !to.is_empty() {
        to.push(b'/');
    }
    to.extend(format!("b{}", random.below(4)).into_bytes());
    if state.contains_key(&to) || lies_in(&to, name) {
        return Ok(());
    }
    tx.move_bucket(&path, path_of(&to))?;
    let moved: Vec<_> = names.iter().filter(|other| lies_in(other, name)).collect();
    for old in moved {
        if let Some(rows) = state.remove(old) {
            state.insert([&to, &old[name.len()..]].concat(), rows);
        }
    }
    Ok(())
}
