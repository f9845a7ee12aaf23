//! Recovery: what can be read of a damaged file, in a new one, and a report of what is lost.

use std::{io, path::Path, sync::Arc, time::Duration};

use super::{
    super::{
        Error, FileStorage, Options, PageFile, Storage,
        create::create,
        lock::{Opened, open_locked},
        log::{Salvaged, salvage as salvage_log},
        meta::is_page_size,
        source::Source,
        walk::{Met, Walk},
    },
    Damage, Paths, Place, Slot,
    chosen::Chosen,
    orphans::{Orphans, Unverified},
    salvage::Salvage,
};

/// How to get out of a damaged page file what can be got.
///
/// What is recovered is verified: it lies in pages whose checksums are right, up to a meta whose checksum is right. The newest state is taken whose meta
/// can be used, also where pages of it are missing.
///
/// ```
/// use sapwood::pagefile::{PageFile, RecoverOptions};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("state.sap");
/// let file = PageFile::open(&path)?;
/// file.update(|tx| tx.create_bucket("pods")?.put("a", "1"))?;
/// file.close()?;
/// // A bit flips.
/// let mut bytes = std::fs::read(&path)?;
/// bytes[2 * 4096 + 100] ^= 1;
/// std::fs::write(&path, bytes)?;
///
/// let found = RecoverOptions::new().recover(&path, dir.path().join("new.sap"))?;
/// assert_eq!((found.keys, found.buckets), (0, 1));
/// let damage = &found.damage[0];
/// assert_eq!((damage.bucket.as_slice(), damage.keys_lost), (&[b"pods".to_vec()][..], 1));
/// assert_eq!(damage.pages[0].page, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RecoverOptions {
    unverified: bool,
    page_size: Option<u32>,
    lock_timeout: Duration,
}

/// What was recovered, and what not.
#[derive(Debug)]
#[non_exhaustive]
pub struct Recovery {
    /// The meta slots of the damaged file.
    pub slots: [Slot; 2],
    /// The commit whose state was read; none where no slot tells of one.
    pub commit: Option<u64>,
    /// How many commits behind it, of the file's log, are in the new file.
    pub logged_commits: u64,
    /// Whether the slot that tells of it has a right checksum.
    pub is_verified: bool,
    /// Keys in the new file, without those of [`unverified`](Self::unverified).
    pub keys: u64,
    /// Buckets in the new file, at all depths, without those of [`unverified`](Self::unverified).
    pub buckets: u64,
    /// What is lost, by buckets.
    pub damage: Vec<Damage>,
    /// What is wrong with the file, up to a thousand things; also what takes no key with it.
    pub problems: Vec<Error>,
    /// The bucket of the new file in which the unverified things are, a bucket for each.
    pub unverified_bucket: Option<Vec<u8>>,
    /// What was found that nothing vouches for.
    pub unverified: Vec<Unverified>,
    /// How many bytes the damaged file keeps for a database's [journal](crate::pagefile::PageFile::journal_bytes), as the state says that was read. What lies there is not in the new file:
    /// [`salvage_journal`](crate::salvage_journal) takes it.
    pub journal_bytes: u64,
    /// The length of the new file, in bytes.
    pub file_bytes: u64,
}

impl RecoverOptions {
    /// Verified things only, and no waiting for the lock.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to take, too, what nothing vouches for but that it makes sense. Off by default.
    ///
    /// - Where no slot is whole, the state that a damaged one tells of; its pages are verified against the checksums that it gives.
    /// - Pages whose checksum is wrong, and nodes that nothing reaches, if they can be read as nodes and may have what is lost: those with keys in a range that was lost, those of
    ///   a later commit than the state that was read, and all of them where buckets were lost. Each comes into a bucket of its own, in one of the name `unverified`: it can be of an older state, or of another bucket.
    #[must_use]
    pub fn unverified(mut self, on: bool) -> Self {
        self.unverified = on;
        self
    }

    /// The page size to assume where no slot tells it: 4,096 by default.
    #[must_use]
    pub fn page_size(mut self, bytes: u32) -> Self {
        self.page_size = Some(bytes);
        self
    }

