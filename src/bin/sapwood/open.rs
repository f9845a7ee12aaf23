//! The ways to a page file.

use std::path::Path;

use sapwood::pagefile::{Options, PageFile};

use crate::{context::Context, failure::Failure};

/// Opens the file at `path` to read: not a byte of it is changed. Without a memory map, so that a disk that cannot read a page gives an error and
/// not a signal.
pub fn to_read(path: &Path, context: &Context) -> Result<PageFile, Failure> {
    refuse_folder(path)?;
    let options = Options::new().read_only(true).memory_map(false);
    let opened = options.lock_timeout(context.wait).open(path);
    opened.map_err(Failure::of(path))
}

/// Opens the file at `path` to write, which must be there.
pub fn to_write(path: &Path, context: &Context) -> Result<PageFile, Failure> {
    refuse_folder(path)?;
    let options = Options::new().create(false).memory_map(false);
    let opened = options.lock_timeout(context.wait).open(path);
    opened.map_err(Failure::of(path))
}

pub fn refuse_folder(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        let what = "it is a folder, and a page file was asked for";
        return Err(Failure::Usage(format!("{}: {what}", path.display())));
    }
    Ok(())
}
