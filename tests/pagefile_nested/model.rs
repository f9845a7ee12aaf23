//! Nested maps, and reading a file into them.

use std::collections::BTreeMap;

use sapwood::pagefile::{Bucket, Item};

/// A bucket of the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tree {
    pub(crate) items: BTreeMap<Vec<u8>, Node>,
    pub(crate) sequence: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Value(Vec<u8>),
    Bucket(Tree),
}

impl Tree {
    pub(crate) fn at<N: AsRef<[u8]>>(&self, path: &[N]) -> Option<&Tree> {
        path.iter()
            .try_fold(self, |tree, name| match tree.items.get(name.as_ref())? {
                Node::Bucket(tree) => Some(tree),
                Node::Value(_) => None,
            })
    }

    pub(crate) fn at_mut(&mut self, path: &[Vec<u8>]) -> Option<&mut Tree> {
        path.iter()
            .try_fold(self, |tree, name| match tree.items.get_mut(name)? {
                Node::Bucket(tree) => Some(tree),
                Node::Value(_) => None,
            })
    }

    /// Keys and buckets here, and not below.
    pub(crate) fn count_here(&self) -> (u64, u64) {
        let values = self.items.values();
        let keys = values.filter(|node| matches!(node, Node::Value(_))).count() as u64;
        (keys, self.items.len() as u64 - keys)
    }

    /// Keys and buckets here and below.
    pub(crate) fn count(&self) -> (u64, u64) {
        let mut count = (0, 0);
        for node in self.items.values() {
            match node {
                Node::Value(_) => count.0 += 1,
                Node::Bucket(tree) => {
                    let (keys, buckets) = tree.count();
                    count = (count.0 + keys, count.1 + buckets + 1);
                }
            }
        }
        count
    }
}

/// Reads a bucket with all below it, in several ways that must agree.
pub(crate) fn read(bucket: &Bucket<'_>) -> Tree {
    let mut tree = Tree {
        sequence: bucket.sequence(),
        ..Tree::default()
    };
    let mut back: Vec<_> = bucket.items().rev().map(Result::unwrap).collect();
    for item in bucket.items() {
        let item = item.unwrap();
        assert_eq!(back.pop().as_ref(), Some(&item));
        let key = item.key().to_vec();
        let node = match item {
            Item::Value(key, value) => {
                assert_eq!(bucket.get(&key).unwrap().as_ref(), Some(&value));
                assert!(bucket.bucket(&key).unwrap().is_none());
                Node::Value(value.to_vec())
            }
            Item::Bucket(name) => {
                assert!(bucket.get(&name).unwrap().is_none());
                Node::Bucket(read(&bucket.bucket(&name).unwrap().unwrap()))
            }
        };
        tree.items.insert(key, node);
    }
    let of_kind = |is_bucket: bool| {
        let items = tree.items.iter();
        items
            .filter(move |(_, node)| matches!(node, Node::Bucket(_)) == is_bucket)
            .map(|(key, _)| key.clone())
            .collect::<Vec<_>>()
    };
    let keys: Vec<_> = bucket
        .iter()
        .map(|entry| entry.unwrap().0.to_vec())
        .collect();
    assert_eq!(keys, of_kind(false));
    let names: Vec<_> = bucket
        .buckets()
        .map(|name| name.unwrap().to_vec())
        .collect();
    assert_eq!(names, of_kind(true));
    let names_back: Vec<_> = bucket
        .buckets()
        .rev()
        .map(|name| name.unwrap().to_vec())
        .collect();
    assert!(names.iter().rev().eq(&names_back));
    assert_eq!((bucket.len(), bucket.bucket_count()), tree.count_here());
    tree
}
