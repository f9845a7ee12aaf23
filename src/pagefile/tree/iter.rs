//! Walking a tree in order of its keys, from both ends.

use std::ops::Bound;

use super::{
    super::{Bytes, Error, source::Source},
    read::{Found, Kind, NodeView, Root},
};

/// A path from the root to an entry of a leaf: at each node the place taken.
pub(super) type Path<'t> = Vec<(NodeView<'t>, usize)>;

/// The entries of a tree between two bounds. Ends for good after an error.
pub(in super::super) struct Entries<'t> {
    source: &'t Source,
    /// Entries of the other kind are passed over.
    only: Option<Kind>,
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
        only: Option<Kind>,
    ) -> Self {
        Self {
            source,
            only,
            state: State::New { root, from, to },
        }
    }

    /// No entry at all.
    pub(in super::super) fn none(source: &'t Source) -> Self {
        Self {
            source,
            only: None,
            state: State::Done,
        }
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
            let front = seek(self.source, *root, borrowed(from), true)?;
            let back = seek(self.source, *root, borrowed(to), false)?;
            self.state = match (front, back) {
                (Some(front), Some(back)) if !is_behind(&front, &back) => {
                    State::Open { front, back }
                }
                _ => State::Done,
            };
        }
        loop {
            let State::Open { front, back } = &mut self.state else {
                return Ok(None);
            };
            let path = if forward { &mut *front } else { &mut *back };
            let Some((leaf, at)) = path.last() else {
                return Ok(None);
            };
            let key = leaf.key(self.source, *at)?;
            let is_wanted = match self.only {
                Some(kind) => leaf.kind(self.source, *at)? == kind,
                None => true,
            };
            let value = if is_wanted {
                leaf.value(self.source, *at)?
            } else {
                None
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
                if !advance(self.source, path, forward, &key)? {
                    return Err(disordered(self.source, path));
                }
            }
            if let Some(value) = value {
                return Ok(Some((key, value)));
            }
        }
    }
}

fn borrowed(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

/// Whether the entry of `front` lies behind that of `back`: nothing is between the bounds.
fn is_behind(front: &Path<'_>, back: &Path<'_>) -> bool {
    let front = front.iter().map(|(_, at)| at);
    front.gt(back.iter().map(|(_, at)| at))
}

/// The first entry at or behind the bound, or the last one at or before it.
pub(super) fn seek<'t>(
    source: &'t Source,
    root: Root<'t>,
    bound: Bound<&[u8]>,
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

/// Moves the path on from `key`, and sees to it that keys ascend from leaf to leaf too, which no single page can tell. `false` where there is no
/// entry behind.
pub(super) fn advance<'t>(
    source: &'t Source,
    path: &mut Path<'t>,
    forward: bool,
    key: &[u8],
) -> Result<bool, Error> {
    if !step_over(source, path, forward)? {
        return Ok(false);
    }
    let is_ordered = match path.last() {
        Some((leaf, at)) => {
            let next = leaf.key(source, *at)?;
            if forward { *key < *next } else { *next < *key }
        }
        None => false,
    };
    if is_ordered {
        return Ok(true);
    }
    Err(disordered(source, path))
}

fn disordered(source: &Source, path: &Path<'_>) -> Error {
    let page = match path.last() {
        Some((NodeView::Page(page), _)) => page.page(),
        _ => 0,
    };
    source.corrupted(page, "its keys do not follow those of the leaf beside it")
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
