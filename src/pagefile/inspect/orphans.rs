//! Nodes that nothing sound refers to, and that make sense all the same.

use std::{cmp::Reverse, collections::HashSet, ops::Bound};

use super::{
    super::{
        Error, checksum,
        meta::first_page,
        page::{
            KIND_VALUE, NodeHeader, PageRef, StoredValue, VALUE_HEADER, branch_entry, leaf_entry,
            validate,
        },
        page_set::PageSet,
        source::Source,
        walk::{Met, Walk},
    },
    Damage, DamagedPage, PageKind, Paths, Place,
    page_view::node_pages,
    salvage::Salvage,
};

/// Something that was found in a damaged file and that nothing vouches for: it can be damaged, of an older state, or of another bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unverified {
    /// Its first page.
    pub page: u64,
    /// How many pages it has.
    pub pages: u64,
    /// What it is.
    pub kind: PageKind,
    /// The commit that it says to be of; that of a value is not told.
    pub commit: Option<u64>,
    /// The name of its bucket in the new file, within that of all unverified things.
    pub bucket: Vec<u8>,
    /// How many keys were found in and below it.
    pub keys: u64,
    /// How many buckets were found in and below it.
    pub buckets: u64,
}

/// The nodes of a file that nothing sound refers to.
pub(super) struct Orphans<'s> {
    source: &'s Source,
    /// Pages that need no second look.
    known: PageSet,
    damage: &'s [Damage],
    /// The commit of the state that was read: what is of a later one is of one that was lost. `None` where there was no state.
    state: Option<u64>,
    buckets_are_lost: bool,
}

struct Candidate {
    run: PageRef,
    level: u8,
    commit: u64,
}

/// What nodes refer to: the first page, and the checksum.
type References = HashSet<(u64, u64)>;

impl<'s> Orphans<'s> {
    pub(super) fn new(
        source: &'s Source,
        sound: PageSet,
        damage: &'s [Damage],
        state: Option<u64>,
    ) -> Self {
        Self {
            source,
            known: sound,
            damage,
            state,
            buckets_are_lost: damage.iter().any(|damage| damage.buckets_lost > 0),
        }
    }

    /// Writes each into a bucket of its own in `bucket`, with what can be found below it: first those that no other refers to, of these the highest, of
    /// these the newest. So a tree stays whole as far as it is.
    pub(super) fn salvage(
        mut self,
        salvage: &mut Salvage<'_>,
        bucket: &[u8],
    ) -> Result<Vec<Unverified>, Error> {
        let mut found = Vec::new();
        salvage.put_below(bucket);
        for page in self.damage.iter().flat_map(|damage| &damage.pages) {
            found.extend(self.value(page, salvage));
        }
        let (mut candidates, references) = self.candidates();
        candidates.sort_by_key(|candidate| {
            let Candidate { run, level, commit } = candidate;
            let is_below = references.contains(&(run.page, run.checksum));
            (is_below, Reverse((*level, *commit)), run.page)
        });
        for candidate in candidates {
            found.extend(self.node(&candidate, salvage)?);
        }
        salvage.finish()?;
        Ok(found)
    }

    fn candidates(&self) -> (Vec<Candidate>, References) {
        let mut candidates = Vec::new();
        let mut references = References::new();
        let unknown = self.known.runs(first_page(self.source.page_size), false);
        for page in unknown.flat_map(|run| run.start..run.start + run.pages) {
            candidates.extend(self.candidate(page, &mut references));
        }
        (candidates, references)
    }

    /// The node that begins at this page, if one does.
    fn candidate(&self, page: u64, references: &mut References) -> Option<Candidate> {
        let page_size = self.source.page_size as usize;
        let at = page * u64::from(self.source.page_size);
        let mut bytes = vec![0; page_size];
        self.source.storage.read_at(at, &mut bytes).ok()?;
        let pages = node_pages(&bytes, self.source.pages - page)?;
        if pages > 1 {
            bytes.resize(pages * page_size, 0);
            self.source.storage.read_at(at, &mut bytes).ok()?;
        }
        validate(&bytes).ok()?;
        let header = NodeHeader::decode(&bytes).ok()?;
        let run = PageRef {
            page,
            pages: u32::try_from(pages).ok()?,
            checksum: checksum::of(&bytes),
        };
        for i in 0..header.count {
            let below = if header.level > 0 {
                branch_entry(&bytes, i).map(|(_, child)| child)
            } else {
                match leaf_entry(&bytes, i) {
                    Some((_, StoredValue::Bucket(record))) => record.root,
                    _ => None,
                }
            };
            references.extend(below.map(|below| (below.page, below.checksum)));
        }
        Some(Candidate {
            run,
            level: header.level,
            commit: header.commit,
        })
    }

