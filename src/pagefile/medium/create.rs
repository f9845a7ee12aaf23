//! Creating a file so that it is there whole or not at all, and never in the place of another one.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use super::super::{Error, FileStorage};

/// Makes the names of temporary files in one process differ.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Creates the file at `path` with what `fill` writes, durable, and gives it locked; `None` where there is one by now.
pub(in crate::pagefile) fn create<E: From<Error>>(
    path: &Path,
    fill: impl FnOnce(&FileStorage) -> Result<(), E>,
) -> Result<Option<File>, E> {
    let temporary = Temporary::new(path).map_err(Error::io("create"))?;
    let storage = FileStorage::new(temporary.file.try_clone().map_err(Error::io("create"))?);
    // The lock is on the file, not on its name: nobody gets in between when the name appears.
    temporary.file.lock().map_err(Error::io("lock"))?;
    fill(&storage)?;
    temporary.file.sync_all().map_err(Error::io("sync"))?;
    if !temporary.publish(path).map_err(Error::io("create"))? {
        return Ok(None);
    }
    sync_folder(path).map_err(Error::io("sync the folder of"))?;
    let created = temporary.into_file().map_err(Error::io("create"))?;
    Ok(Some(created))
}

/// A file beside the one to be, removed when dropped.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn new(beside: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        loop {
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let mut name: OsString = beside
                .file_name()
                .ok_or(io::ErrorKind::InvalidFilename)?
                .to_owned();
            name.push(format!(".{}-{number}.tmp", process::id()));
            let path = beside.with_file_name(name);
            match options.open(&path) {
                Ok(file) => return Ok(Self { path, file }),
                // Left behind by a process of the same number, long gone.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the file its name, unless there is one of that name. A hard link does both at once, which a rename cannot: it would replace.
    fn publish(&self, path: &Path) -> io::Result<bool> {
        match fs::hard_link(&self.path, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // No hard links here: the name is taken with an empty file, which the rename replaces.
            Err(_) => match File::create_new(path) {
                Ok(_) => fs::rename(&self.path, path).map(|()| true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error),
            },
        }
    }

    fn into_file(self) -> io::Result<File> {
        self.file.try_clone()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename it is gone already; a file that cannot be removed is no page file's loss.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes the name of the file durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
