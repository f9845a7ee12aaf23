//! A file to be made: whole or not at all, and in the place of another one only if that is asked for.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    process,
};

use crate::{failure::Failure, open::refuse_folder};

/// A temporary file beside the one to be, removed when dropped.
pub struct Target {
    path: PathBuf,
    temporary: PathBuf,
    replace: bool,
}

impl Target {
    /// A file to be at `path`, and not in the place of one that is there, unless `replace`; never in that of `source`.
    pub fn new(path: &Path, replace: bool, source: Option<&Path>) -> Result<Self, Failure> {
        refuse_folder(path)?;
        let refuse = |why: &str| Err(Failure::Usage(format!("{}: {why}", path.display())));
        if let (Some(source), Ok(target)) = (source, path.canonicalize())
            && source.canonicalize().is_ok_and(|source| source == target)
        {
            return refuse("it is the file that is read; give another one");
        }
        if !replace && path.symlink_metadata().is_ok() {
            return refuse("it is there already; give another name, or --force to replace it");
        }
        let Some(name) = path.file_name() else {
            return refuse("it has no file name");
        };
        let mut temporary = name.to_owned();
        temporary.push(format!(".{}.tmp", process::id()));
        let temporary = path.with_file_name(temporary);
        // Left behind by a process of the same number, long gone.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::io(&temporary)(error));
            }
            _ => {}
        }
        Ok(Self {
            path: path.to_owned(),
            temporary,
            replace,
        })
    }

    /// Where to write.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Makes the temporary file, readable by its owner only.
    pub fn create(&self) -> Result<File, Failure> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&self.temporary)
            .map_err(Failure::io(&self.path))
    }

    /// Makes what was written durable, and gives it its name.
    pub fn publish(self) -> Result<(), Failure> {
        self.try_publish().map_err(Failure::io(&self.path))
    }

    fn try_publish(&self) -> io::Result<()> {
        File::open(&self.temporary)?.sync_all()?;
        if self.replace {
            // Held until the new file is there, so that nobody opens the old one in between.
            let _old = self.lock_old()?;
            fs::rename(&self.temporary, &self.path)?;
        } else if let Err(error) = fs::hard_link(&self.temporary, &self.path) {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return Err(error);
            }
            // No hard links here: the name is taken with an empty file, which the rename replaces.
            File::create_new(&self.path)?;
            fs::rename(&self.temporary, &self.path)?;
        }
        sync_folder(&self.path)
    }

    /// The file that is to be replaced, which nobody must have open.
    fn lock_old(&self) -> io::Result<Option<File>> {
        let old = match File::open(&self.path) {
            Ok(old) => old,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match old.try_lock() {
            Ok(()) => Ok(Some(old)),
            Err(TryLockError::WouldBlock) => Err(io::Error::other(
                "it is open in another process, and is not replaced; close it there",
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // After a rename it is gone already; one that cannot be removed costs space and no data.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
