//! Trees that come to a family while its history runs, and go again.
//!
//! The trees of the [layout](super::layout) are those of every version. Which trees were added is a property of each version: a list that
//! versions share until it changes, and for each tree on it two roots behind those of the layout, in the same order. A version without added
//! trees has no list.
//!
//! # The tally
//!
//! A row's header says how many entries it has in the trees of the layout, so that a removal knows that it takes out all of them
//! ([`super::draft`]). An added tree can't be counted there: rows are older than it, and forks with other trees share them. So each has a second
//! tree beside it, its *tally*, which says for every row of the family that has **not exactly one** entry how many it has. There the row is
//! under its primary key and the number, as four bytes.
//!
//! A row that goes is looked up there under the number of keys that its function gives now. For any other number than one the entry must be
//! there, and for one there must be no entry of this row. So the number is the one with which the row came in; and because the
//! keys are distinct, and each is looked up and must lead to this row, none of its entries is left behind. Trees whose rows have one key each,
//! as most have, pay for an empty tree.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::bulk;
use super::cursor::Scan;
use super::diff::diff;
use super::draft::{Draft, MAX_ENTRIES, Refused, SPARE};
use super::edit::Editor;
use super::node::{Kind, MAX_KEY, Node};
use super::row::{Handle, Row, Width};
use super::steps::Keys;
use crate::key::{KeyBuf, KeyRange};

/// What the holder of the trees knows of one.
pub(crate) type About = Arc<dyn Any + Send + Sync>;

/// The slots of an added tree: its entries, and their tally.
const SLOTS: usize = 2;

/// The added trees of a version, in the order in which they came.
#[derive(Clone, Default)]
pub(crate) struct AddedTrees(Option<Arc<[Added]>>);

/// A tree that was added.
#[derive(Clone)]
pub(crate) struct Added {
    pub(crate) family: usize,
    /// Its number among the trees of the family: not below that of the layout's.
    pub(crate) number: usize,
    pub(crate) about: About,
}

impl AddedTrees {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Added> {
        self.0.as_deref().unwrap_or_default().iter()
    }

    /// One of them.
    pub(crate) fn get(&self, family: usize, number: usize) -> Option<&Added> {
        self.iter()
            .find(|added| (added.family, added.number) == (family, number))
    }

    /// Those of one family.
    pub(crate) fn of(&self, family: usize) -> impl Iterator<Item = &Added> {
        self.iter().filter(move |added| added.family == family)
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Where the two roots of a tree are, behind those of the layout.
    pub(super) fn slot(&self, family: usize, number: usize) -> Option<usize> {
        let place = self
            .iter()
            .position(|added| (added.family, added.number) == (family, number))?;
        Some(place * SLOTS)
    }

    /// The slots of one family's.
    fn slots(&self, family: usize) -> impl Iterator<Item = usize> {
        let places = self.iter().enumerate();
        places
            .filter(move |(_, added)| added.family == family)
            .map(|(place, _)| place * SLOTS)
    }

    /// Whether both are the same trees.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.iter()
            .map(|added| added.number)
            .eq(other.iter().map(|added| added.number))
    }

    /// The same trees, for a fork: what is known of each is another's.
    pub(super) fn map(&self, mut about: impl FnMut(&About) -> About) -> Self {
        self.iter()
            .map(|added| Added {
                about: about(&added.about),
                ..*added
            })
            .collect()
    }
}

impl FromIterator<Added> for AddedTrees {
    fn from_iter<I: IntoIterator<Item = Added>>(trees: I) -> Self {
        let trees: Arc<[Added]> = trees.into_iter().collect();
        Self((!trees.is_empty()).then_some(trees))
    }
}

/// Why a tree was not added.
#[derive(Debug)]
pub(crate) enum NotAdded<T> {
    /// Two rows have one key in it.
    Duplicate {
        key: KeyBuf,
        first: Row<T>,
        second: Row<T>,
    },
    /// A key of a row is longer than trees take.
    KeyTooLong { len: usize, row: Row<T> },
    /// There are more keys than a tree takes.
    Full,
}

/// Keys with their rows, not in order yet.
#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    /// Where each key begins and how long it is, and the place of its row.
    keys: Vec<(usize, u32, u32)>,
}

impl Gathered {
    fn push(&mut self, key: &[u8], row: usize) {
        self.keys
            .push((self.bytes.len(), key.len() as u32, row as u32));
        self.bytes.extend_from_slice(key);
    }

