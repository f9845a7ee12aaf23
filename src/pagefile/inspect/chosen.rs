//! Which state of a damaged file is read.

use super::{
    super::{
        Error, Storage,
        meta::{Directory, FORMAT, HEAD_LEN, Meta},
    },
    Slot, SlotState, slot,
};

/// The page size of most files.
const USUAL_PAGE_SIZE: u32 = 4096;

/// A state to read, and how far it is to be trusted.
pub(super) struct Chosen {
    pub(super) slots: [Slot; 2],
    /// `None` where no slot tells of one.
    pub(super) meta: Option<Meta>,
    pub(super) page_size: u32,
    /// Whether its slot has a right checksum.
    pub(super) is_verified: bool,
}

impl Chosen {
    /// Finds the newest state that there is to read; with `unverified` also one that a damaged slot tells of, or none at all.
    pub(super) fn find(
        storage: &dyn Storage,
        unverified: bool,
        page_size: Option<u32>,
    ) -> Result<Self, Error> {
        let len = storage.len().map_err(Error::io("measure"))?;
        let slots = slot::read(storage)?;
        let mut whole = Vec::new();
        let mut torn = Vec::new();
        for slot in &slots {
            let bytes = slot::bytes(storage, slot.offset, len).ok();
            let meta = bytes.and_then(|bytes| Meta::unverified(&bytes));
            match slot.state {
                SlotState::Newer { format } => {
                    return Err(Error::NewerFormat {
                        found: format,
                        supported: FORMAT,
                    });
                }
                SlotState::Whole { is_complete, .. } => {
                    whole.extend(meta.map(|meta| (is_complete, meta)));
                }
                SlotState::Damaged { .. } | SlotState::Foreign => torn.extend(meta),
            }
        }
        // One whose commit is all there. Where there is none, the pages must show what is there of the newest.
        whole.sort_by_key(|(is_complete, meta)| (*is_complete, meta.commit));
        if let Some((_, meta)) = whole.pop() {
            return Ok(Self {
                slots,
                page_size: meta.page_size,
                meta: Some(meta),
                is_verified: true,
            });
        }
        if !unverified {
            return Err(refusal(&slots, len));
        }
        torn.retain(|meta| page_size.is_none_or(|size| size == meta.page_size));
        torn.sort_by_key(|meta| (meta.directory != Directory::Empty, meta.commit));
        let meta = torn.pop();
        let told = meta.as_ref().map(|meta| meta.page_size);
        Ok(Self {
            slots,
            page_size: told.or(page_size).unwrap_or(USUAL_PAGE_SIZE),
            meta,
            is_verified: false,
        })
    }
}

/// Why nothing that is verified can be read.
fn refusal(slots: &[Slot; 2], len: u64) -> Error {
    let damaged = slots.iter().rev().find_map(|slot| match slot.state {
        SlotState::Damaged { reason } => Some((slot.offset, reason)),
        _ => None,
    });
    match damaged {
        Some(_) if len < HEAD_LEN => Error::Truncated {
            len,
            expected: HEAD_LEN,
        },
        Some((offset, reason)) => Error::DamagedMeta { offset, reason },
        None => Error::NotAPageFile,
    }
}
