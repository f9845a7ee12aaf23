//! What bbolt's own suite asks of it, by its names, with each of its known defects as what does not happen here. `docs/parity.md` has it row by row.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bucket;
mod cursor;
mod db;
mod files;
mod move_bucket;
mod nested;
mod stats;
mod tx;

use std::{ops::Deref, path::PathBuf};

use sapwood::pagefile::{Error, Item, Options, PageFile, WriteTxn};

/// A file that is checked wholly when the test ends.
struct Db {
    dir: tempfile::TempDir,
    file: Option<PageFile>,
}

impl Db {
    fn new() -> Self {
        Self::with(&Options::new())
    }

    fn with(options: &Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = options.open(dir.path().join("file")).unwrap();
        let file = Some(file);
        Self { dir, file }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("file")
    }

    fn reopen(&mut self) {
        self.check();
        self.file = None;
        self.file = Some(PageFile::open(self.path()).unwrap());
    }

    fn check_report(&self) -> sapwood::pagefile::Report {
        PageFile::check(self).unwrap()
    }

    fn check(&self) {
        let report = self.check_report();
        assert!(report.is_clean(), "{:?}", report.problems);
    }

    /// Runs a change that must succeed.
    fn change<R>(&self, change: impl FnOnce(&mut WriteTxn) -> Result<R, Error>) -> R {
        self.update(change).unwrap()
    }

    /// The value of a key in the bucket at the path.
    fn value(&self, path: &[&str], key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        let read = self.begin_read();
        let bucket = read.bucket_at(path).unwrap()?;
        let value = bucket.get(key).unwrap()?;
        Some(value.to_vec())
    }
}

impl Deref for Db {
    type Target = PageFile;

    fn deref(&self) -> &PageFile {
        self.file.as_ref().unwrap()
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        if self.file.is_some() && !std::thread::panicking() {
            self.check();
        }
    }
}

/// Key and value of an item, as text.
fn text(item: Option<Item<'_>>) -> Option<(String, Option<String>)> {
    let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    item.map(|item| (string(item.key()), item.value().map(|value| string(value))))
}

#[allow(clippy::unnecessary_wraps, reason = "it is what a step gives")]
fn pair(key: &str, value: &str) -> Option<(String, Option<String>)> {
    Some((key.to_owned(), Some(value.to_owned())))
}

#[allow(clippy::unnecessary_wraps, reason = "it is what a step gives")]
fn name(name: &str) -> Option<(String, Option<String>)> {
    Some((name.to_owned(), None))
}