    /// The keys in their order, each with the row that it leads to.
    fn sorted(&mut self, rows: &[Handle]) -> Vec<bulk::Pair<'_>> {
        let bytes = &self.bytes;
        let key = |&(start, len, _): &(usize, u32, u32)| &bytes[start..start + len as usize];
        self.keys.sort_unstable_by(|a, b| key(a).cmp(key(b)));
        self.keys
            .iter()
            .map(|entry| (key(entry), rows[entry.2 as usize]))
            .collect()
    }
}

/// The key of a row in a tally: none where it has exactly one entry.
struct Tally(Option<KeyBuf>);

impl Tally {
    fn of(primary: &[u8], entries: usize) -> Self {
        Self((entries != 1).then(|| {
            let mut key = KeyBuf::from_slice(primary);
            key.extend_from_slice(&(entries as u32).to_be_bytes());
            key
        }))
    }
}

impl Keys for Tally {
    fn len(&self) -> usize {
        usize::from(self.0.is_some())
    }

    fn key(&self, _: usize) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl Draft {
    /// The trees that were added so far.
    pub(crate) fn added(&self) -> &AddedTrees {
        &self.added
    }

    /// Adds a tree to a family and builds it from the rows that are there, whose entries `keys` puts into an empty set: it is called with the
    /// primary key and the row, in the order of the primary keys. `number` is new to the family and not one of the layout's.
    ///
    /// All or nothing. O(rows), and sorting the keys; with full buckets.
    pub(crate) fn add_tree<T: Send + Sync + 'static, K: Keys + Default>(
        &mut self,
        family: usize,
        number: usize,
        about: About,
        mut keys: impl FnMut(&[u8], &T, &mut K),
    ) -> Result<(), NotAdded<T>> {
        self.assert_family::<T>(family);
        let layout = &self.shared().layout;
        let slot = layout.families[family].first;
        assert!(
            number >= layout.families[family].trees && self.added.get(family, number).is_none(),
            "a number that is taken"
        );
        let mut rows: Vec<Handle> = Vec::new();
        let (mut entries, mut tally) = (Gathered::default(), Gathered::default());
        let mut set = K::default();
        // SAFETY: the draft's trees are alive, and not written to here.
        let primary = self.roots[slot].map(|root| unsafe { root.get() });
        let refused = diff(None, primary, &KeyRange::ALL, |(primary, _, row)| {
            let Some(row) = row else {
                return ControlFlow::Continue(());
            };
            let handle = *row;
            // SAFETY: the family's rows are of this type, and alive.
            let row = unsafe { Row::<T>::from_slot(row) };
            keys(primary, row, &mut set);
            let too_long = |len| {
                let row = row.clone();
                ControlFlow::Break(NotAdded::KeyTooLong { len, row })
            };
            for index in 0..set.len() {
                let key = set.key(index);
                if key.len() > MAX_KEY {
                    return too_long(key.len());
                }
                entries.push(key, rows.len());
            }
            if let Some(key) = Tally::of(primary, set.len()).0 {
                if key.len() > MAX_KEY {
                    return too_long(key.len());
                }
                tally.push(&key, rows.len());
            }
            rows.push(handle);
            if entries.keys.len() > MAX_ENTRIES {
                return ControlFlow::Break(NotAdded::Full);
            }
            ControlFlow::Continue(())
        });
        if let ControlFlow::Break(refused) = refused {
            return Err(refused);
        }
        let (entries, tally) = (entries.sorted(&rows), tally.sorted(&rows));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            // SAFETY: the family's rows are of this type, and alive while each is counted once more.
            let row = |handle: &Handle| unsafe { Row::<T>::from_slot(handle) }.clone();
            return Err(NotAdded::Duplicate {
                key: KeyBuf::from_slice(pair[0].0),
                first: row(&pair[0].1),
                second: row(&pair[1].1),
            });
        }
        self.editor.forget();
        let Editor { pool, stamp, .. } = &mut *self.editor;
        let built = [&entries, &tally].map(|pairs| bulk::build(pairs, *stamp, pool));
        self.roots = self.roots.iter().copied().chain(built).collect();
        let added = Added {
            family,
            number,
            about,
        };
        let added = self.added.iter().cloned().chain([added]).collect();
        self.set_added(added);
        Ok(())
    }

    /// Takes an added tree out. `false` if there is none of this number. O(nodes of the tree).
    pub(crate) fn drop_tree(&mut self, family: usize, number: usize) -> bool {
        let Some(slot) = self.added.slot(family, number) else {
            return false;
        };
        let slot = self.shared().layout.trees + slot;
        self.editor.forget();
        let mut open: Vec<Node> = self.roots[slot..slot + SLOTS]
            .iter()
            .flatten()
            .copied()
            .collect();
        while let Some(node) = open.pop() {
            // SAFETY: nodes of the draft's trees are alive; disposed of only when `view` is not used any more.
            let view = unsafe { node.get() };
            if view.kind() == Kind::Inner {
                open.extend_from_slice(view.children());
            }
            self.editor.dispose(node);
        }
        let (before, behind) = (&self.roots[..slot], &self.roots[slot + SLOTS..]);
        self.roots = before.iter().chain(behind).copied().collect();
        let others = self.added.iter();
        let others = others.filter(|added| (added.family, added.number) != (family, number));
        let others = others.cloned().collect();
        self.set_added(others);
        true
    }

    /// Whether a row's keys can go into the added trees: the part of [`fits`](Self::fits) that the layout's do not need. The lengths of the keys are
    /// looked at there.
    pub(super) fn fits_added<K: Keys>(
        &self,
        family: usize,
        key: &[u8],
        old: &[K],
        new: &[K],
    ) -> Result<(), Refused> {
        let layout = &self.shared().layout;
        let trees = layout.families[family].trees;
        for (tree, slot) in (trees..).zip(self.added.slots(family)) {
            let [fewer, more] = [old, new].map(|keys| keys.get(tree - 1).map_or(0, Keys::len));
            if let Some(key) = Tally::of(key, more).0
                && key.len() > MAX_KEY
            {
                return Err(Refused::KeyTooLong {
                    tree,
                    len: key.len(),
                });
            }
            if more <= fewer.min(SPARE) {
                continue;
            }
            // SAFETY: the draft's trees are alive, and not written to here.
            let rows =
                self.roots[layout.trees + slot].map_or(0, |root| unsafe { root.get() }.total());
            if rows + more > MAX_ENTRIES {
                return Err(Refused::Full { tree });
            }
        }
        Ok(())
    }

    /// Takes `gone`, which is under `key`, out of all added trees of a family and puts `row` in. All or nothing. The keys are those of all trees behind
    /// the first, as in [`put`](Self::put).
    pub(super) fn apply_added<K: Keys>(
        &mut self,
        family: usize,
        key: &[u8],
        [gone, row]: [Option<Handle>; 2],
        [old, new]: [&[K]; 2],
    ) -> Result<(), Refused> {
        let layout = &self.shared().layout;
        let (first, trees) = (layout.trees, layout.families[family].trees);
        let added = self.added.clone();
        let slots = || (trees..).zip(added.slots(family));
        for (tree, slot) in slots() {
            let keys = [old.get(tree - 1), new.get(tree - 1)];
            let Err(refused) = self.exchange(first + slot, key, [gone, row], keys) else {
                continue;
            };
            for (tree, slot) in slots().take_while(|(done, _)| *done < tree) {
                let keys = [new.get(tree - 1), old.get(tree - 1)];
                let undone = self.exchange(first + slot, key, [row, gone], keys);
                debug_assert!(undone.is_ok(), "what was done can be undone");
            }
            return Err(refused.in_tree(tree));
        }
        Ok(())
    }

    /// The same in one added tree.
    fn exchange<K: Keys>(
        &mut self,
        slot: usize,
        primary: &[u8],
        [gone, row]: [Option<Handle>; 2],
        [old, new]: [Option<&K>; 2],
    ) -> Result<(), Refused> {
        let (old, new) = (
            old.filter(|_| gone.is_some()),
            new.filter(|_| row.is_some()),
        );
        let tally = |keys: Option<&K>| Tally::of(primary, keys.map_or(0, Keys::len));
        let before = gone.map(|_| tally(old));
        let after = row.map(|_| tally(new));
        if let (Some(gone), Some(Tally(None))) = (gone, &before)
            && self.is_tallied(slot + 1, primary, gone)
        {
            return Err(Refused::Unstable { tree: None });
        }
        self.change_tree(slot + 1, [gone, row], [before.as_ref(), after.as_ref()])?;
        let done = self.change_tree(slot, [gone, row], [old, new]);
        if done.is_err() {
            let undone = self.change_tree(slot + 1, [row, gone], [after.as_ref(), before.as_ref()]);
            debug_assert!(undone.is_ok(), "what was done can be undone");
        }
        done
    }

    /// Whether a tally says anything of the row `gone`, which is under this primary key.
    fn is_tallied(&self, slot: usize, primary: &[u8], gone: Handle) -> bool {
        // SAFETY: the draft's trees are alive, and not written to here.
        let tally = self.roots[slot].map(|root| unsafe { root.get() });
        if tally.is_none() {
            return false;
        }
        // Where no key begins with another one, it has one at most.
        let mut scan = Scan::new(
            tally,
            &KeyRange::Prefix(KeyBuf::from_slice(primary)),
            Width::Line,
        );
        while let Some(row) = scan.next() {
            if *row == gone {
                return true;
            }
        }
        false
    }
}
