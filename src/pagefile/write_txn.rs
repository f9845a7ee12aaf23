//! The write transaction.

use std::{collections::BTreeMap, mem, sync::Arc};

use super::{
    Bucket, BucketMut, Buckets, Error, MAX_NAME_LEN,
    bucket::find_bucket,
    commit::commit,
    meta::{Directory, Run},
    page::BucketRecord,
    shared::{Shared, Snapshot, Turn},
    tree::{Child, Edit, NewValue, Root},
    unsynced::make_durable,
};

/// A bucket that the transaction may have changed. Its record in the tree of buckets is brought up to date at commit.
pub(super) struct OpenBucket {
    pub(super) root: Option<Child>,
    pub(super) rows: u64,
    pub(super) sequence: u64,
    pub(super) is_changed: bool,
}

impl OpenBucket {
    fn new(record: BucketRecord) -> Self {
        Self {
            root: record.root.map(Child::Stored),
            rows: record.rows,
            sequence: record.sequence,
            is_changed: false,
        }
    }
}

/// The one transaction that may change the file. It reads its own changes; nobody else sees them before [`commit`](Self::commit). Dropping it
/// aborts. An operation that fails leaves the transaction as it was.
///
/// Changes are kept in memory until the commit: about the pages that they touch.
///
/// ```
/// use sapwood::pagefile::PageFile;
///
/// let file = PageFile::in_memory()?;
/// let mut tx = file.begin_write()?;
/// tx.create_bucket("pods")?.put("web-1", "running")?;
/// tx.commit()?;
/// let mut tx = file.begin_write()?;
/// tx.delete_bucket("pods")?;
/// drop(tx); // aborts
/// assert!(file.begin_read().bucket("pods")?.is_some());
/// # Ok::<(), sapwood::pagefile::Error>(())
/// ```
pub struct WriteTxn {
    pub(super) shared: Arc<Shared>,
    /// The state that the transaction began with.
    pub(super) base: Arc<Snapshot>,
    turn: Arc<Turn>,
    /// The tree of buckets.
    pub(super) root: Option<Child>,
    pub(super) buckets: u64,
    pub(super) open: BTreeMap<Vec<u8>, OpenBucket>,
    /// Pages of the base that this transaction has replaced.
    pub(super) freed: Vec<Run>,
    pub(super) is_changed: bool,
}

impl WriteTxn {
    pub(super) fn begin(shared: Arc<Shared>) -> Result<Self, Error> {
        let turn = Arc::new(shared.turn());
        shared.refuse_poisoned()?;
        let base = shared.snapshot();
        turn.writer().find_free(&shared, &base)?;
        let root = match &base.directory {
            Directory::Empty => None,
            Directory::Stored(root) => Some(Child::Stored(*root)),
            Directory::Inline(leaf) => Some(Child::inline(leaf, &base.source)?),
        };
        Ok(Self {
            root,
            buckets: base.buckets,
            shared,
            base,
            turn,
            open: BTreeMap::new(),
            freed: Vec::new(),
            is_changed: false,
        })
    }

