//! Nodes in memory: those that a write transaction has changed.
//!
//! A node has its entries as they lie in a page, so that reading it into memory and storing it is to copy bytes, and neither a key nor a value is an
//! allocation of its own. They are in any order; slots tell the order.

mod encode;
mod value;

use std::{ops::Range, sync::Arc};

use super::{
    super::{
        Error,
        page::{
            BRANCH_FIXED, HEADER, LEAF_FIXED, PageRef, StoredValue, ValueBytes, ValueRun,
            branch_key, leaf_entry_at, leaf_entry_len, leaf_key, prefix_of, push_branch_entry,
            push_leaf_entry, put_value,
        },
        slots::{SLOT, Slot, common, head, head_of, place, search, slot},
        source::Source,
    },
    children::Children,
    node_page::NodePage,
    read::Root,
};
pub(in super::super) use value::NewValue;
pub(super) use value::Value;
use value::{keep, park, stored_len};

/// A node below a branch, or the root of a tree. A clone shares what is changed, and the next edit of either copies its path: so a savepoint costs
/// nothing but what is changed after it.
#[derive(Clone)]
pub(in super::super) enum Child {
    Stored(PageRef),
    /// A leaf of one page that the commit writes to another place as it is.
    Moved(PageRef),
    Dirty(Arc<Node>),
}

impl Child {
    /// The leaf that lies in a meta, to be edited.
    pub(in super::super) fn inline(leaf: &[u8], source: &Source) -> Result<Self, Error> {
        let node = Node::load(&source.inline(leaf)?, source)?;
        Ok(Self::Dirty(Arc::new(node)))
    }

    /// Where the node lies, if it does not have to be stored.
    pub(in super::super) fn stored(&self) -> Option<PageRef> {
        match self {
            Self::Stored(page) => Some(*page),
            Self::Moved(_) | Self::Dirty(_) => None,
        }
    }
}

/// A leaf or branch in memory. What each edit looks at comes first, for a node that is in no cache.
#[derive(Clone)]
#[repr(C)]
pub(in super::super) struct Node {
    slots: Vec<Slot>,
    level: u8,
    /// How many of the last insertions in a row came at the end: a sorted load is seen by it.
    pub(super) appended: u32,
    /// Bytes that all keys have in common, and heads leave out. They may have more.
    prefix: usize,
    /// The first of these, as far as there are so many: with them a search for what is not there looks at no entry.
    start: [u8; 8],
    /// Entries as they lie in a page, in any order, and what has been replaced. In a branch the first key is empty, and a reference counts where the child is
    /// not among `children`.
    heap: Vec<u8>,
    /// The bytes that the node takes when stored.
    size: usize,
    /// Slots and entries are as they were stored, but for values and references that were overwritten.
    is_as_stored: bool,
    /// The children of a branch, but for those that are stored where the entries say.
    pub(super) children: Children,
    /// Values of a leaf that are too large for it, and not yet stored. An entry has a run of no pages for such a value, and its place here for the
    /// number of the page.
    large: Vec<Option<Arc<[u8]>>>,
}

impl Node {
    /// A node without entries, and with room for so many bytes of them.
    pub(super) fn new(level: u8, room: usize) -> Self {
        Self {
            level,
            prefix: 0,
            start: [0; 8],
            slots: Vec::new(),
            heap: Vec::with_capacity(room),
            size: HEADER,
            is_as_stored: false,
            children: Children::default(),
            large: Vec::new(),
            appended: 0,
        }
    }

    /// The room of a node that is likely to fill its page, and to outgrow it by an entry before it is split.
    pub(super) fn room(page_size: usize) -> usize {
        page_size + page_size / 8
    }

    /// A branch above nodes of the level below.
    pub(super) fn branch(level: u8, first: Child) -> Self {
        let mut node = Self::new(level, 0);
        node.insert_child(0, &[], first);
        node
    }

    /// Reads a stored node into memory.
    pub(super) fn load(page: &NodePage<'_>, source: &Source) -> Result<Self, Error> {
        let corrupted = |reason| source.corrupted(page.page(), reason);
        let count = page.count();
        let mut node = Self::new(page.level(), Self::room(source.page_size as usize));
        node.prefix = page.prefix();
        let (slots, entries) = page.parts().map_err(corrupted)?;
        let start = HEADER + count * SLOT;
        node.heap.extend_from_slice(entries);
        node.slots.reserve(count + 1);
        let moved = slots
            .iter()
            .map(|s| slot(place(*s).saturating_sub(start), head_of(*s)));
        node.slots.extend(moved);
        node.size = start + entries.len();
        if count > usize::from(node.level > 0) {
            node.set_start(usize::from(node.level > 0));
        }
        node.is_as_stored = true;
        Ok(node)
    }

