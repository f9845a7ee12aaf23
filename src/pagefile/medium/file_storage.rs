//! A file as storage.

use std::{fs::File, io, sync::OnceLock};

use super::super::Storage;

/// A file, read and written at offsets. Short and interrupted reads and writes are carried on.
#[derive(Debug)]
pub struct FileStorage {
    file: File,
    /// The same file, once it is asked for, opened so that a write is durable when it returns.
    durable: OnceLock<Option<File>>,
}

impl FileStorage {
    /// Takes `file`, which must be open for reading and writing. It is not locked here.
    pub fn new(file: File) -> Self {
        Self {
            file,
            durable: OnceLock::new(),
        }
    }

    pub(in crate::pagefile) fn file(&self) -> &File {
        &self.file
    }

    /// Writes, and returns once these bytes are durable; of what was written before, nothing is waited for. `None`, and nothing was done, where the system has no such
    /// thing.
    ///
    /// A failure of the disk is told here as well as to a sync that runs at the same time.
    pub(in crate::pagefile) fn write_durably(
        &self,
        offset: u64,
        bytes: &[u8],
    ) -> Option<io::Result<()>> {
        let file = self.durable.get_or_init(|| open_durable(&self.file));
        file.as_ref().map(|file| write_all(file, offset, bytes))
    }
}

/// Opens the same file once more, with `O_DSYNC`. Linux tells of a failed write each descriptor of the file by itself; so this one misses none that a sync of the other was told of.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn open_durable(file: &File) -> Option<File> {
    use std::os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    };

    const O_DSYNC: i32 = 0o10000;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let mut options = File::options();
    let other = options.write(true).custom_flags(O_DSYNC).open(path).ok()?;
    let (ours, theirs) = (file.metadata().ok()?, other.metadata().ok()?);
    ((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())).then_some(other)
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn open_durable(_: &File) -> Option<File> {
    None
}

fn write_all(file: &File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match write_some(file, offset, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Storage for FileStorage {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match read_some(&self.file, offset, buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    buffer = &mut buffer[read..];
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write_all(&self.file, offset, bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(unix)]
fn read_some(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(unix)]
fn write_some(file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_some(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(windows)]
fn write_some(file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
}

#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use std::os::fd::AsRawFd;

    use super::{FileStorage, Storage};

    /// What is written durably comes into the same file, through a descriptor of which the system says that its writes are synced.
    #[test]
    fn durable_writes_are_synced_by_the_system() {
        let storage = FileStorage::new(tempfile::tempfile().unwrap());
        storage.set_len(8).unwrap();
        storage.write_durably(4, b"rows").unwrap().unwrap();
        let mut bytes = [0; 8];
        storage.read_at(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\0\0\0\0rows");
        let durable = storage.durable.get().unwrap().as_ref().unwrap();
        let about = format!("/proc/self/fdinfo/{}", durable.as_raw_fd());
        let about = std::fs::read_to_string(about).unwrap();
        let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = u32::from_str_radix(flags.unwrap().trim(), 8).unwrap();
        assert_ne!(flags & 0o10000, 0, "{about}");
    }
}
