//! Putting into and deleting from a tree.

use std::sync::Arc;

use super::{
    super::{Error, meta::Run, page::PageRef, source::Source},
    node::{Child, NewValue, Node},
    read::{Kind, NodeView, Root, find_kind},
    share::share,
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
        let Some(top) = root else {
            let mut leaf = Node::new(0, 0);
            leaf.insert(0, key, value, self.large_from());
            *root = Some(Child::Dirty(Arc::new(leaf)));
            return Ok(false);
        };
        let (replaced, appending) = self.put_below(top, None, key, value, true)?;
        let Child::Dirty(node) = top else {
            return Ok(replaced);
        };
        if node.size() <= self.most(node, appending) {
            return Ok(replaced);
        }
        let mut splits = self.split(Arc::make_mut(node), appending);
        while !splits.is_empty() {
            let Some(left) = root.take() else { break };
            let level = match &left {
                Child::Dirty(node) => node.level() + 1,
                Child::Stored(_) | Child::Moved(_) => break,
            };
            let mut node = Node::branch(level, left);
            insert_behind(&mut node, 0, splits);
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
        let Some(top) = root else { return Ok(false) };
        if !self.delete_below(top, None, (key, kind), false)? {
            return Ok(false);
        }
        loop {
            match root {
                Some(Child::Dirty(node)) if node.count() == 0 => *root = None,
                Some(Child::Dirty(node)) if node.count() == 1 && node.level() > 0 => {
                    *root = Some(node.child(0));
                }
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

    pub(super) fn free(&mut self, page: Option<PageRef>) {
        self.freed.extend(page.map(|page| Run {
            start: page.page,
            pages: u64::from(page.pages),
        }));
    }

    /// Brings the node into memory; the page that it came from is then free.
    pub(super) fn dirty<'c>(
        &mut self,
        child: &'c mut Child,
        level: Option<u8>,
    ) -> Result<&'c mut Node, Error> {
        if let Child::Stored(page) | Child::Moved(page) = *child {
            let stored = self.source.node(page, level)?;
            let node = Node::load(&stored, self.source)?;
            self.free(Some(page));
            *child = Child::Dirty(Arc::new(node));
        }
        match child {
            Child::Dirty(node) => Ok(Arc::make_mut(node)),
            Child::Stored(page) | Child::Moved(page) => {
                Err(self.source.corrupted(page.page, "it cannot be edited"))
            }
        }
    }

    /// Leaves the node as large as it becomes: whoever holds it makes it fit. Tells whether there was a value before, and whether the node grew
    /// at its end and is likely to go on so. `rightmost`: no key of the tree lies to the right of the node.
    fn put_below(
        &mut self,
        child: &mut Child,
        level: Option<u8>,
        key: &[u8],
        value: NewValue<'_>,
        rightmost: bool,
    ) -> Result<(bool, bool), Error> {
        let large_from = self.large_from();
        let node = self.dirty(child, level)?;
        let count = node.count();
        if node.level() == 0 {
            return match node.search(key) {
                Ok(at) => {
                    let is_bucket = node.value(at).is_bucket();
                    if is_bucket != value.is_bucket() {
                        return Err(clash(key, is_bucket));
                    }
                    let freed = node.replace(at, value, large_from);
                    self.free(freed);
                    Ok((true, false))
                }
                Err(at) => {
                    node.insert(at, key, value, large_from);
                    node.appended = if at == count { node.appended + 1 } else { 0 };
                    let appending = at == count && (rightmost || node.appended > 2);
                    Ok((false, appending))
                }
            };
        }
        let at = node.child_of(key);
        let below = Some(node.level() - 1);
        let rightmost = rightmost && at + 1 == count;
        let next = node.child_mut(at);
        let (replaced, appending) = self.put_below(next, below, key, value, rightmost)?;
        self.fit(node, at, appending);
        Ok((replaced, rightmost))
    }

    /// Makes child `at` fit its page.
    fn fit(&mut self, node: &mut Node, at: usize, appending: bool) {
        let Some(Child::Dirty(child)) = node.children.get(at) else {
            return;
        };
        if child.size() <= self.most(child, appending)
            || (child.level() == 0 && !appending && self.share(node, at))
        {
            return;
        }
        if let Child::Dirty(child) = node.child_mut(at) {
            let splits = self.split(Arc::make_mut(child), appending);
            insert_behind(node, at, splits);
        }
    }

    /// The bytes that a node may have.
    fn most(&self, node: &Node, appending: bool) -> usize {
        if appending && node.level() == 0 {
            self.fill
        } else {
            self.page_size()
        }
    }

    /// Cuts a node that has become too large.
    fn split(&self, node: &mut Node, appending: bool) -> Vec<Split> {
        let count = node.count();
        let most = self.most(node, appending);
        if most < self.page_size() && node.size() > most && count > 1 {
            // One more than it shall be filled with: that one goes into a leaf of its own.
            return vec![cut(node, count - 1, self.page_size())];
        }
        split(node, self.page_size(), appending)
    }

    /// Relieves a leaf by the emptier one of its siblings, and tells whether that was possible.
    fn share(&mut self, node: &mut Node, at: usize) -> bool {
        // A sibling that cannot be read is left alone: whoever needs it will see its error.
        let size = |sibling: usize| {
            (sibling < node.count())
                .then(|| self.size_of(node, sibling).ok())
                .flatten()
        };
        let before = at.checked_sub(1).and_then(size);
        let left = match (before, size(at + 1)) {
            (Some(before), Some(after)) if before <= after => at - 1,
            (_, Some(_)) => at,
            (Some(_), None) => at - 1,
            (None, None) => return false,
        };
        let sibling = if left == at { at + 1 } else { left };
        if self.dirty(node.child_mut(sibling), Some(0)).is_err() {
            return false;
        }
        let page_size = self.page_size();
        let Some((Child::Dirty(into), Child::Dirty(right))) = node.children.pair(left) else {
            return false;
        };
        let Some(shared) = share(Arc::make_mut(into), Arc::make_mut(right), page_size) else {
            return false;
        };
        node.set_key(left + 1, &shared.separator);
        insert_behind(node, left, shared.middle.into_iter().collect());
        true
    }

    /// Deletes what is of this kind under a key, and tells whether it was there. `is_there`: this is known.
    fn delete_below(
        &mut self,
        child: &mut Child,
        level: Option<u8>,
        (key, kind): (&[u8], Kind),
        mut is_there: bool,
    ) -> Result<bool, Error> {
        // A key that is not there must make nothing dirty.
        if !is_there && !matches!(child, Child::Dirty(_)) {
            match find_kind(self.source, Root::of(Some(child)), key)? {
                None => return Ok(false),
                Some(found) if found != kind => return Err(clash(key, found == Kind::Bucket)),
                Some(_) => is_there = true,
            }
        }
        let node = self.dirty(child, level)?;
        if node.level() == 0 {
            let Ok(at) = node.search(key) else {
                return Ok(false);
            };
            let is_bucket = node.value(at).is_bucket();
            if is_bucket != (kind == Kind::Bucket) {
                return Err(clash(key, is_bucket));
            }
            let freed = node.remove(at);
            self.free(freed);
            return Ok(true);
        }
        let at = node.child_of(key);
        let below = node.level() - 1;
        let next = node.child_mut(at);
        let deleted = self.delete_below(next, Some(below), (key, kind), is_there)?;
        if deleted {
            self.mend(node, at, below);
        }
        Ok(deleted)
    }

    /// After a deletion below child `at`: takes it out where it is empty, joins it with a sibling where it has become small.
    fn mend(&mut self, node: &mut Node, at: usize, below: u8) {
        let page_size = self.page_size();
        let Some(Child::Dirty(child)) = node.children.get(at) else {
            return;
        };
        let lonely = below > 0 && child.count() < 2;
        if child.count() == 0 {
            node.remove_child(at);
            return;
        }
        if node.count() < 2 || (child.size() >= page_size / 4 && !lonely) {
            return;
        }
        let (left, sibling) = if at > 0 { (at - 1, at - 1) } else { (0, 1) };
        // Three quarters, not the whole: the joined node shall not split again at once.
        let most = if lonely {
            usize::MAX
        } else {
            page_size / 4 * 3
        };
        let child_size = child.size();
        // A sibling that cannot be read is left alone: the deletion is done, and whoever needs the sibling will see its error.
        match self.size_of(node, sibling) {
            Ok(size) if size.saturating_add(child_size) <= most => {}
            _ => return,
        }
        if self.dirty(node.child_mut(sibling), Some(below)).is_err() {
            return;
        }
        let separator = Box::<[u8]>::from(node.key(left + 1));
        let right = node.remove_child(left + 1);
        self.join(node, left, right, &separator);
    }

    /// Moves all entries of the node that stood behind child `left` into that one.
    fn join(&mut self, node: &mut Node, left: usize, right: Child, separator: &[u8]) {
        if let (Child::Dirty(into), Child::Dirty(right)) = (node.child_mut(left), right) {
            let into = Arc::make_mut(into);
            let mut right = Arc::unwrap_or_clone(right);
            if right.level() > 0 {
                right.set_key(0, separator);
            }
            let (count, moved) = (into.count(), right.count());
            right.give(0..moved, into, count);
            into.appended = 0;
            let splits = split(into, self.page_size(), false);
            insert_behind(node, left, splits);
        }
    }

    /// The bytes that child `at` of a branch takes in its page.
    fn size_of(&self, node: &Node, at: usize) -> Result<usize, Error> {
        let view = NodeView::open(self.source, node.below(at), node.level().checked_sub(1))?;
        Ok(view.map_or(0, |view| view.size()))
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

fn insert_behind(node: &mut Node, at: usize, splits: Vec<Split>) {
    for (i, split) in splits.into_iter().enumerate() {
        let right = Child::Dirty(Arc::new(split.right));
        node.insert_child(at + 1 + i, &split.separator, right);
    }
}