    pub(super) fn level(&self) -> u8 {
        self.level
    }

    pub(super) fn count(&self) -> usize {
        self.slots.len()
    }

    /// The bytes that the node takes when stored.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn key(&self, i: usize) -> &[u8] {
        self.key_of(self.slots[i]).unwrap_or_default()
    }

    fn key_of(&self, slot: Slot) -> Option<&[u8]> {
        if self.level == 0 {
            leaf_key(&self.heap, place(slot))
        } else {
            branch_key(&self.heap, place(slot))
        }
    }

    /// Where `key` is in a leaf, or where it would come.
    pub(super) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        let found = search(&self.slots, self.prefix, self.known(), key, |slot| {
            self.key_of(slot)
        });
        found.unwrap_or(Err(0))
    }

    /// The child of a branch below which `key` lies.
    pub(super) fn child_of(&self, key: &[u8]) -> usize {
        let keyed = self.slots.get(1..).unwrap_or_default();
        let found = search(keyed, self.prefix, self.known(), key, |slot| {
            self.key_of(slot)
        });
        match found.unwrap_or(Err(0)) {
            Ok(at) => at + 1,
            Err(before) => before,
        }
    }

    /// The value of entry `i` of a leaf.
    pub(super) fn value(&self, i: usize) -> Value<'_> {
        match leaf_entry_at(&self.heap, place(self.slots[i])) {
            Some((_, StoredValue::Inline(range))) => Value::Inline(&self.heap[range]),
            Some((_, StoredValue::Run(value))) if value.run.pages == 0 => {
                let large = self.large.get(value.run.page as usize);
                Value::Large(large.and_then(Option::as_deref).unwrap_or_default())
            }
            Some((_, StoredValue::Run(value))) => Value::Run(value),
            Some((_, StoredValue::Bucket(record))) => Value::Bucket(record),
            None => Value::Inline(&[]),
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.count()).map(|i| self.value(i))
    }

    /// Whether there are values that are not yet stored.
    pub(super) fn has_large(&self) -> bool {
        self.large.iter().any(Option::is_some)
    }

    /// Where child `i` of a branch is stored, unless it is among `children`.
    fn reference(&self, i: usize) -> PageRef {
        let page = self.slots.get(i).map(|slot| place(*slot));
        let page = page.and_then(|at| PageRef::decode(&self.heap, at));
        // Found right when it was read, so there is one. No page can be at 0.
        page.unwrap_or(PageRef {
            page: 0,
            pages: 0,
            checksum: 0,
        })
    }

    /// Child `i` of a branch.
    pub(super) fn child(&self, i: usize) -> Child {
        let child = self.children.get(i).cloned();
        child.unwrap_or_else(|| Child::Stored(self.reference(i)))
    }

    /// All children of a branch.
    pub(super) fn all_children(&self) -> impl Iterator<Item = Child> {
        let count = if self.level > 0 { self.count() } else { 0 };
        (0..count).map(|i| self.child(i))
    }

    /// Child `i` of a branch, to read.
    pub(super) fn below(&self, i: usize) -> Root<'_> {
        match self.children.get(i) {
            Some(child) => Root::of(Some(child)),
            None if i < self.count() => Root::Stored(self.reference(i)),
            None => Root::Empty,
        }
    }

    /// Child `i` of a branch, to change.
    pub(super) fn child_mut(&mut self, i: usize) -> &mut Child {
        let stored = self.reference(i);
        self.children.get_or(i, || Child::Stored(stored))
    }

    /// The children of a branch that are stored, and their places.
    pub(super) fn stored_children(&self) -> impl Iterator<Item = (usize, PageRef)> {
        let count = if self.level > 0 { self.count() } else { 0 };
        let mut changed = self.children.iter().peekable();
        (0..count).filter_map(move |i| {
            let page = match changed.next_if(|(at, _)| *at == i) {
                Some((_, child)) => child.stored(),
                None => Some(self.reference(i)),
            };
            page.map(|page| (i, page))
        })
    }

    /// Where the bytes of entry `i` are.
    fn entry(&self, i: usize) -> Range<usize> {
        let at = place(self.slots[i]);
        let end = if self.level > 0 {
            at + BRANCH_FIXED + self.key(i).len()
        } else {
            at + leaf_entry_len(&self.heap, at).unwrap_or(0)
        };
        at..end
    }

    /// The bytes that entry `i` takes in a page, with its slot.
    pub(super) fn entry_size(&self, i: usize) -> usize {
        SLOT + self.entry(i).len()
    }

    /// Puts a value into a leaf, before entry `at`. One of `large_from` bytes or more does not lie in it.
    pub(super) fn insert(&mut self, at: usize, key: &[u8], value: NewValue<'_>, large_from: usize) {
        self.make_room(LEAF_FIXED + key.len() + stored_len(value, large_from));
        let place = self.heap.len();
        let value = keep(&mut self.large, value, large_from);
        push_leaf_entry(&mut self.heap, key, &value);
        self.insert_slot(at, place, key);
    }

    /// Puts another value in the place of that of entry `at` of a leaf, and gives the pages that it had.
    pub(super) fn replace(
        &mut self,
        at: usize,
        value: NewValue<'_>,
        large_from: usize,
    ) -> Option<PageRef> {
        let freed = self.forget_value(at);
        let old = self.entry(at);
        let key = leaf_key(&self.heap, old.start).map_or(0, <[u8]>::len);
        let value_at = old.start + LEAF_FIXED + key;
        let len = stored_len(value, large_from);
        if value_at + len == old.end {
            let value = keep(&mut self.large, value, large_from);
            put_value(&mut self.heap, old.start, value_at, &value);
            return freed;
        }
        let key = self.key(at).to_vec();
        self.size -= SLOT + old.len();
        self.remove_slot(at);
        self.insert(at, &key, value, large_from);
        freed
    }

    /// Takes entry `at` out of a leaf, and gives the pages that its value had.
    pub(super) fn remove(&mut self, at: usize) -> Option<PageRef> {
        let freed = self.forget_value(at);
        self.size -= self.entry_size(at);
        self.remove_slot(at);
        freed
    }

    /// Puts a child into a branch, before child `at`.
    pub(super) fn insert_child(&mut self, at: usize, key: &[u8], child: Child) {
        self.insert_key(at, key);
        self.children.insert(at, child);
    }

    /// Takes child `at` out of a branch.
    pub(super) fn remove_child(&mut self, at: usize) -> Child {
        let stored = self.reference(at);
        self.size -= self.entry_size(at);
        self.remove_slot(at);
        let child = self.children.remove(at);
        if at == 0 && !self.slots.is_empty() {
            self.set_key(0, &[]);
        }
        child.unwrap_or(Child::Stored(stored))
    }

    /// Gives child `at` of a branch another key.
    pub(super) fn set_key(&mut self, at: usize, key: &[u8]) {
        // The new entry has no reference.
        self.child_mut(at);
        self.size -= self.entry_size(at);
        self.remove_slot(at);
        self.insert_key(at, key);
    }

    fn insert_key(&mut self, at: usize, key: &[u8]) {
        self.make_room(BRANCH_FIXED + key.len());
        let place = self.heap.len();
        push_branch_entry(&mut self.heap, key);
        self.insert_slot(at, place, key);
    }

    /// Moves entries to another node of the same level, before its entry `at`, and separators as they are.
    pub(super) fn give(&mut self, range: Range<usize>, to: &mut Self, at: usize) {
        if to.slots.is_empty() {
            (to.prefix, to.start) = (self.prefix, self.start);
        }
        let mut slots = Vec::with_capacity(range.len());
        for i in range.clone() {
            let entry = self.entry(i);
            let size = SLOT + entry.len();
            let head = if self.level > 0 && i == 0 {
                // It becomes one with a key.
                head(self.key(0), self.prefix)
            } else {
                head_of(self.slots[i])
            };
            slots.push(slot(to.heap.len(), head));
            let at = to.heap.len();
            to.heap.extend_from_slice(&self.heap[entry]);
            if !self.large.is_empty() {
                self.give_large(at, to);
            }
            to.size += size;
            self.size -= size;
        }
        to.slots.splice(at..at, slots);
        self.slots.drain(range.clone());
        if self.level > 0 {
            self.children.give(range, &mut to.children, at);
        }
        (self.is_as_stored, to.is_as_stored) = (false, false);
        let heads_are_right = to.prefix == self.prefix;
        self.find_prefix(true);
        to.find_prefix(heads_are_right);
    }

    /// Appends entries of another leaf, which are above all that are here and have no large values. To be [closed](Self::close) before anything else is done with it.
    pub(super) fn append(&mut self, from: &Self, range: Range<usize>) {
        self.slots.reserve(range.len());
        for i in range {
            let entry = from.entry(i);
            self.slots.push(slot(self.heap.len(), 0));
            self.size += SLOT + entry.len();
            self.heap.extend_from_slice(&from.heap[entry]);
        }
    }

    /// After all entries were appended.
    pub(super) fn close(&mut self) {
        self.find_prefix(false);
        self.is_as_stored = true;
    }

    /// The bytes of a value that are not yet stored follow its entry, which lies at `at` of the other node now.
    fn give_large(&mut self, at: usize, to: &mut Self) {
        let Some((key, StoredValue::Run(mut value))) = leaf_entry_at(&to.heap, at) else {
            return;
        };
        if value.run.pages == 0
            && let Some(bytes) = self.large.get_mut(value.run.page as usize)
        {
            value.run.page = park(&mut to.large, bytes.take());
            put_value(&mut to.heap, at, key.end, &ValueBytes::Run(value));
        }
    }

    /// Stores the values that are not yet stored.
    pub(super) fn store_large(
        &mut self,
        mut store: impl FnMut(&[u8]) -> Result<ValueRun, Error>,
    ) -> Result<(), Error> {
        if self.large.is_empty() {
            return Ok(());
        }
        for slot in &self.slots {
            let at = place(*slot);
            if let Some((key, StoredValue::Run(value))) = leaf_entry_at(&self.heap, at)
                && value.run.pages == 0
                && let Some(Some(bytes)) = self.large.get(value.run.page as usize)
            {
                let stored = store(bytes)?;
                put_value(&mut self.heap, at, key.end, &ValueBytes::Run(stored));
            }
        }
        self.large.clear();
        Ok(())
    }

    fn remove_slot(&mut self, at: usize) {
        self.is_as_stored = false;
        self.slots.remove(at);
    }

    fn insert_slot(&mut self, at: usize, place: usize, key: &[u8]) {
        self.is_as_stored = false;
        self.size += SLOT + self.heap.len() - place;
        let first = usize::from(self.level > 0);
        if at < first {
            self.slots.insert(at, slot(place, 0));
            return;
        }
        let is_only = self.slots.len() <= first;
        let shared = if is_only {
            key.len()
        } else {
            let start = &key[..key.len().min(self.prefix)];
            match self.known() {
                Some(known) => common(start, known),
                None => common(start, self.key(first)),
            }
        };
        self.slots.insert(at, slot(place, head(key, self.prefix)));
        if is_only || shared < self.prefix {
            self.prefix = shared;
            self.set_start(at);
            self.set_heads();
        }
    }

    /// The pages of the value of entry `at`, which it loses.
    fn forget_value(&mut self, at: usize) -> Option<PageRef> {
        if !self.large.is_empty()
            && let Some((_, StoredValue::Run(value))) =
                leaf_entry_at(&self.heap, place(self.slots[at]))
            && value.run.pages == 0
            && let Some(bytes) = self.large.get_mut(value.run.page as usize)
        {
            *bytes = None;
        }
        self.value(at).run()
    }

    fn common_prefix(&self) -> usize {
        let first = usize::from(self.level > 0);
        let keyed = self.slots.get(first..).unwrap_or_default();
        let key = |slot: &Slot| self.key_of(*slot);
        prefix_of(keyed.first().and_then(key), keyed.last().and_then(key))
    }

    /// Finds what all keys have in common. `heads_are_right`: they leave out the prefix as it was.
    fn find_prefix(&mut self, heads_are_right: bool) {
        let prefix = self.common_prefix();
        if prefix != self.prefix || !heads_are_right {
            self.prefix = prefix;
            let first = usize::from(self.level > 0);
            if first < self.slots.len() {
                self.set_start(first);
            }
            self.set_heads();
        }
    }

    /// The bytes that all keys share, where they are at hand.
    fn known(&self) -> Option<&[u8]> {
        self.start.get(..self.prefix)
    }

    /// Takes them from entry `i`.
    fn set_start(&mut self, i: usize) {
        let key = self.key(i);
        let len = key.len().min(8);
        let mut start = [0; 8];
        start[..len].copy_from_slice(&key[..len]);
        self.start = start;
    }

    fn set_heads(&mut self) {
        for i in usize::from(self.level > 0)..self.slots.len() {
            let head = head(self.key(i), self.prefix);
            self.slots[i] = slot(place(self.slots[i]), head);
        }
    }

    /// Gives up what has been replaced, where an entry of so many bytes has no room else.
    fn make_room(&mut self, len: usize) {
        let live = self.size - HEADER - self.slots.len() * SLOT;
        let room = self.heap.capacity();
        if self.heap.len() + len <= room || live + len > room || live == self.heap.len() {
            return;
        }
        let mut heap = Vec::with_capacity(room);
        for i in 0..self.slots.len() {
            let entry = self.entry(i);
            let moved = slot(heap.len(), head_of(self.slots[i]));
            heap.extend_from_slice(&self.heap[entry]);
            self.slots[i] = moved;
        }
        self.heap = heap;
    }
}
