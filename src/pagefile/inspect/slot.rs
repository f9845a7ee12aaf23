//! What the two meta slots hold.

use std::{io, path::Path, time::Duration};

use super::super::{
    Error, FileStorage, Storage,
    lock::{Opened, open_locked},
    meta::{FORMAT, Meta, SLOT_DISTANCE, SLOT_LEN, Slot as Read},
    open::verify,
};

/// One of the two meta slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slot {
    /// Where it begins, in bytes from the start of the file.
    pub offset: u64,
    /// What it holds.
    pub state: SlotState,
}

/// What a meta slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotState {
    /// A meta with the right checksum.
    Whole {
        /// The format number.
        format: u32,
        /// The size of a page, in bytes.
        page_size: u32,
        /// The number of the commit that made this state.
        commit: u64,
        /// Every page in use has a lower number.
        pages: u64,
        /// The number of buckets, without those that lie in others.
        buckets: u64,
        /// Whether what its commit wrote is all there. If not, the commit was lost in a crash, or what it wrote was damaged since; the other slot
        /// is used then.
        is_complete: bool,
    },
    /// A meta with the right checksum, in a format of later days.
    Newer {
        /// The format number.
        format: u32,
    },
    /// A meta that was torn or damaged: the next commit writes it anew.
    Damaged {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No meta of a page file.
    Foreign,
}

/// Reads the slots of the file at `path`, whatever else is in it. Takes a shared lock, for which it waits as long as `timeout` says.
///
/// ```
/// use std::time::Duration;
/// use sapwood::pagefile::{PageFile, SlotState, slots};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("state.sap");
/// PageFile::open(&path)?.close()?;
/// let [first, second] = slots(&path, Duration::ZERO)?;
/// assert_eq!((first.offset, second.offset), (0, 4096));
/// assert!(matches!(first.state, SlotState::Whole { commit: 0, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Io`], [`Error::Locked`].
pub fn slots(path: impl AsRef<Path>, timeout: Duration) -> Result<[Slot; 2], Error> {
    match open_locked(path.as_ref(), timeout, true)? {
        Opened::File(file) => read(&FileStorage::new(file)),
        Opened::Missing => Err(Error::io("open")(io::ErrorKind::NotFound.into())),
    }
}

/// The slots as they are told of. One that the medium cannot read is damaged.
pub(in super::super) fn read(storage: &dyn Storage) -> Result<[Slot; 2], Error> {
    let len = storage.len().map_err(Error::io("measure"))?;
    let mut slots = [0, SLOT_DISTANCE].map(|offset| Slot {
        offset,
        state: SlotState::Foreign,
    });
    for slot in &mut slots {
        let Ok(bytes) = bytes(storage, slot.offset, len) else {
            let reason = "it could not be read";
            slot.state = SlotState::Damaged { reason };
            continue;
        };
        slot.state = match Meta::decode(&bytes) {
            Read::Whole(meta) => SlotState::Whole {
                format: FORMAT,
                page_size: meta.page_size,
                commit: meta.commit,
                pages: meta.pages,
                buckets: meta.buckets,
                is_complete: verify(storage, &meta, slot.offset / SLOT_DISTANCE, len)
                    .is_ok_and(|whole| whole.is_ok()),
            },
            Read::Newer(format) => SlotState::Newer { format },
            Read::Damaged(reason) => SlotState::Damaged { reason },
            Read::Foreign => SlotState::Foreign,
        };
    }
    Ok(slots)
}

/// The bytes of the slot at `offset`, as far as the file of `len` bytes has them.
pub(super) fn bytes(storage: &dyn Storage, offset: u64, len: u64) -> Result<Vec<u8>, Error> {
    let present = len.saturating_sub(offset).min(SLOT_LEN as u64);
    let mut bytes = vec![0; usize::try_from(present).unwrap_or_default()];
    storage
        .read_at(offset, &mut bytes)
        .map_err(Error::io("read"))?;
    Ok(bytes)
}
