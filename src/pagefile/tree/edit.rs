//! Putting into and deleting from a tree.

use std::sync::Arc;

use super::{
    super::{Error, meta::Run, page::PageRef, source::Source},
    node::{Body, BranchEntry, Child, LeafEntry, NewValue, Node, Slice, Value},
    read::{Kind, Root, find_kind},
    split::{Split, cut, split},
};

/// What an edit needs beside its tree: where stored pages are read, and where replaced pages are noted.
pub(in super::super) struct Edit<'e> {
    pub(in super::super) source: &'e Source,
    pub(in super::super) freed: &'e mut Vec<Run>,
    /// How many bytes of a leaf are filled by keys that come in order.
    pub(in super::super) fill: usize,
}

impl Edit<'_> {
    /// Puts `value` under `key`, and tells whether there was one before. A bucket does not take the place of a value, nor the other way round.
    ///
    /// An error leaves what the tree holds as it was; nodes on the way may have come into memory, so the tree must be stored.
    pub(in super::super) fn put(
        &mut self,
        root: &mut Option<Child>,
        key: &[u8],
        value: NewValue<'_>,
    ) -> Result<bool, Error> {
        let value = Value::new(value, self.large_from());
        let Some(top) = root else {
            *root = Some(Child::Dirty(Arc::new(Node::first_leaf(key, value))));
            return Ok(false);
        };
        let (replaced, mut splits) = self.put_below(top, None, key, value, true)?;
        while !splits.is_empty() {
            let Some(left) = root.take() else { break };
            let level = match &left {
                Child::Dirty(node) => node.level() + 1,
                Child::Stored(_) => break,
            };
            let first = BranchEntry {
                key: Slice::owned(&[]),
                child: left,
            };
            let children = std::iter::once(first).chain(splits.into_iter().map(entry_of));
            let mut node = Node::branch(Arc::from([]), level, children.collect());
            splits = split(&mut node, self.page_size(), false);
            *root = Some(Child::Dirty(Arc::new(node)));
        }
        Ok(replaced)
    }

    /// Deletes `key` with its value, or the record of the bucket `key`, and tells whether it was there. What is of the other kind is refused. An
    /// error leaves the tree as [`put`](Self::put) does.
    pub(in super::super) fn delete(
        &mut self,
        root: &mut Option<Child>,
        key: &[u8],
        kind: Kind,
    ) -> Result<bool, Error> {
        // A key that is not there must make nothing dirty.
        match find_kind(self.source, Root::of(root.as_ref()), key)? {
            None => return Ok(false),
            Some(found) if found != kind => return Err(clash(key, found == Kind::Bucket)),
            Some(_) => {}
        }
        let Some(top) = root else { return Ok(false) };
        self.delete_below(top, None, key)?;
        loop {
            match root {
                Some(Child::Dirty(node)) if node.count() == 0 => *root = None,
                Some(Child::Dirty(node)) if node.count() == 1 => match &node.body {
                    Body::Branch(branch) => {
                        *root = branch.children.first().map(|only| only.child.clone());
                    }
                    Body::Leaf(_) => return Ok(true),
                },
                _ => return Ok(true),
            }
        }
    }

    fn page_size(&self) -> usize {
        self.source.page_size as usize
    }

    /// The first length of a value that gets a run of its own.
    fn large_from(&self) -> usize {
        self.page_size() / 4 + 1
    }

    fn free(&mut self, page: PageRef) {
        self.freed.push(Run {
            start: page.page,
            pages: u64::from(page.pages),
        });
    }

    fn free_value(&mut self, value: &Value) {
        if let Value::Run(value) = value {
            self.free(value.run);
        }
    }

    /// Brings the node into memory; the page that it came from is then free.
    fn dirty<'c>(
        &mut self,
        child: &'c mut Child,
        level: Option<u8>,
    ) -> Result<&'c mut Node, Error> {
        if let Child::Stored(page) = *child {
            let stored = self.source.node(page, level)?;
            let node = Node::load(&stored, self.source)?;
            self.free(page);
            *child = Child::Dirty(Arc::new(node));
        }
        match child {
            Child::Dirty(node) => Ok(Arc::make_mut(node)),
            Child::Stored(page) => Err(self.source.corrupted(page.page, "it cannot be edited")),
        }
    }

    /// `rightmost`: no key of the tree lies to the right of the node.
    fn put_below(
        &mut self,
        child: &mut Child,
        level: Option<u8>,
        key: &[u8],
        value: Value,
        rightmost: bool,
    ) -> Result<(bool, Vec<Split>), Error> {
        let node = self.dirty(child, level)?;
        let place = node.search(key);
        let base = Arc::clone(node.base());
        let count = node.count();
        match (&mut node.body, place) {
            (Body::Leaf(leaf), Ok(at)) => {
                let old = &leaf.entries[at].value;
                if old.is_bucket() != value.is_bucket() {
                    return Err(clash(key, old.is_bucket()));
                }
                node.size -= leaf.entries[at].size(&base);
                self.free_value(&leaf.entries[at].value);
                leaf.entries[at].value = value;
                node.size += leaf.entries[at].size(&base);
                Ok((true, split(node, self.page_size(), false)))
            }
            (Body::Leaf(leaf), Err(at)) => {
                let key = Slice::owned(key);
                let entry = LeafEntry { key, value };
                node.size += entry.size(&base);
                leaf.entries.insert(at, entry);
                leaf.appended = if at == count { leaf.appended + 1 } else { 0 };
                let appending = at == count && (rightmost || leaf.appended > 2);
                // One more than it shall be filled with: that one goes into a leaf of its own.
                if appending && count > 0 && node.size > self.fill && self.fill < self.page_size() {
                    return Ok((false, vec![cut(node, count)]));
                }
                Ok((false, split(node, self.page_size(), appending)))
            }
            (Body::Branch(branch), Ok(at) | Err(at)) => {
                let below = Some(branch.level - 1);
                let is_last = at + 1 == count;
                let next = &mut branch.children[at].child;
                let (replaced, splits) =
                    self.put_below(next, below, key, value, rightmost && is_last)?;
                if splits.is_empty() {
                    return Ok((replaced, splits));
                }
                insert_behind(&mut branch.children, at, splits);
                node.measure();
                Ok((
                    replaced,
                    split(node, self.page_size(), rightmost && is_last),
                ))
            }
        }
    }

    /// Deletes a key that is there.
    fn delete_below(
        &mut self,
        child: &mut Child,
        level: Option<u8>,
        key: &[u8],
    ) -> Result<(), Error> {
        let node = self.dirty(child, level)?;
        let place = node.search(key);
        match (&mut node.body, place) {
            (Body::Leaf(leaf), Ok(at)) => {
                let entry = leaf.entries.remove(at);
                node.size -= entry.size(node.base());
                self.free_value(&entry.value);
            }
            (Body::Leaf(_), Err(_)) => {}
            (Body::Branch(branch), Ok(at) | Err(at)) => {
                let below = branch.level - 1;
                self.delete_below(&mut branch.children[at].child, Some(below), key)?;
                self.mend(node, at, below);
            }
        }
        Ok(())
    }

    /// After a deletion below child `at`: takes it out where it is empty, joins it with a sibling where it has become small.
    fn mend(&mut self, node: &mut Node, at: usize, below: u8) {
        let page_size = self.page_size();
        let Body::Branch(branch) = &mut node.body else {
            return;
        };
        let Child::Dirty(child) = &branch.children[at].child else {
            return;
        };
        let lonely = below > 0 && child.count() < 2;
        if child.count() == 0 {
            branch.children.remove(at);
            node.measure();
            return;
        }
        if branch.children.len() < 2 || (child.size >= page_size / 4 && !lonely) {
            return;
        }
        let (left, sibling) = if at > 0 { (at - 1, at - 1) } else { (0, 1) };
        // Three quarters, not the whole: the joined node shall not split again at once.
        let most = if lonely {
            usize::MAX
        } else {
            page_size / 4 * 3
        };
        let child_size = child.size;
        // A sibling that cannot be read is left alone: the deletion is done, and whoever needs the sibling will see its error.
        let sibling = &mut branch.children[sibling].child;
        match self.size_of(sibling, below) {
            Ok(size) if size.saturating_add(child_size) <= most => {}
            _ => return,
        }
        if self.dirty(sibling, Some(below)).is_err() {
            return;
        }
        let right = branch.children.remove(left + 1);
        let separator = Box::<[u8]>::from(right.key.get(&node.base().clone()));
        self.join(node, left, right.child, &separator);
    }

    fn join(&mut self, node: &mut Node, left: usize, right: Child, separator: &[u8]) {
        let page_size = self.page_size();
        if let Body::Branch(branch) = &mut node.body
            && let (Child::Dirty(into), Child::Dirty(right)) =
                (&mut branch.children[left].child, right)
        {
            let into = Arc::make_mut(into);
            into.absorb(Arc::unwrap_or_clone(right), separator);
            let splits = split(into, page_size, false);
            insert_behind(&mut branch.children, left, splits);
        }
        node.measure();
    }

    /// The bytes that a node takes in its page.
    fn size_of(&self, child: &Child, level: u8) -> Result<usize, Error> {
        match child {
            Child::Stored(page) => Ok(self.source.node(*page, Some(level))?.used()),
            Child::Dirty(node) => Ok(node.size),
        }
    }
}

/// `key` is a bucket where a value was to be, or the other way round.
fn clash(key: &[u8], is_bucket: bool) -> Error {
    let name = key.to_vec();
    if is_bucket {
        Error::IsABucket { name }
    } else {
        Error::NotABucket { name }
    }
}

fn insert_behind(children: &mut Vec<BranchEntry>, at: usize, splits: Vec<Split>) {
    let behind = children.split_off(at + 1);
    children.extend(splits.into_iter().map(entry_of));
    children.extend(behind);
}

fn entry_of(split: Split) -> BranchEntry {
    BranchEntry {
        key: Slice::Owned(split.separator),
        child: Child::Dirty(Arc::new(split.right)),
    }
}
