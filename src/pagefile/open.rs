//! Opening: which meta holds.

use super::{
    Error, PageFile, Storage,
    checksum::{self, Chain},
    log::replay,
    meta::{FORMAT, HEAD_LEN, Meta, SLOT_DISTANCE, SLOT_LEN, Slot, first_page},
    shared::{Medium, Shared, Snapshot},
    storage::PIECE,
    writer::Writer,
};

/// What is read at once, in bytes, when the runs of a commit are verified.
const READ: u64 = 1 << 20;

/// Makes an empty page file on empty storage, of `size` bytes if that is more than it needs.
pub(super) fn initialise(storage: &dyn Storage, page_size: u32, size: u64) -> Result<(), Error> {
    let meta = Meta::empty(page_size);
    let head = head(&meta);
    storage.write_at(0, &head).map_err(Error::io("write"))?;
    let mut at = head.len() as u64;
    let end = size - size % u64::from(page_size);
    let zeros = vec![0; PIECE];
    while at < end {
        let len = (end - at).min((PIECE as u64) - at % PIECE as u64);
        let piece = &zeros[..usize::try_from(len).unwrap_or_default()];
        storage.write_at(at, piece).map_err(Error::io("write"))?;
        at += len;
    }
    storage.sync().map_err(Error::io("sync"))
}

/// The bytes before the first page for data, with the meta in both slots.
pub(super) fn head(meta: &Meta) -> Vec<u8> {
    let len = first_page(meta.page_size) * u64::from(meta.page_size);
    let mut head = vec![0; usize::try_from(len).unwrap_or_default()];
    for slot in 0..2 {
        let at = slot * usize::try_from(SLOT_DISTANCE).unwrap_or_default();
        head[at..at + SLOT_LEN].copy_from_slice(&meta.encode());
    }
    head
}

/// Opens what is on the medium. Only reads.
pub(super) fn open(mut medium: Medium) -> Result<PageFile, Error> {
    let len = medium.storage.len().map_err(Error::io("measure"))?;
    let slots = read_slots(&*medium.storage, len)?;
    let found = choose(&*medium.storage, slots, len)?;
    medium.page_size = found.newest.page_size;
    let file_pages = len / u64::from(medium.page_size);
    let source = medium.source(file_pages, None)?;
    let snapshot = Snapshot::new(&found.newest, source);
    let writer = Writer::new(file_pages, found);
    let log_size = medium.log_size;
    let shared = Shared::new(medium, snapshot, writer);
    replay(&shared, log_size)?;
    Ok(PageFile::new(shared))
}

/// The metas of both slots; `None` for one that cannot be used.
fn read_slots(storage: &dyn Storage, len: u64) -> Result<[Option<Meta>; 2], Error> {
    let mut metas = [None, None];
    let mut newer = None;
    let mut damaged = None;
    for (slot, meta) in metas.iter_mut().enumerate() {
        let offset = slot as u64 * SLOT_DISTANCE;
        let present = len.saturating_sub(offset).min(SLOT_LEN as u64);
        if present == 0 {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(present).unwrap_or_default()];
        storage
            .read_at(offset, &mut bytes)
            .map_err(Error::io("read"))?;
        match Meta::decode(&bytes) {
            Slot::Whole(whole) => *meta = Some(whole),
            Slot::Newer(version) => newer = Some(version),
            Slot::Damaged(reason) => damaged = Some(Error::DamagedMeta { offset, reason }),
            Slot::Foreign => {}
        }
    }
    if let Some(found) = newer {
        // Also where the other slot could be read: what a later version wrote must not be rolled back.
        let supported = FORMAT;
        return Err(Error::NewerFormat { found, supported });
    }
    if metas.iter().any(Option::is_some) {
        return Ok(metas);
    }
    if len < HEAD_LEN && (len == 0 || damaged.is_some()) {
        let expected = HEAD_LEN;
        return Err(Error::Truncated { len, expected });
    }
    Err(damaged.unwrap_or(Error::NotAPageFile))
}

/// What opening has found out.
pub(super) struct Found {
    pub(super) newest: Meta,
    /// Its slot: 0 or 1.
    pub(super) slot: u64,
    /// The other slot's meta, where it is older and leads to a state too.
    pub(super) older: Option<Meta>,
    /// How many pages the other slot's meta says there are; 0 where it holds none that could be chosen.
    pub(super) other_pages: u64,
    /// The highest commit number in any slot.
    pub(super) highest: u64,
    /// Whether both slots hold the newest state, and hold it as complete.
    pub(super) sealed: bool,
}

/// The newest meta whose commit is wholly there.
fn choose(storage: &dyn Storage, slots: [Option<Meta>; 2], len: u64) -> Result<Found, Error> {
    let highest = slots.iter().flatten().map(|meta| meta.commit).max();
    let mut candidates: Vec<(u64, Meta)> = (0..)
        .zip(slots)
        .filter_map(|(i, meta)| Some((i, meta?)))
        .collect();
    // Of two that hold the same commit, one that needs no verification.
    candidates.sort_by_key(|(_, meta)| (std::cmp::Reverse(meta.commit), meta.runs.len()));
    let mut candidates = candidates.into_iter();
    let mut refusal = Error::NotAPageFile;
    let mut is_first = true;
    while let Some((slot, newest)) = candidates.next() {
        match verify(storage, &newest, slot, len)? {
            Ok(()) => {
                let other = candidates.next().map(|(_, meta)| meta);
                let sealed = other
                    .as_ref()
                    .is_some_and(|other| other.commit == newest.commit && newest.runs.is_empty());
                let page_size = u64::from(newest.page_size);
                let is_older =
                    |other: &Meta| other.commit < newest.commit && other.pages <= len / page_size;
                return Ok(Found {
                    other_pages: other.as_ref().map_or(0, |other| other.pages),
                    older: other.filter(is_older),
                    highest: highest.unwrap_or(newest.commit),
                    newest,
                    slot,
                    sealed,
                });
            }
            Err(error) if is_first => refusal = error,
            Err(_) => {}
        }
        is_first = false;
    }
    Err(refusal)
}

/// Whether what the meta's commit wrote is there. The outer error is one of reading.
pub(super) fn verify(
    storage: &dyn Storage,
    meta: &Meta,
    slot: u64,
    len: u64,
) -> Result<Result<(), Error>, Error> {
    let page_size = u64::from(meta.page_size);
    let expected = meta.pages * page_size;
    if len < expected {
        return Ok(Err(Error::Truncated { len, expected }));
    }
    let mut chain = Chain::default();
    let mut buffer = Vec::new();
    for run in &meta.runs {
        let mut at = run.start * page_size;
        let end = at + run.pages * page_size;
        while at < end {
            let piece = READ.min(end - at);
            buffer.resize(usize::try_from(piece).unwrap_or_default(), 0);
            storage
                .read_at(at, &mut buffer)
                .map_err(Error::io("read"))?;
            for page in buffer.chunks(meta.page_size as usize) {
                chain.add(checksum::of(page));
            }
            at += piece;
        }
    }
    if !meta.runs.is_empty() && chain.sum() != meta.runs_sum {
        return Ok(Err(Error::DamagedMeta {
            offset: slot * SLOT_DISTANCE,
            reason: "what its commit wrote is not all there, and the other slot is of no use",
        }));
    }
    Ok(Ok(()))
}
