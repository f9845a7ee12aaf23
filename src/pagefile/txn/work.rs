//! What a write transaction has done so far: the one place where buckets are changed.

use super::super::{
    Bucket, Error, MAX_KEY_LEN, MAX_NAME_LEN,
    log::{Mark, Recorded},
    meta::{Directory, Run},
    page::BucketRecord,
    shared::Snapshot,
    source::Source,
    tree::{Child, Edit, Found, Freed, Kind, NewValue, Place, Root, find, find_kind},
};
use super::opened::{OpenBucket, Opened, TOP};

/// The changes of a write transaction. A bucket is named by its place among the open ones. A clone shares the trees.
#[derive(Clone)]
pub(in crate::pagefile) struct Work {
    pub(in crate::pagefile) opened: Opened,
    /// Pages of the state before that were replaced. It only grows, but for going back.
    pub(in crate::pagefile) freed: Vec<Run>,
    pub(in crate::pagefile) is_changed: bool,
    /// What was done, for the log.
    pub(in crate::pagefile) recorded: Recorded,
}

/// A state of the work to go back to. O(open buckets); what they hold is shared.
pub(in crate::pagefile) struct Saved {
    opened: Opened,
    freed: usize,
    is_changed: bool,
    recorded: Mark,
}

impl Work {
    /// Begins to change a state. Up to `recorded` bytes of what is done are noted for the log.
    pub(in crate::pagefile) fn begin(base: &Snapshot, recorded: usize) -> Result<Self, Error> {
        let opened = if let Some(logged) = &base.logged {
            logged.opened.clone()
        } else {
            let root = match &base.directory {
                Directory::Empty => None,
                Directory::Stored(root) => Some(Child::Stored(*root)),
                Directory::Inline(leaf) => Some(Child::inline(leaf, &base.source)?),
            };
            Opened::new(OpenBucket::top(root, base.buckets))
        };
        Ok(Self {
            opened,
            freed: Vec::new(),
            is_changed: false,
            recorded: Recorded::new(recorded),
        })
    }

    pub(in crate::pagefile) fn save(&self) -> Saved {
        Saved {
            opened: self.opened.clone(),
            freed: self.freed.len(),
            is_changed: self.is_changed,
            recorded: self.recorded.mark(),
        }
    }

    pub(in crate::pagefile) fn restore(&mut self, saved: &Saved) {
        self.opened = saved.opened.clone();
        self.freed.truncate(saved.freed);
        self.is_changed = saved.is_changed;
        self.recorded.restore(saved.recorded);
    }

    /// The bucket at `at`, to read.
    pub(in crate::pagefile) fn bucket<'t>(&'t self, source: &'t Source, at: usize) -> Bucket<'t> {
        Bucket::open(source, &self.opened, at)
    }

