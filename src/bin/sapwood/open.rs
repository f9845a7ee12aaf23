//! The ways to a page file.

use std::path::Path;

use sapwood::{
    Edit, Inspect,
    pagefile::{Options, PageFile},
};

use crate::{context::Context, failure::Failure, overlay::Overlay};

/// Opens the file at `path` to read: not a byte of it is changed. Without a memory map, so that a disk that cannot read a page gives an error and
/// not a signal.
pub fn to_read(path: &Path, context: &Context) -> Result<PageFile, Failure> {
    refuse_folder(path)?;
    let options = Options::new().read_only(true).memory_map(false);
    let opened = options.lock_timeout(context.wait).open(path);
    opened.map_err(Failure::of(path))
}

/// As [`to_read`], with what a database's journal has brought into its trees, in memory only.
pub fn to_read_all(path: &Path, context: &Context) -> Result<PageFile, Failure> {
    let file = to_read(path, context)?;
    if file.journal_bytes() == 0 {
        return Ok(file);
    }
    let failed = |source| Failure::Database { source };
    let inspect = Inspect::of(path, file).map_err(failed)?;
    if inspect.journal().revisions == 0 {
        drop(inspect);
        return to_read(path, context);
    }
    // The lock is not let go of in between.
    let held = to_read(path, context)?;
    drop(inspect);
    let overlay = Overlay::new(path, held).map_err(Failure::io(path))?;
    let file = Options::new().open_storage(Box::new(overlay));
    let mut edit = Edit::of(path, file.map_err(Failure::of(path))?).map_err(failed)?;
    edit.commit().map_err(failed)?;
    Ok(edit.into_file())
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
