//! Values at small, stable numbers: the memory of the registry's structures.

use std::num::NonZeroU32;

/// The number of a value in a [`Slab`]. An `Option` of it takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(NonZeroU32);

impl Id {
    fn slot(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Values side by side, freed slots used again. All memory is given back when the last value goes.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Option<Id>,
    len: usize,
}

#[derive(Debug)]
enum Slot<T> {
    Taken(T),
    Free { next: Option<Id> },
}

/// Below this many slots an emptied slab keeps its memory, so that one watch after the other costs no allocation each.
const KEPT_SLOTS: usize = 32;

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: None,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// O(1), amortised.
    pub(super) fn insert(&mut self, value: T) -> Id {
        self.len += 1;
        if let Some(id) = self.free {
            let slot = &mut self.slots[id.slot()];
            if let Slot::Free { next } = *slot {
                self.free = next;
            }
            *slot = Slot::Taken(value);
            return id;
        }
        self.slots.push(Slot::Taken(value));
        let id = u32::try_from(self.slots.len())
            .ok()
            .and_then(NonZeroU32::new);
        Id(id.expect("memory ends before 2^32 watches do"))
    }

    /// O(1).
    pub(super) fn remove(&mut self, id: Id) -> T {
        let slot = &mut self.slots[id.slot()];
        let Slot::Taken(value) = std::mem::replace(slot, Slot::Free { next: self.free }) else {
            unreachable!("slot {id:?} is freed twice");
        };
        self.free = Some(id);
        self.len -= 1;
        if self.len == 0 && self.slots.len() > KEPT_SLOTS {
            *self = Self::new();
        }
        value
    }

    /// The value at `id`, if there is one.
    pub(super) fn get(&self, id: Id) -> Option<&T> {
        match self.slots.get(id.slot()) {
            Some(Slot::Taken(value)) => Some(value),
            _ => None,
        }
    }

    /// All values, O(slots).
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &T)> {
        let ids = (1..=u32::MAX).filter_map(NonZeroU32::new).map(Id);
        ids.zip(&self.slots).filter_map(|(id, slot)| match slot {
            Slot::Taken(value) => Some((id, value)),
            Slot::Free { .. } => None,
        })
    }

    /// All values by move.
    pub(super) fn into_values(self) -> impl Iterator<Item = T> {
        self.slots.into_iter().filter_map(|slot| match slot {
            Slot::Taken(value) => Some(value),
            Slot::Free { .. } => None,
        })
    }
}

impl<T> std::ops::Index<Id> for Slab<T> {
    type Output = T;

    fn index(&self, id: Id) -> &T {
        match &self.slots[id.slot()] {
            Slot::Taken(value) => value,
            Slot::Free { .. } => unreachable!("slot {id:?} is free"),
        }
    }
}

impl<T> std::ops::IndexMut<Id> for Slab<T> {
    fn index_mut(&mut self, id: Id) -> &mut T {
        match &mut self.slots[id.slot()] {
            Slot::Taken(value) => value,
            Slot::Free { .. } => unreachable!("slot {id:?} is free"),
        }
    }
}
