//! What a page file lies on.

use std::io;

/// What makes a file longer is written in pieces of so many bytes, each from a multiple of it on. Linux keeps what was written at once as one block of its cache, and
/// the larger a block is the longer it takes to make it, and to change a part of it: a page in a block of 1 MiB takes 40 µs, in one of 32 KiB 4 µs.
pub(in crate::pagefile) const PIECE: usize = 32 << 10;

/// Bytes at offsets, and a way to make them durable: all that a page file asks of what it lies on.
///
/// [`FileStorage`](crate::pagefile::FileStorage) and [`MemStorage`](super::super::MemStorage) are those of this crate; another one is given to
/// [`Options::open_storage`](crate::pagefile::Options::open_storage). Its bytes must be changed by nobody else while the page file is open.
pub trait Storage: Send + Sync {
    /// The length in bytes.
    ///
    /// # Errors
    /// What the medium reports.
    fn len(&self) -> io::Result<u64>;

    /// Whether there is no byte at all.
    ///
    /// # Errors
    /// What the medium reports.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` with the bytes from `offset` on, all of it.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where there are fewer; what the medium reports.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all `bytes` from `offset` on, making the storage longer where they pass its end.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] where there is no room; what the medium reports. Any part may then be written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes the storage exactly `len` bytes long; new bytes are zero.
    ///
    /// # Errors
    /// What the medium reports.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Returns once everything written before is durable.
    ///
    /// # Errors
    /// What the medium reports. Nothing is known then about what is durable, and a second call proves nothing.
    fn sync(&self) -> io::Result<()>;
}
