//! Which page of a state holds what.

use std::ops::{Bound, ControlFlow};

use super::{
    super::{
        ReadTxn,
        page::{VALUE_HEADER, ValueRun},
        shared::Snapshot,
        walk::{Met, Walk},
    },
    Damage, PageKind, Paths, Place, Span,
};

/// A page that a state reaches, or a run of pages that are one thing; verified.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PageInfo<'p> {
    /// The number of the first page.
    pub page: u64,
    /// How many pages are one thing.
    pub pages: u64,
    /// What it is: [`PageKind::Root`] never.
    pub kind: PageKind,
    /// How high it lies in its tree: 0 for a leaf or a value.
    pub level: u8,
    /// How many entries it has; 1 for a value.
    pub entries: u64,
    /// How many of its bytes are in use.
    pub used_bytes: u64,
    /// The commit that wrote it, where the page is a node.
    pub commit: Option<u64>,
    /// The names that lead to the bucket that it belongs to, the outermost first; none for the tree of buckets.
    pub bucket: &'p [Vec<u8>],
    /// The keys that can be below it, by its parents.
    pub keys: (Bound<&'p [u8]>, Bound<&'p [u8]>),
}

impl ReadTxn {
    /// Calls `visit` with every page that this state reaches, those of a tree from the top and from the left, until it breaks; and tells what cannot be read. Each page
    /// is read and verified. What is not among them is free, or needed by another state, or lies before the first page for data. O(file).
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use sapwood::pagefile::{PageFile, PageKind};
    ///
    /// let file = PageFile::in_memory()?;
    /// file.update(|tx| tx.create_bucket("pods")?.put("a", "1"))?;
    /// let mut leaves = Vec::new();
    /// let damage = file.begin_read().pages(&mut |page| {
    ///     leaves.push((page.page, page.kind, page.bucket.to_vec()));
    ///     ControlFlow::Continue(())
    /// });
    /// assert_eq!(leaves, [(2, PageKind::Leaf, vec![b"pods".to_vec()])]);
    /// assert!(damage.is_empty());
    /// # Ok::<(), sapwood::pagefile::Error>(())
    /// ```
    pub fn pages(&self, visit: &mut dyn FnMut(&PageInfo<'_>) -> ControlFlow<()>) -> Vec<Damage> {
        let state = &Snapshot::stored(&self.snapshot);
        // A bucket's pages come one after the other.
        let mut bucket = (Paths::TOP, Vec::new());
        let mut observe = |paths: &Paths, place: Place, met: Met<'_>| {
            if bucket.0 != place {
                bucket = (place, paths.path(place));
            }
            match info(&bucket.1, &met) {
                Some(info) => visit(&info),
                None => ControlFlow::Continue(()),
            }
        };
        let source = &state.source;
        let mut walk = Walk::deep(source, state.commit, source.pages).told_to(&mut observe);
        // It collects its errors.
        let _ = walk.state(&state.directory, state.buckets);
        walk.into_parts().1.damage
    }
}

fn info<'p>(bucket: &'p [Vec<u8>], met: &'p Met<'_>) -> Option<PageInfo<'p>> {
    match met {
        Met::Node { run, node, keys } => Some(PageInfo {
            page: run.page,
            pages: run.pages.into(),
            kind: PageKind::of_node(Some(node.level())),
            level: node.level(),
            entries: node.count() as u64,
            used_bytes: node.used() as u64,
            commit: Some(node.commit()),
            bucket,
            keys: bounds(*keys),
        }),
        Met::Run {
            value: ValueRun { len, run },
            key,
        } => Some(PageInfo {
            page: run.page,
            pages: run.pages.into(),
            kind: PageKind::Value,
            level: 0,
            entries: 1,
            used_bytes: len + VALUE_HEADER as u64,
            commit: None,
            bucket,
            keys: (Bound::Included(key), Bound::Included(key)),
        }),
        Met::Row { .. } | Met::Bucket { .. } => None,
    }
}

fn bounds((low, high): Span<'_>) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (
        low.map_or(Bound::Unbounded, Bound::Included),
        high.map_or(Bound::Unbounded, Bound::Excluded),
    )
}
