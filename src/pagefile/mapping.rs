//! Pages of a file as memory. The only file of this room that needs `unsafe`.
//!
//! The map is held as a raw pointer, and a reference is only ever made to the bytes of one run of pages. What makes that sound is a rule of
//! the page file: it writes only into pages that no live snapshot reaches, and a run is read only through a snapshot that reaches it. The rest
//! is a contract with the world outside: the file is locked, and whoever passes by the lock and changes or cuts it breaks the contract.
#![allow(unsafe_code)]

use std::{fs::File, io};

use memmap2::{MmapOptions, MmapRaw};

/// The first bytes of a file, mapped for reading.
pub(super) struct Mapping {
    map: MmapRaw,
}

impl Mapping {
    /// Maps the first `len` bytes of `file`, which must have that many: never a byte that the file does not hold.
    pub(super) fn new(file: &File, len: u64) -> io::Result<Self> {
        if len > file.metadata()?.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let map = MmapOptions::new().len(len).map_raw_read_only(file)?;
        Ok(Self { map })
    }

    /// The `len` bytes at `offset`; `None` where the map does not hold them.
    pub(super) fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let offset = usize::try_from(offset).ok()?;
        let end = offset.checked_add(len)?;
        if end > self.map.len() {
            return None;
        }
        // SAFETY: `offset..end` lies within the map, which lives as long as `self`, so pointer and length are valid and within one
        // allocation; `u8` has no alignment and no invalid values. Nobody writes these bytes while the reference lives: the page file writes only
        // to pages that no live snapshot reaches (see above), and other processes are held off by the file lock.
        Some(unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(offset), len) })
    }
}
