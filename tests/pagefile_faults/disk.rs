//! A disk that writes down, in order, what is asked of it.

use std::{
    io,
    sync::{Arc, Mutex},
};

use sapwood::pagefile::Storage;

/// So many reads are never needed for a file of these suites: more of them is an endless loop.
const MOST_READS: usize = 200_000;

#[derive(Clone)]
pub(crate) enum Op {
    Write { offset: usize, bytes: Arc<[u8]> },
    SetLen(usize),
    Sync,
}

#[derive(Default)]
struct Inner {
    live: Vec<u8>,
    ops: Vec<Op>,
    reads: usize,
}

/// A handle on the disk: the page file has one, the test keeps another.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<Inner>>);

/// Does to an image what the operation does.
pub(crate) fn apply(image: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write { offset, bytes } => put(image, *offset, bytes),
        Op::SetLen(len) => image.resize(*len, 0),
        Op::Sync => {}
    }
}

/// Writes bytes into an image, behind its end too.
pub(crate) fn put(image: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(bytes);
}

impl Disk {
    pub(crate) fn of(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            live: image,
            ..Inner::default()
        })))
    }

    /// How many operations there were that change something or sync.
    pub(crate) fn ops(&self) -> usize {
        self.0.lock().unwrap().ops.len()
    }

    pub(crate) fn take_ops(&self) -> Vec<Op> {
        std::mem::take(&mut self.0.lock().unwrap().ops)
    }

    pub(crate) fn image(&self) -> Vec<u8> {
        self.0.lock().unwrap().live.clone()
    }
}

impl Storage for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().live.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let inner = &mut *self.0.lock().unwrap();
        inner.reads += 1;
        assert!(inner.reads < MOST_READS, "it reads without end");
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let bytes = inner
            .live
            .get(start..)
            .and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let inner = &mut *self.0.lock().unwrap();
        let op = Op::Write {
            offset: usize::try_from(offset).map_err(|_| io::ErrorKind::StorageFull)?,
            bytes: Arc::from(bytes),
        };
        apply(&mut inner.live, &op);
        inner.ops.push(op);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let inner = &mut *self.0.lock().unwrap();
        let op = Op::SetLen(usize::try_from(len).map_err(|_| io::ErrorKind::StorageFull)?);
        apply(&mut inner.live, &op);
        inner.ops.push(op);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.lock().unwrap().ops.push(Op::Sync);
        Ok(())
    }
}
