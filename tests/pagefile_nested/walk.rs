//! Cursors beside a place in the model.

use std::ops::Bound::{Excluded, Included, Unbounded};

use sapwood::pagefile::{BucketMut, Item};

use crate::{
    model::{Node, Tree},
    ops::Step,
    run::{outcome, value_of},
};

/// The place of a cursor in the model: at a key, or in a gap.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Start,
    At(Vec<u8>),
    Gap(Vec<u8>),
    End,
}

pub(crate) fn owned(item: Option<Item<'_>>) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    item.map(|item| {
        let value = item.value().map(|value| value.to_vec());
        (item.key().to_vec(), value)
    })
}

/// Moves a cursor that changes the bucket, and as long as nothing is changed one that reads, and compares both with the model.
pub(crate) fn walk(mut bucket: BucketMut<'_>, tree: &mut Tree, steps: &[Step]) {
    let changes = |step: &Step| matches!(step, Step::Delete | Step::SetValue(_));
    let until = steps.iter().position(changes).unwrap_or(steps.len());
    let mut place = Place::Start;
    let reading = bucket.as_bucket();
    let mut cursor = reading.cursor();
    for step in &steps[..until] {
        let expected = moved(&mut place, tree, step);
        let found = match step {
            Step::First => cursor.first(),
            Step::Last => cursor.last(),
            Step::Seek(key) => cursor.seek(key),
            Step::SeekBack(key) => cursor.seek_back(key),
            Step::Next => cursor.next(),
            Step::Previous => cursor.previous(),
            Step::Delete | Step::SetValue(_) => unreachable!("cut off"),
        };
        assert_eq!(owned(found.unwrap()), expected, "{step:?}");
        assert_eq!(owned(cursor.current().unwrap()), expected);
    }
    let mut place = Place::Start;
    let mut cursor = bucket.cursor();
    for step in steps {
        let found = match step {
            Step::First => cursor.first(),
            Step::Last => cursor.last(),
            Step::Seek(key) => cursor.seek(key),
            Step::SeekBack(key) => cursor.seek_back(key),
            Step::Next => cursor.next(),
            Step::Previous => cursor.previous(),
            Step::Delete => {
                let deleted = outcome(cursor.delete());
                match &place {
                    Place::At(key) => match value_of(tree, key) {
                        Ok(_) => {
                            assert_eq!(deleted, Ok(true));
                            tree.items.remove(key);
                            place = Place::Gap(key.clone());
                        }
                        Err(kind) => assert_eq!(deleted, Err(kind)),
                    },
                    _ => assert_eq!(deleted, Ok(false)),
                }
                continue;
            }
            Step::SetValue(value) => {
                let set = outcome(cursor.set_value(value));
                match &place {
                    Place::At(key) => match value_of(tree, key) {
                        Ok(_) => {
                            assert_eq!(set, Ok(true));
                            tree.items.insert(key.clone(), Node::Value(value.clone()));
                        }
                        Err(kind) => assert_eq!(set, Err(kind)),
                    },
                    _ => assert_eq!(set, Ok(false)),
                }
                continue;
            }
        };
        let expected = moved(&mut place, tree, step);
        assert_eq!(owned(found.unwrap()), expected, "{step:?}");
        assert_eq!(owned(cursor.current().unwrap()), expected);
    }
}

/// Moves the place as the rule says: to the nearest item behind it, or before it.
pub(crate) fn moved(
    place: &mut Place,
    tree: &Tree,
    step: &Step,
) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let items = &tree.items;
    let (found, forward) = match (step, &*place) {
        (Step::First, _) | (Step::Next, Place::Start) => (items.iter().next(), true),
        (Step::Last, _) | (Step::Previous, Place::End) => (items.iter().next_back(), false),
        (Step::Seek(key), _) => (
            items.range::<Vec<u8>, _>((Included(key), Unbounded)).next(),
            true,
        ),
        (Step::SeekBack(key), _) => {
            let mut before = items.range::<Vec<u8>, _>((Unbounded, Included(key)));
            (before.next_back(), false)
        }
        (Step::Next, Place::At(key) | Place::Gap(key)) => (
            items.range::<Vec<u8>, _>((Excluded(key), Unbounded)).next(),
            true,
        ),
        (Step::Previous, Place::At(key) | Place::Gap(key)) => {
            let mut before = items.range::<Vec<u8>, _>((Unbounded, Excluded(key)));
            (before.next_back(), false)
        }
        (Step::Next, Place::End) => (None, true),
        _ => (None, false),
    };
    *place = match found {
        Some((key, _)) => Place::At(key.clone()),
        None if forward => Place::End,
        None => Place::Start,
    };
    found.map(|(key, node)| match node {
        Node::Value(value) => (key.clone(), Some(value.clone())),
        Node::Bucket(_) => (key.clone(), None),
    })
}