    /// How long to wait for somebody else to close the damaged file. Not at all by default.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Reads what can be read of the file at `from`, which is not written to, into a new file at `to`. That is there whole or not at all, and
    /// replaces nothing. O(file).
    ///
    /// # Errors
    /// [`Error::DamagedMeta`] and [`Error::NotAPageFile`] where no state can be found; [`Error::NewerFormat`]; [`Error::BadPageSize`];
    /// [`Error::Locked`]; [`Error::StorageFull`] and [`Error::Io`], the latter also where there is a file at `to`. No file was made.
    pub fn recover(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Recovery, Error> {
        self.recover_told(from, to, &mut |_, _| {})
    }

    /// As [`recover`](Self::recover), and tells on the way how many pages were read, and of how many at most.
    ///
    /// # Errors
    /// As [`recover`](Self::recover).
    pub fn recover_told(
        &self,
        from: impl AsRef<Path>,
        to: impl AsRef<Path>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Recovery, Error> {
        if let Some(size) = self.page_size.filter(|size| !is_page_size(*size)) {
            return Err(Error::BadPageSize { size });
        }
        let Opened::File(file) = open_locked(from.as_ref(), self.lock_timeout, true)? else {
            return Err(Error::io("open")(io::ErrorKind::NotFound.into()));
        };
        let storage: Arc<dyn Storage> = Arc::new(FileStorage::new(file));
        let chosen = Chosen::find(&*storage, self.unverified, self.page_size)?;
        let mut recovery = None;
        let made = create(to.as_ref(), |file| {
            let copy = file.file().try_clone().map_err(Error::io("create"))?;
            let out = Options::new()
                .page_size(chosen.page_size)
                .open_storage(Box::new(FileStorage::new(copy)))?;
            recovery = Some(copy_state(
                storage,
                chosen,
                &out,
                self.unverified,
                progress,
            )?);
            out.close()
        })?;
        match (made, recovery) {
            (Some(_), Some(recovery)) => Ok(recovery),
            _ => Err(Error::io("create")(io::ErrorKind::AlreadyExists.into())),
        }
    }
}

/// Copies what can be read to `out`, and what nothing vouches for too, if `unverified`.
fn copy_state(
    storage: Arc<dyn Storage>,
    chosen: Chosen,
    out: &PageFile,
    unverified: bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Recovery, Error> {
    let len = storage.len().map_err(Error::io("measure"))?;
    let file_pages = len / u64::from(chosen.page_size);
    let source = Source {
        storage,
        mapped: None,
        page_size: chosen.page_size,
        pages: file_pages,
    };
    let mut salvage = Salvage::new(out);
    let mut done = 0;
    let mut observe = |paths: &Paths, place: Place, met: Met<'_>| {
        done += met.pages();
        progress(done, file_pages);
        salvage.take(paths, place, met)
    };
    let commit = chosen.meta.as_ref().map(|meta| meta.commit);
    let mut walk = Walk::deep(&source, commit.unwrap_or(0), file_pages).told_to(&mut observe);
    if let Some(meta) = &chosen.meta {
        walk.state(&meta.directory, meta.buckets)?;
    }
    let (mut sound, found) = walk.into_parts();
    salvage.finish()?;
    let journal = chosen.meta.as_ref().map(|meta| &*meta.journal);
    let foreign = journal.filter(|journal| journal.is_foreign());
    let journal_pages: u64 = foreign.map_or(0, |journal| journal.runs().map(|run| run.pages).sum());
    let log = match journal.filter(|journal| journal.is_log) {
        Some(log) => {
            let storage = &*source.storage;
            salvage_log(storage, chosen.page_size, log, commit.unwrap_or(0), out)?
        }
        None => Salvaged::default(),
    };
    let mut recovery = Recovery {
        slots: chosen.slots,
        commit,
        journal_bytes: journal_pages * u64::from(chosen.page_size),
        is_verified: chosen.is_verified,
        logged_commits: log.commits,
        keys: (salvage.keys + log.keys.0).saturating_sub(log.keys.1),
        buckets: salvage.buckets + log.buckets,
        damage: found.damage,
        problems: found.problems.into_iter().chain(log.problem).collect(),
        unverified_bucket: None,
        unverified: Vec::new(),
        file_bytes: 0,
    };
    if unverified {
        let damaged = recovery.damage.iter().flat_map(|damage| &damage.pages);
        for page in damaged.flat_map(|page| page.page..page.page.saturating_add(page.pages)) {
            sound.remove(page);
        }
        let bucket = free_name(out)?;
        let orphans = Orphans::new(&source, sound, &recovery.damage, commit);
        recovery.unverified = orphans.salvage(&mut salvage, &bucket)?;
        recovery.unverified_bucket = (!recovery.unverified.is_empty()).then_some(bucket);
    }
    recovery.problems.append(&mut salvage.problems);
    recovery.file_bytes = out.stats().file_bytes;
    Ok(recovery)
}

/// A name for a bucket that there is not.
fn free_name(out: &PageFile) -> Result<Vec<u8>, Error> {
    let read = out.begin_read();
    let mut name = b"unverified".to_vec();
    while read.bucket(&name)?.is_some() {
        name.push(b'+');
    }
    Ok(name)
}