    /// Runs an edit of the tree of the bucket at `at`. The bucket counts as changed however the edit ends: even one that fails can have
    /// brought pages into memory, which are free from then on, so the tree must be stored.
    fn edit<R>(
        &mut self,
        source: &Source,
        at: usize,
        edit: impl FnOnce(&mut Edit<'_>, &mut OpenBucket) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let bucket = self.opened.get_mut(at);
        bucket.is_changed = true;
        let mut tree = Edit {
            source,
            freed: &mut self.freed,
            fill: source.page_size as usize * usize::from(bucket.fill) / 100,
        };
        edit(&mut tree, bucket)
    }

    pub(in crate::pagefile) fn put(
        &mut self,
        source: &Source,
        at: usize,
        key: &[u8],
        value: &[u8],
    ) -> Result<bool, Error> {
        if key.len() > MAX_KEY_LEN {
            return Err(Error::KeyTooLong {
                len: key.len(),
                max: MAX_KEY_LEN,
            });
        }
        let replaced = self.edit(source, at, |edit, bucket| {
            let replaced = edit.put(&mut bucket.root, key, NewValue::Bytes(value))?;
            bucket.rows += u64::from(!replaced);
            Ok(replaced)
        })?;
        self.is_changed = true;
        self.recorded.put(&self.opened, at, key, value);
        Ok(replaced)
    }

    pub(in crate::pagefile) fn delete(
        &mut self,
        source: &Source,
        at: usize,
        key: &[u8],
    ) -> Result<bool, Error> {
        let was_changed = self.opened.get(at).is_changed;
        let was_there = self.edit(source, at, |edit, bucket| {
            edit.delete(&mut bucket.root, key, Kind::Value)
        })?;
        let bucket = self.opened.get_mut(at);
        if was_there {
            bucket.rows = bucket.rows.saturating_sub(1);
            self.is_changed = true;
            self.recorded.delete(&self.opened, at, key);
        } else {
            bucket.is_changed = was_changed;
        }
        Ok(was_there)
    }

    pub(in crate::pagefile) fn set_sequence(&mut self, at: usize, sequence: u64) {
        let bucket = self.opened.get_mut(at);
        bucket.sequence = sequence;
        bucket.is_changed = true;
        self.is_changed = true;
        self.recorded.sequence(&self.opened, at, sequence);
    }

    /// Opens the bucket `name` that lies in the one at `at`; `None` where no bucket has this name.
    pub(in crate::pagefile) fn open(
        &mut self,
        source: &Source,
        at: usize,
        name: &[u8],
    ) -> Result<Option<usize>, Error> {
        if let Some(place) = self.opened.below(at, name) {
            return Ok(Some(place));
        }
        let root = Root::of(self.opened.get(at).root.as_ref());
        match find(source, root, name)? {
            Some(Found::Bucket(record)) => Ok(Some(self.opened.open(at, name, record))),
            Some(Found::Value(_)) | None => Ok(None),
        }
    }

    /// Opens the bucket that a path leads to from the one at `at`.
    pub(in crate::pagefile) fn open_path(
        &mut self,
        source: &Source,
        mut at: usize,
        path: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Option<usize>, Error> {
        for name in path {
            match self.open(source, at, name.as_ref())? {
                Some(place) => at = place,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Makes an empty bucket in the one at `at`.
    pub(in crate::pagefile) fn create(
        &mut self,
        source: &Source,
        at: usize,
        name: &[u8],
    ) -> Result<usize, Error> {
        self.refuse_name(source, at, name)?;
        let record = BucketRecord::default();
        self.recorded.give_up();
        self.put_record(source, at, name, record)?;
        self.is_changed = true;
        Ok(self.opened.open(at, name, record))
    }

    pub(in crate::pagefile) fn open_or_create(
        &mut self,
        source: &Source,
        at: usize,
        name: &[u8],
    ) -> Result<usize, Error> {
        match self.open(source, at, name)? {
            Some(place) => Ok(place),
            None => self.create(source, at, name),
        }
    }

    /// Deletes the bucket `name` in the one at `at`, with all that is in it.
    pub(in crate::pagefile) fn delete_bucket(
        &mut self,
        source: &Source,
        at: usize,
        name: &[u8],
    ) -> Result<bool, Error> {
        match self.kind(source, at, name)? {
            None => return Ok(false),
            Some(Kind::Value) => return Err(not_a_bucket(name)),
            Some(Kind::Bucket) => {}
        }
        let runs = self.pages_of(source, at, name)?;
        self.recorded.give_up();
        self.take_record(source, at, name)?;
        self.opened.forget(at, name);
        self.freed.extend(runs);
        self.is_changed = true;
        Ok(true)
    }

    /// Brings into memory what lies at a place in the tree of the bucket at `at`, so that the commit writes it anew; and tells whether it was still there.
    pub(in crate::pagefile) fn relocate(
        &mut self,
        source: &Source,
        at: usize,
        place: &Place,
    ) -> Result<bool, Error> {
        let was_changed = self.opened.get(at).is_changed;
        self.recorded.give_up();
        let was_there = self.edit(source, at, |edit, bucket| {
            edit.relocate(&mut bucket.root, place)
        })?;
        self.opened.get_mut(at).is_changed = was_changed || was_there;
        self.is_changed |= was_there;
        Ok(was_there)
    }

    /// Moves the bucket `name` in the one at `at` to the name `to_name` in the one at `to`, with all that is in it and was done to it. `to`
    /// must not lie in it.
    pub(in crate::pagefile) fn move_bucket(
        &mut self,
        source: &Source,
        (at, name): (usize, &[u8]),
        (to, to_name): (usize, &[u8]),
    ) -> Result<(), Error> {
        let root = Root::of(self.opened.get(at).root.as_ref());
        let record = match find(source, root, name)? {
            None => return Err(no_such_bucket(name)),
            Some(Found::Value(_)) => return Err(not_a_bucket(name)),
            Some(Found::Bucket(record)) => record,
        };
        self.refuse_name(source, to, to_name)?;
        self.recorded.give_up();
        // Should the second edit fail, the first is undone: the bucket shall not be in both.
        let before = (self.opened.get(at).clone(), self.opened.get(to).clone());
        let freed = self.freed.len();
        let mut moved = self.put_record(source, to, to_name, record);
        if moved.is_ok() {
            moved = self.take_record(source, at, name);
        }
        if moved.is_err() {
            *self.opened.get_mut(at) = before.0;
            *self.opened.get_mut(to) = before.1;
            self.freed.truncate(freed);
            return moved;
        }
        if let Some(place) = self.opened.detach(at, name) {
            self.opened.attach(to, to_name, place);
        }
        self.is_changed = true;
        Ok(())
    }

    /// What lies under `name` in the bucket at `at`.
    fn kind(&self, source: &Source, at: usize, name: &[u8]) -> Result<Option<Kind>, Error> {
        find_kind(source, Root::of(self.opened.get(at).root.as_ref()), name)
    }

    /// Refuses a name that no new bucket in the one at `at` can have.
    fn refuse_name(&self, source: &Source, at: usize, name: &[u8]) -> Result<(), Error> {
        if name.len() > MAX_NAME_LEN {
            return Err(Error::NameTooLong {
                len: name.len(),
                max: MAX_NAME_LEN,
            });
        }
        match self.kind(source, at, name)? {
            None => Ok(()),
            Some(Kind::Value) => Err(not_a_bucket(name)),
            Some(Kind::Bucket) => {
                let name = name.to_vec();
                Err(Error::BucketExists { name })
            }
        }
    }

    fn put_record(
        &mut self,
        source: &Source,
        at: usize,
        name: &[u8],
        record: BucketRecord,
    ) -> Result<(), Error> {
        self.edit(source, at, |edit, bucket| {
            edit.put(&mut bucket.root, name, NewValue::Bucket(record))?;
            bucket.buckets += 1;
            Ok(())
        })
    }

    fn take_record(&mut self, source: &Source, at: usize, name: &[u8]) -> Result<(), Error> {
        self.edit(source, at, |edit, bucket| {
            edit.delete(&mut bucket.root, name, Kind::Bucket)?;
            bucket.buckets = bucket.buckets.saturating_sub(1);
            Ok(())
        })
    }

    /// The stored pages of the bucket `name` in the one at `at` and of all below it. O(pages).
    fn pages_of(&mut self, source: &Source, at: usize, name: &[u8]) -> Result<Vec<Run>, Error> {
        let open = self.open(source, at, name)?.into_iter().collect();
        self.pages_from(source, open)
    }

    /// All stored pages that are reached. O(pages).
    pub(in crate::pagefile) fn pages(&self, source: &Source) -> Result<Vec<Run>, Error> {
        self.pages_from(source, vec![TOP])
    }

    /// The stored pages of open buckets and of all below them.
    fn pages_from(&self, source: &Source, mut open: Vec<usize>) -> Result<Vec<Run>, Error> {
        let mut pages = Freed::new(source);
        let mut stored: Vec<BucketRecord> = Vec::new();
        while let Some(at) = open.pop() {
            pages.add(self.opened.get(at).root.as_ref())?;
            for (name, record) in pages.buckets.drain(..) {
                match self.opened.below(at, &name) {
                    Some(place) => open.push(place),
                    None => stored.push(record),
                }
            }
        }
        while let Some(record) = stored.pop() {
            pages.add(OpenBucket::new(record).root.as_ref())?;
            stored.extend(pages.buckets.drain(..).map(|(_, record)| record));
        }
        Ok(pages.runs)
    }
}

pub(in crate::pagefile) fn no_such_bucket(name: &[u8]) -> Error {
    let name = name.to_vec();
    Error::NoSuchBucket { name }
}

fn not_a_bucket(name: &[u8]) -> Error {
    let name = name.to_vec();
    Error::NotABucket { name }
}