    fn node(
        &mut self,
        candidate: &Candidate,
        salvage: &mut Salvage<'_>,
    ) -> Result<Option<Unverified>, Error> {
        let run = candidate.run;
        if self.known.contains(run.page) || !self.is_wanted(candidate) {
            return Ok(None);
        }
        let (keys, buckets) = (salvage.keys, salvage.buckets);
        let name = name(run.page);
        let mut observe =
            |paths: &Paths, place: Place, met: Met<'_>| salvage.take(paths, place, met);
        let mut walk = Walk::deep(self.source, u64::MAX, self.source.pages)
            .skipping(&self.known)
            .told_to(&mut observe);
        // It collects its errors, and they mean nothing: what was below an old branch may well be overwritten.
        let _ = walk.orphan(&name, run);
        let seen = walk.into_seen();
        self.known.merge(&seen);
        salvage.finish()?;
        let (keys, buckets) = (salvage.keys - keys, salvage.buckets - buckets);
        Ok((keys + buckets > 0).then(|| Unverified {
            page: run.page,
            pages: run.pages.into(),
            kind: PageKind::of_node(Some(candidate.level)),
            commit: Some(candidate.commit),
            bucket: name,
            keys,
            buckets,
        }))
    }

    /// Whether keys that are lost can be in it.
    fn is_wanted(&self, candidate: &Candidate) -> bool {
        let is_later = self.state.is_none_or(|state| candidate.commit > state);
        if is_later || self.buckets_are_lost {
            return true;
        }
        let Ok(node) = self.source.node(candidate.run, None) else {
            return false;
        };
        let (low, high) = match (node.level(), node.key(0), node.key(node.count() - 1)) {
            (0, Ok(low), Ok(high)) => (Some(low), Some(high)),
            // Below a branch there are keys before its first one and behind its last one.
            _ => (None, None),
        };
        let mut pages = self.damage.iter().flat_map(|damage| &damage.pages);
        pages.any(|page| page.kind != PageKind::Value && meets(page, low, high))
    }

    /// A value whose checksum is wrong, as it is.
    fn value(&self, page: &DamagedPage, salvage: &mut Salvage<'_>) -> Option<Unverified> {
        let Bound::Included(key) = &page.keys.0 else {
            return None;
        };
        let len = usize::try_from(page.value_len?).ok()?;
        let end = len.checked_add(VALUE_HEADER)?;
        let run = usize::try_from(page.pages).ok()?;
        if end > run.checked_mul(self.source.page_size as usize)?
            || page.page.checked_add(page.pages)? > self.source.pages
        {
            return None;
        }
        let mut bytes = vec![0; end];
        let read = self.source.storage.read_at(page.offset, &mut bytes);
        read.ok().filter(|()| bytes.first() == Some(&KIND_VALUE))?;
        let name = name(page.page);
        salvage.put(&name, key, &bytes[VALUE_HEADER..]);
        Some(Unverified {
            page: page.page,
            pages: page.pages,
            kind: PageKind::Value,
            commit: None,
            bucket: name,
            keys: 1,
            buckets: 0,
        })
    }
}

/// Whether keys from `low` to `high` can be below a page.
fn meets(page: &DamagedPage, low: Option<&[u8]>, high: Option<&[u8]>) -> bool {
    let above = match (&page.keys.0, high) {
        (Bound::Included(from), Some(high)) => from.as_slice() <= high,
        _ => true,
    };
    let below = match (&page.keys.1, low) {
        (Bound::Excluded(to), Some(low)) => low < to.as_slice(),
        _ => true,
    };
    above && below
}

fn name(page: u64) -> Vec<u8> {
    format!("page {page}").into_bytes()
}
