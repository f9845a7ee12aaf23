//! Memory as storage.

use std::{
    io,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::super::Storage;

/// Bytes in memory, gone when dropped. A sync does nothing.
#[derive(Debug, Default)]
pub struct MemStorage {
    bytes: RwLock<Vec<u8>>,
}

impl MemStorage {
    /// Storage that holds `bytes` at first.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: RwLock::new(bytes),
        }
    }

    fn bytes(&self) -> RwLockReadGuard<'_, Vec<u8>> {
        self.bytes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes_mut(&self) -> RwLockWriteGuard<'_, Vec<u8>> {
        self.bytes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The offset as an index, where memory can hold so much.
fn index(offset: u64, kind: io::ErrorKind) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| kind.into())
}

impl Storage for MemStorage {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes().len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = index(offset, io::ErrorKind::UnexpectedEof)?;
        let bytes = self.bytes();
        let wanted = bytes
            .get(start..)
            .and_then(|rest| rest.get(..buffer.len()))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(wanted);
        Ok(())
    }

    fn write_at(&self, offset: u64, written: &[u8]) -> io::Result<()> {
        let start = index(offset, io::ErrorKind::StorageFull)?;
        let end = start
            .checked_add(written.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        let mut bytes = self.bytes_mut();
        if bytes.len() < end {
            let missing = end - bytes.len();
            bytes
                .try_reserve(missing)
                .map_err(|_| io::ErrorKind::StorageFull)?;
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(written);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = index(len, io::ErrorKind::StorageFull)?;
        self.bytes_mut().resize(len, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
