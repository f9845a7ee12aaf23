//! The paths of buckets that a walk has met.

/// Stands for the path of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Place(usize);

/// Names of buckets, each with the place of the bucket that it lies in: however deep buckets lie, each costs its own name only.
#[derive(Default)]
pub(in super::super) struct Paths {
    names: Vec<(Place, Box<[u8]>)>,
}

impl Paths {
    /// The place of the bucket that all others lie in.
    pub(in super::super) const TOP: Place = Place(0);

    /// The place of the bucket `name` in the one at `place`.
    pub(in super::super) fn add(&mut self, place: Place, name: &[u8]) -> Place {
        self.names.push((place, Box::from(name)));
        Place(self.names.len())
    }

    /// The names that lead to a place, the outermost first.
    pub(in super::super) fn path(&self, place: Place) -> Vec<Vec<u8>> {
        let mut path = Vec::new();
        let mut at = place;
        while let Some((above, name)) = at.0.checked_sub(1).and_then(|i| self.names.get(i)) {
            path.push(name.to_vec());
            at = *above;
        }
        path.reverse();
        path
    }
}
