//! Doing the same to a transaction and to the model.

use sapwood::pagefile::{BucketMut, Error, Savepoint, WriteTxn};

use crate::{
    model::{Node, Tree, read},
    ops::{Op, Path},
    walk::walk,
};

/// A new bucket or its refusal, as the model has it.
pub(crate) fn refusal(parent: Option<&Tree>, name: &[u8]) -> Option<&'static str> {
    match parent.map(|parent| parent.items.get(name)) {
        None => Some("no such bucket"),
        Some(Some(Node::Bucket(_))) => Some("exists"),
        Some(Some(Node::Value(_))) => Some("not a bucket"),
        Some(None) => None,
    }
}

pub(crate) fn kind(error: &Error) -> &'static str {
    match error {
        Error::BucketExists { .. } => "exists",
        Error::NoSuchBucket { .. } => "no such bucket",
        Error::IsABucket { .. } => "is a bucket",
        Error::NotABucket { .. } => "not a bucket",
        Error::MoveIntoItself { .. } => "into itself",
        Error::NoSavepoint => "no savepoint",
        other => panic!("{other}"),
    }
}

pub(crate) fn outcome<T>(result: Result<T, Error>) -> Result<T, &'static str> {
    result.map_err(|error| kind(&error))
}

/// The value of a key in the model; an error where it is a bucket.
pub(crate) fn value_of(tree: &Tree, key: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    match tree.items.get(key) {
        None => Ok(None),
        Some(Node::Value(value)) => Ok(Some(value.clone())),
        Some(Node::Bucket(_)) => Err("is a bucket"),
    }
}

pub(crate) fn run(tx: &mut WriteTxn, model: &mut Tree, ops: &[Op]) {
    let mut saved: Vec<(Savepoint, Tree)> = Vec::new();
    for op in ops {
        match op {
            Op::Savepoint => saved.push((tx.savepoint(), model.clone())),
            Op::Rollback(back) => {
                if let Some(at) = saved.len().checked_sub(back + 1) {
                    tx.rollback_to(&saved[at].0).unwrap();
                    *model = saved[at].1.clone();
                    for (undone, _) in saved.drain(at + 1..) {
                        assert_eq!(outcome(tx.rollback_to(&undone)), Err("no savepoint"));
                    }
                }
            }
            Op::Nested(ops, commit) => {
                let mut nested = tx.begin_nested();
                let mut within = model.clone();
                for (outer, _) in &saved {
                    assert_eq!(outcome(nested.rollback_to(outer)), Err("no savepoint"));
                }
                run(&mut nested, &mut within, ops);
                if *commit {
                    nested.commit();
                    *model = within;
                }
            }
            Op::Create(path) | Op::Make(path) | Op::DeleteBucket(path) => {
                bucket_op(tx, model, op, path);
            }
            Op::Move(from, to) => move_bucket(tx, model, from, to),
            Op::Put(path, ..)
            | Op::PutIfAbsent(path, ..)
            | Op::Replace(path, ..)
            | Op::Modify(path, ..)
            | Op::Delete(path, ..)
            | Op::Take(path, ..)
            | Op::Pop(path, ..)
            | Op::Fill(path, ..)
            | Op::Sequence(path)
            | Op::Cursor(path, ..) => match (tx.bucket_mut_at(path).unwrap(), model.at_mut(path)) {
                (Some(bucket), Some(tree)) => key_op(bucket, tree, op),
                (None, None) => {}
                (bucket, _) => panic!("{path:?} is there: {}", bucket.is_some()),
            },
        }
    }
    assert!(read(&tx.root()) == *model, "it reads its own changes");
}

pub(crate) fn bucket_op(tx: &mut WriteTxn, model: &mut Tree, op: &Op, path: &Path) {
    let Some((name, parents)) = path.split_last() else {
        let made = tx.bucket_or_create_at(path).map(drop);
        assert_eq!(outcome(made), Err("no such bucket"));
        return;
    };
    match op {
        Op::Make(_) => {
            let mut tree = model;
            for name in path {
                let node = tree.items.entry(name.clone());
                match node.or_insert_with(|| Node::Bucket(Tree::default())) {
                    Node::Bucket(below) => tree = below,
                    Node::Value(_) => {
                        let made = tx.bucket_or_create_at(path).map(drop);
                        assert_eq!(outcome(made), Err("not a bucket"));
                        return;
                    }
                }
            }
            let bucket = tx.bucket_or_create_at(path).unwrap();
            assert_eq!(bucket.sequence(), tree.sequence);
        }
        Op::Create(_) => {
            let expected = refusal(model.at(parents), name);
            let made = if parents.is_empty() {
                outcome(tx.create_bucket(name).map(drop))
            } else {
                match tx.bucket_mut_at(parents).unwrap() {
                    Some(mut parent) => outcome(parent.create_bucket(name).map(drop)),
                    None => Err("no such bucket"),
                }
            };
            assert_eq!(made.err(), expected);
            if made.is_ok() {
                let parent = model.at_mut(parents).unwrap();
                let node = Node::Bucket(Tree::default());
                parent.items.insert(name.clone(), node);
            }
        }
        _ => {
            let Some(parent) = model.at_mut(parents) else {
                return;
            };
            let expected = match parent.items.get(name) {
                None => Ok(false),
                Some(Node::Value(_)) => Err("not a bucket"),
                Some(Node::Bucket(_)) => {
                    parent.items.remove(name);
                    Ok(true)
                }
            };
            let deleted = if parents.is_empty() {
                tx.delete_bucket(name)
            } else {
                let parent = tx.bucket_mut_at(parents).unwrap();
                parent.unwrap().delete_bucket(name)
            };
            assert_eq!(outcome(deleted), expected);
        }
    }
}

