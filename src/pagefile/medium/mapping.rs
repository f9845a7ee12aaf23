//! Pages of a file as memory. The only file of this room that needs `unsafe`.
//!
//! The map is held as a raw pointer, and a reference is only ever made to the bytes of one run of pages. What makes that sound is a rule of
//! the page file: it writes only into pages that no live snapshot reaches, and a run is read only through a snapshot that reaches it. The rest
//! is a contract with the world outside: the file is locked, and whoever passes by the lock and changes or cuts it breaks the contract.
#![allow(unsafe_code)]

use std::{
    fs::File,
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use memmap2::{MmapOptions, MmapRaw};

/// The first bytes of a file, mapped for reading.
pub(in crate::pagefile) struct Mapping {
    /// Perhaps longer than the file: what lies behind `len` is not touched.
    map: MmapRaw,
    /// So many bytes the file has.
    len: AtomicUsize,
}

impl Mapping {
    /// Maps the first `len` bytes of `file`, which must have that many: never a byte that the file does not hold. Where the system can map what is not there yet, the map
    /// has addresses for `room` bytes, which [`extend`](Self::extend) makes use of when the file has grown.
    pub(in crate::pagefile) fn new(file: &File, len: u64, room: u64) -> io::Result<Self> {
        let map = Self {
            map: map(file, if cfg!(unix) { len.max(room) } else { len })?,
            len: AtomicUsize::new(0),
        };
        if map.extend(file, len)? {
            Ok(map)
        } else {
            Err(io::ErrorKind::OutOfMemory.into())
        }
    }

    /// The map holds the first `len` bytes of its file from now on, which must have that many; `false` where it has no addresses for them. What it held it goes on to hold.
    pub(in crate::pagefile) fn extend(&self, file: &File, len: u64) -> io::Result<bool> {
        if len > file.metadata()?.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match usize::try_from(len) {
            Ok(len) if len <= self.map.len() => {
                self.len.fetch_max(len, Ordering::Release);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The bytes that it has addresses for.
    pub(in crate::pagefile) fn room(&self) -> u64 {
        self.map.len() as u64
    }

    /// The `len` bytes at `offset`; `None` where the map does not hold them.
    pub(in crate::pagefile) fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let offset = usize::try_from(offset).ok()?;
        let end = offset.checked_add(len)?;
        if end > self.len.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: `offset..end` lies within `len`, and that within the map, which lives as long as `self`, so pointer and length are valid and within one
        // allocation; the file has these bytes, for it is not cut while somebody reads so far through a map; `u8` has no alignment and no invalid values. Nobody writes these bytes while the reference lives: the page file writes only
        // to pages that no live snapshot reaches (see above), and other processes are held off by the file lock.
        Some(unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(offset), len) })
    }
}

fn map(file: &File, len: u64) -> io::Result<MmapRaw> {
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    MmapOptions::new().len(len).map_raw_read_only(file)
}
