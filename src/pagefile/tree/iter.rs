//! Walking a tree in order of its keys, from both ends.

use std::ops::Bound;

use super::{
    super::{Bytes, Error, source::Source},
    read::{Found, NodeView, Root},
};

/// A path from the root to an entry of a leaf: at each node the place taken.
type Path<'t> = Vec<(NodeView<'t>, usize)>;

/// The entries of a tree between two bounds. Ends for good after an error.
pub(in super::super) struct Entries<'t> {
    source: &'t Source,
    state: State<'t>,
}

enum State<'t> {
    /// Nothing is read before the first step.
    New {
        root: Root<'t>,
        from: Bound<Vec<u8>>,
        to: Bound<Vec<u8>>,
    },
    /// `front` is the next entry from the front, `back` the next one from the back.
    Open {
        front: Path<'t>,
        back: Path<'t>,
    },
    Done,
}

impl<'t> Entries<'t> {
    pub(in super::super) fn new(
        source: &'t Source,
        root: Root<'t>,
        from: Bound<Vec<u8>>,
        to: Bound<Vec<u8>>,
    ) -> Self {
        let state = State::New { root, from, to };
        Self { source, state }
    }

    /// The next entry from the front, or from the back.
    pub(in super::super) fn step(
        &mut self,
        forward: bool,
    ) -> Option<Result<(Bytes<'t>, Found<'t>), Error>> {
        let step = self.try_step(forward);
        if !matches!(step, Ok(Some(_))) {
            self.state = State::Done;
        }
        step.transpose()
    }

    fn try_step(&mut self, forward: bool) -> Result<Option<(Bytes<'t>, Found<'t>)>, Error> {
        if let State::New { root, from, to } = &self.state {
            let front = seek(self.source, *root, from, true)?;
            let back = seek(self.source, *root, to, false)?;
            self.state = match (front, back) {
                (Some(front), Some(back)) if !is_behind(&front, &back) => {
                    State::Open { front, back }
                }
                _ => State::Done,
            };
        }
        let State::Open { front, back } = &mut self.state else {
            return Ok(None);
        };
        let path = if forward { &mut *front } else { &mut *back };
        let Some((leaf, at)) = path.last() else {
            return Ok(None);
        };
        let key = leaf.key(self.source, *at)?;
        let Some(value) = leaf.value(self.source, *at)? else {
            return Ok(None);
        };
        // The paths meet on the last entry.
        let is_last = front
            .iter()
            .map(|(_, at)| at)
            .eq(back.iter().map(|(_, at)| at));
        if is_last {
            self.state = State::Done;
        } else {
            let path = if forward { front } else { back };
            advance(self.source, path, forward, &key)?;
        }
        Ok(Some((key, value)))
    }
}

/// Whether the entry of `front` lies behind that of `back`: nothing is between the bounds.
fn is_behind(front: &Path<'_>, back: &Path<'_>) -> bool {
    let front = front.iter().map(|(_, at)| at);
    front.gt(back.iter().map(|(_, at)| at))
}

/// The first entry at or behind the bound, or the last one at or before it.
fn seek<'t>(
    source: &'t Source,
    root: Root<'t>,
    bound: &Bound<Vec<u8>>,
    forward: bool,
) -> Result<Option<Path<'t>>, Error> {
    let mut path = Path::new();
    let mut next = NodeView::open(source, root, None)?;
    while let Some(node) = next {
        if node.level() == 0 {
            let at = match bound {
                Bound::Unbounded => {
                    let end = if forward { 0 } else { node.count() };
                    Err(end)
                }
                Bound::Included(key) | Bound::Excluded(key) => node.search(source, key)?,
            };
            let is_included = matches!(bound, Bound::Included(_));
            // The place of the entry sought; before the first one it is `None`, behind the last one the count.
            let place = match (at, forward) {
                (Ok(at), _) if is_included => Some(at),
                (Ok(at), true) => Some(at + 1),
                (Err(at), true) => Some(at),
                (Ok(at) | Err(at), false) => at.checked_sub(1),
            };
            let count = node.count();
            return match place {
                Some(at) if at < count => {
                    path.push((node, at));
                    Ok(Some(path))
                }
                // The entry is the neighbour of this leaf's outermost one.
                _ => {
                    path.push((node, if forward { count - 1 } else { 0 }));
                    let moved = step_over(source, &mut path, forward)?;
                    Ok(moved.then_some(path))
                }
            };
        }
        let at = match bound {
            Bound::Unbounded if forward => 0,
            Bound::Unbounded => node.count() - 1,
            Bound::Included(key) | Bound::Excluded(key) => node.child_of(source, key)?,
        };
        next = node.child(source, at)?;
        path.push((node, at));
    }
    Ok(None)
}

/// Moves the path on from `key`, and sees to it that keys ascend from leaf to leaf too, which no single page can tell.
fn advance<'t>(
    source: &'t Source,
    path: &mut Path<'t>,
    forward: bool,
    key: &Bytes<'t>,
) -> Result<(), Error> {
    let moved = step_over(source, path, forward)?;
    let ordered = match path.last() {
        Some((leaf, at)) if moved => {
            let next = leaf.key(source, *at)?;
            if forward {
                **key < *next
            } else {
                *next < **key
            }
        }
        _ => false,
    };
    if ordered {
        return Ok(());
    }
    let page = match path.last() {
        Some((NodeView::Page(page), _)) => page.page(),
        _ => 0,
    };
    Err(source.corrupted(page, "its keys do not follow those of the leaf beside it"))
}

/// Moves the path to the next entry; `false` where there is none.
fn step_over<'t>(source: &'t Source, path: &mut Path<'t>, forward: bool) -> Result<bool, Error> {
    // The lowest node at which there is a way on.
    let Some(turn) = path.iter().rposition(|(node, at)| {
        if forward {
            at + 1 < node.count()
        } else {
            *at > 0
        }
    }) else {
        return Ok(false);
    };
    path.truncate(turn + 1);
    let Some((node, at)) = path.last_mut() else {
        return Ok(false);
    };
    *at = if forward { *at + 1 } else { *at - 1 };
    let (mut node, mut at) = (node.clone(), *at);
    while node.level() > 0 {
        let Some(child) = node.child(source, at)? else {
            return Ok(false);
        };
        at = if forward { 0 } else { child.count() - 1 };
        path.push((child.clone(), at));
        node = child;
    }
    Ok(true)
}
