//! Whether rows that were written in one shape can be read as another, byte by byte.

use std::collections::HashSet;

use super::{Content, Field, Node, Place, Shape};

/// How rows of a stored shape are read into a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// As they are: the bytes mean the same in both shapes.
    Bytes,
    /// By the stored shape, name by name.
    Names,
}

impl Fit {
    /// How rows of the shape `stored` are read as `declared`.
    pub(crate) fn of(stored: &Shape, declared: &Shape) -> Self {
        Self::between((stored, Shape::ROW), (declared, Shape::ROW))
    }

    /// The same of values at these places.
    pub(crate) fn between(stored: (&Shape, Place), declared: (&Shape, Place)) -> Self {
        let mut pairs = Pairs {
            stored: stored.0,
            declared: declared.0,
            seen: HashSet::new(),
            rest: Vec::new(),
        };
        pairs.add(stored.1, declared.1);
        while let Some((stored, declared)) = pairs.rest.pop() {
            if !pairs.fits(stored, declared) {
                return Self::Names;
            }
        }
        Self::Bytes
    }
}

/// Pairs of places that must fit.
struct Pairs<'s> {
    stored: &'s Shape,
    declared: &'s Shape,
    seen: HashSet<(Place, Place)>,
    rest: Vec<(Place, Place)>,
}

impl Pairs<'_> {
    fn add(&mut self, stored: Place, declared: Place) {
        if self.seen.insert((stored, declared)) {
            self.rest.push((stored, declared));
        }
    }

    /// Whether they fit if what they hold does, which is added.
    fn fits(&mut self, stored: Place, declared: Place) -> bool {
        let (shapes, others) = (self.stored, self.declared);
        match (shapes.node(stored), others.node(declared)) {
            (Node::Option(stored), Node::Option(declared))
            | (Node::List(stored), Node::List(declared)) => self.add(*stored, *declared),
            (Node::Array(stored, len), Node::Array(declared, other)) if len == other => {
                self.add(*stored, *declared);
            }
            (Node::Map(key, value), Node::Map(other_key, other_value)) => {
                self.add(*key, *other_key);
                self.add(*value, *other_value);
            }
            (Node::Tuple(stored), Node::Tuple(declared)) => return self.all(stored, declared),
            (Node::Struct(_, stored), Node::Struct(_, declared)) => {
                return self.fields(stored, declared);
            }
            (Node::Enum(_, stored), Node::Enum(_, declared)) => {
                // New variants at the end are in no row that was stored.
                if stored.len() > declared.len() {
                    return false;
                }
                for (stored, declared) in stored.iter().zip(declared) {
                    if !stored.names.meet(&declared.names)
                        || !self.contents(&stored.content, &declared.content)
                    {
                        return false;
                    }
                }
            }
            (stored, declared) => return stored == declared && stored.places().is_empty(),
        }
        true
    }

    fn all(&mut self, stored: &[Place], declared: &[Place]) -> bool {
        for (stored, declared) in stored.iter().zip(declared) {
            self.add(*stored, *declared);
        }
        stored.len() == declared.len()
    }

    fn fields(&mut self, stored: &[Field], declared: &[Field]) -> bool {
        for (stored, declared) in stored.iter().zip(declared) {
            if !stored.names.meet(&declared.names) {
                return false;
            }
            self.add(stored.node, declared.node);
        }
        stored.len() == declared.len()
    }

    fn contents(&mut self, stored: &Content, declared: &Content) -> bool {
        match (stored, declared) {
            (Content::Unit, Content::Unit) => true,
            (Content::One(stored), Content::One(declared)) => {
                self.add(*stored, *declared);
                true
            }
            (Content::Tuple(stored), Content::Tuple(declared)) => self.all(stored, declared),
            (Content::Fields(stored), Content::Fields(declared)) => self.fields(stored, declared),
            _ => false,
        }
    }
}