pub(crate) fn move_bucket(tx: &mut WriteTxn, model: &mut Tree, from: &Path, to: &Path) {
    let moved = outcome(tx.move_bucket(from, to));
    let (Some((name, parents)), Some((to_name, to_parents))) = (from.split_last(), to.split_last())
    else {
        assert_eq!(moved, Err("no such bucket"));
        return;
    };
    if to.len() > from.len() && to.starts_with(from) {
        assert_eq!(moved, Err("into itself"));
        return;
    }
    let source = model.at(parents).and_then(|tree| tree.items.get(name));
    let expected = match source {
        None => Some("no such bucket"),
        Some(Node::Value(_)) if model.at(to_parents).is_none() => Some("no such bucket"),
        Some(Node::Value(_)) => Some("not a bucket"),
        Some(Node::Bucket(_)) => refusal(model.at(to_parents), to_name),
    };
    assert_eq!(moved.err(), expected);
    if moved.is_ok() {
        let node = model.at_mut(parents).unwrap().items.remove(name).unwrap();
        let parent = model.at_mut(to_parents).unwrap();
        parent.items.insert(to_name.clone(), node);
    }
}

pub(crate) fn key_op(mut bucket: BucketMut<'_>, tree: &mut Tree, op: &Op) {
    match op {
        Op::Put(_, key, value) => {
            let before = value_of(tree, key);
            let replaced = outcome(bucket.put(key, value));
            assert_eq!(replaced, before.map(|before| before.is_some()));
            if replaced.is_ok() {
                tree.items.insert(key.clone(), Node::Value(value.clone()));
            }
        }
        Op::PutIfAbsent(_, key, value) => {
            let before = value_of(tree, key);
            let put = outcome(bucket.put_if_absent(key, value));
            assert_eq!(put, before.map(|before| before.is_none()));
            if put == Ok(true) {
                tree.items.insert(key.clone(), Node::Value(value.clone()));
            }
        }
        Op::Replace(_, key, value) => {
            let before = value_of(tree, key);
            let replaced = outcome(bucket.replace(key, value));
            assert_eq!(replaced, before);
            if replaced.is_ok() {
                tree.items.insert(key.clone(), Node::Value(value.clone()));
            }
        }
        Op::Modify(_, key) => {
            let before = value_of(tree, key);
            let modified = outcome(bucket.modify(key, |value| match value {
                Some(value) if value.len() > 100 => None,
                Some(value) => Some([value, value].concat()),
                None => Some(vec![1]),
            }));
            assert_eq!(modified, before.clone().map(drop));
            match before {
                Ok(Some(value)) if value.len() > 100 => drop(tree.items.remove(key)),
                Ok(value) => {
                    let value = value.map_or(vec![1], |value| value.repeat(2));
                    tree.items.insert(key.clone(), Node::Value(value));
                }
                Err(_) => {}
            }
        }
        Op::Delete(_, key) => {
            let before = value_of(tree, key);
            let deleted = outcome(bucket.delete(key));
            assert_eq!(deleted, before.map(|before| before.is_some()));
            if deleted.is_ok() {
                tree.items.remove(key);
            }
        }
        Op::Take(_, key) => {
            let before = value_of(tree, key);
            let taken = outcome(bucket.take(key));
            assert_eq!(taken, before);
            if taken.is_ok() {
                tree.items.remove(key);
            }
        }
        Op::Pop(_, first) => {
            let mut values = tree.items.iter().filter_map(|(key, node)| match node {
                Node::Value(value) => Some((key.clone(), value.clone())),
                Node::Bucket(_) => None,
            });
            let (expected, popped) = if *first {
                (values.next(), bucket.pop_first().unwrap())
            } else {
                (values.next_back(), bucket.pop_last().unwrap())
            };
            assert_eq!(popped, expected);
            if let Some((key, _)) = expected {
                tree.items.remove(&key);
            }
        }
        Op::Fill(_, first) => {
            for second in 0..60 {
                let key = vec![*first, second];
                let value = vec![second; 20];
                if value_of(tree, &key).is_ok() {
                    bucket.put(&key, &value).unwrap();
                    tree.items.insert(key, Node::Value(value));
                }
            }
        }
        Op::Sequence(_) => {
            tree.sequence += 1;
            assert_eq!(bucket.next_sequence(), tree.sequence);
        }
        Op::Cursor(_, steps) => walk(bucket, tree, steps),
        _ => unreachable!("not an operation on keys"),
    }
}
