//! A file with changes that nobody writes to it: they are kept in memory.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sapwood::pagefile::{FileStorage, PageFile, Storage};

const BLOCK: u64 = 4096;

/// What a file has, and what was changed of it.
pub struct Overlay {
    file: FileStorage,
    changed: Mutex<Changed>,
    /// Holds the lock.
    _held: PageFile,
}

struct Changed {
    /// How long the file itself is, as far as it counts.
    below: u64,
    len: u64,
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl Overlay {
    /// Over the file at `path`, which is held open to read.
    pub fn new(path: &Path, held: PageFile) -> io::Result<Self> {
        let file = FileStorage::new(File::open(path)?);
        let len = file.len()?;
        Ok(Self {
            file,
            changed: Mutex::new(Changed {
                below: len,
                len,
                blocks: BTreeMap::new(),
            }),
            _held: held,
        })
    }

    fn changed(&self) -> MutexGuard<'_, Changed> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block as it is now, whole.
    fn block(&self, changed: &Changed, number: u64) -> io::Result<Vec<u8>> {
        if let Some(block) = changed.blocks.get(&number) {
            return Ok(block.clone());
        }
        let start = number * BLOCK;
        let mut block = vec![0; BLOCK as usize];
        let there = changed.below.saturating_sub(start).min(BLOCK) as usize;
        self.file.read_at(start, &mut block[..there])?;
        Ok(block)
    }
}

/// The blocks that so many bytes from `offset` on lie in: number, where they begin in it, and how many of them there are.
fn blocks(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = offset + len as u64;
    (offset / BLOCK..end.div_ceil(BLOCK)).map(move |number| {
        let start = offset.max(number * BLOCK);
        let stop = end.min((number + 1) * BLOCK);
        (
            number,
            (start - number * BLOCK) as usize,
            (stop - start) as usize,
        )
    })
}

impl Storage for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.changed().len)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let changed = self.changed();
        if offset + buffer.len() as u64 > changed.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut done = 0;
        for (number, at, len) in blocks(offset, buffer.len()) {
            let to = &mut buffer[done..done + len];
            match changed.blocks.get(&number) {
                Some(block) => to.copy_from_slice(&block[at..at + len]),
                None => to.copy_from_slice(&self.block(&changed, number)?[at..at + len]),
            }
            done += len;
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut changed = self.changed();
        let mut done = 0;
        for (number, at, len) in blocks(offset, bytes.len()) {
            let mut block = self.block(&changed, number)?;
            block[at..at + len].copy_from_slice(&bytes[done..done + len]);
            changed.blocks.insert(number, block);
            done += len;
        }
        changed.len = changed.len.max(offset + bytes.len() as u64);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut changed = self.changed();
        changed.blocks.split_off(&len.div_ceil(BLOCK));
        let (last, rest) = (len / BLOCK, (len % BLOCK) as usize);
        if let Some(block) = changed.blocks.get_mut(&last) {
            block[rest..].fill(0);
        }
        changed.below = changed.below.min(len);
        changed.len = len;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
