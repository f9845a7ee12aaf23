//! The files, and that they are what they should be.

use std::path::{Path, PathBuf};

use sapwood::pagefile::{Options, PageFile};

use super::fixture::{File, rows};
use super::{past, versions};

type Fill = fn(&Path);

/// The files, each with what writes it.
const FILES: [(&str, Fill); 2] = [
    ("first.sap", past::write),
    ("second.sap", versions::write_second),
];

pub(crate) fn path(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/evolution/golden").join(name)
}

/// Files in this layout are made of small pages, and hold nothing that is free.
fn write(name: &str, fill: Fill) {
    let dir = tempfile::tempdir().unwrap();
    let wide = dir.path().join("wide.sap");
    let made = Options::new().page_size(512).open(&wide).unwrap();
    made.close().unwrap();
    fill(&wide);
    let path = path(name);
    let _ = std::fs::remove_file(&path);
    let filled = PageFile::open(&wide).unwrap();
    filled.compact(&path).unwrap();
}

/// The files have the rows that were written, and can be written anew.
#[test]
fn golden_files_are_as_they_were_written() {
    if std::env::var_os("SAPWOOD_WRITE_GOLDEN").is_some() {
        for (name, fill) in FILES {
            write(name, fill);
        }
    }
    let file = File::golden();
    let db = file.open(|db| db.table::<past::Pod>().table::<past::Host>());
    assert_eq!(rows(&db.unwrap(), past::Pod::ALL), past::pods());
    let db = file.open(|db| db.table::<past::Job>().table::<past::Lease>());
    let db = db.unwrap();
    assert_eq!(rows(&db, past::Job::ALL), past::jobs());
    assert_eq!(rows(&db, past::Lease::ALL), past::leases());
}