    /// The bucket of this name, to read; `None` where there is none. O(log buckets).
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'_>>, Error> {
        let name = name.as_ref();
        let source = &self.base.source;
        if let Some(open) = self.open.get(name) {
            let root = Root::of(open.root.as_ref());
            return Ok(Some(Bucket::new(source, root, open.rows, open.sequence)));
        }
        let record = find_bucket(source, Root::of(self.root.as_ref()), name)?;
        Ok(record.map(|record| Bucket::stored(source, record)))
    }

    /// The bucket of this name, to change; `None` where there is none. O(log buckets).
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_mut(&mut self, name: impl AsRef<[u8]>) -> Result<Option<BucketMut<'_>>, Error> {
        let name = name.as_ref();
        if !self.open.contains_key(name) {
            let root = Root::of(self.root.as_ref());
            match find_bucket(&self.base.source, root, name)? {
                None => return Ok(None),
                Some(record) => self.open.insert(name.to_vec(), OpenBucket::new(record)),
            };
        }
        let Some(bucket) = self.open.get_mut(name) else {
            return Ok(None);
        };
        Ok(Some(BucketMut::new(
            &self.base.source,
            &mut self.freed,
            bucket,
            &mut self.is_changed,
        )))
    }

    /// Makes an empty bucket. O(log buckets).
    ///
    /// # Errors
    /// [`Error::BucketExists`]; [`Error::NameTooLong`] past [`MAX_NAME_LEN`]; [`Error::Corrupted`], [`Error::Io`].
    pub fn create_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>, Error> {
        let name = name.as_ref();
        if name.len() > MAX_NAME_LEN {
            return Err(Error::NameTooLong {
                len: name.len(),
                max: MAX_NAME_LEN,
            });
        }
        if self.bucket(name)?.is_some() {
            let name = name.to_vec();
            return Err(Error::BucketExists { name });
        }
        let record = BucketRecord::default();
        let mut edit = Edit {
            source: &self.base.source,
            freed: &mut self.freed,
        };
        edit.put(&mut self.root, name, NewValue::Bucket(record))?;
        self.buckets += 1;
        self.is_changed = true;
        let bucket = self
            .open
            .entry(name.to_vec())
            .or_insert(OpenBucket::new(record));
        Ok(BucketMut::new(
            &self.base.source,
            &mut self.freed,
            bucket,
            &mut self.is_changed,
        ))
    }

    /// The bucket of this name, to change; made where there is none. O(log buckets).
    ///
    /// # Errors
    /// [`Error::NameTooLong`] past [`MAX_NAME_LEN`]; [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_or_create(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>, Error> {
        let name = name.as_ref();
        if self.bucket(name)?.is_none() {
            return self.create_bucket(name);
        }
        match self.bucket_mut(name)? {
            Some(bucket) => Ok(bucket),
            None => Err(Error::BucketExists {
                name: name.to_vec(),
            }),
        }
    }

    /// Deletes the bucket of this name with all that is in it, and tells whether there was one. O(pages of the bucket).
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn delete_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<bool, Error> {
        let name = name.as_ref();
        if self.bucket_mut(name)?.is_none() {
            return Ok(false);
        }
        let before = self.freed.len();
        let mut edit = Edit {
            source: &self.base.source,
            freed: &mut self.freed,
        };
        let root = self.open.get(name).and_then(|open| open.root.as_ref());
        edit.free_tree(root)?;
        let bucket_pages = edit.freed.len();
        if let Err(error) = edit.delete(&mut self.root, name) {
            // Pages of the tree of buckets that the attempt has replaced stay freed; those of the bucket do not.
            self.freed.drain(before..bucket_pages);
            return Err(error);
        }
        self.open.remove(name);
        self.buckets -= 1;
        self.is_changed = true;
        Ok(true)
    }

    /// How many buckets there are. O(1).
    pub fn bucket_count(&self) -> u64 {
        self.buckets
    }

    /// The names of all buckets, in byte order.
    pub fn buckets(&self) -> Buckets<'_> {
        Buckets::new(&self.base.source, Root::of(self.root.as_ref()))
    }

    /// Makes the changes durable, all of them, and then visible to new read transactions; with them commits before that were not
    /// [synced](Self::commit_unsynced). Gives the number of the commit; where nothing was changed, it is the number of the commit before. O(changed pages · fan-out).
    ///
    /// # Errors
    /// [`Error::StorageFull`]: nothing was committed, and the next transaction may try again. [`Error::Io`]: the commit is not visible, but
    /// could be there when the file is opened again, wholly; writes are refused until then ([`Error::Poisoned`]). [`Error::Corrupted`]: nothing was
    /// committed.
    pub fn commit(self) -> Result<u64, Error> {
        self.finish(true)
    }

    pub(super) fn finish(mut self, durable: bool) -> Result<u64, Error> {
        let turn = Arc::clone(&self.turn);
        if self.is_changed {
            return commit(&mut self, &mut turn.writer(), durable);
        }
        if durable {
            make_durable(&self.shared, &mut turn.writer())?;
        }
        Ok(self.base.commit)
    }

    /// The trees of the buckets that may have been changed.
    pub(super) fn changed_trees(&self) -> impl Iterator<Item = &Child> {
        let changed = self.open.values().filter(|bucket| bucket.is_changed);
        changed.filter_map(|bucket| bucket.root.as_ref())
    }

    pub(super) fn take_freed(&mut self) -> Vec<Run> {
        mem::take(&mut self.freed)
    }
}

impl std::fmt::Debug for WriteTxn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteTxn")
            .field("base", &self.base.commit)
            .field("is_changed", &self.is_changed)
            .finish_non_exhaustive()
    }
}
