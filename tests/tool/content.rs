//! What files hold, as plain maps; and files to try the tool on.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use sapwood::{
    Database, Inspect,
    pagefile::{Error, Options, PageFile},
};
use tempfile::TempDir;

pub type Names = Vec<Vec<u8>>;

/// A bucket: its sequence and its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub sequence: u64,
    pub rows: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// All buckets of a file, by their paths.
pub type Content = BTreeMap<Names, Rows>;

/// Options that wait, as the program does in these tests.
pub fn reader() -> Options {
    Options::new()
        .read_only(true)
        .lock_timeout(Duration::from_secs(60))
}

/// Opens a database, and waits as the program does in these tests.
pub fn opened(open: impl Fn() -> Result<Database, sapwood::Error>) -> Database {
    loop {
        match open() {
            Err(sapwood::Error::File { source, .. }) if matches!(*source, Error::Locked { .. }) => {
                thread::sleep(Duration::from_millis(1));
            }
            opened => return opened.unwrap(),
        }
    }
}

/// What the file of a database says without its program.
pub fn inspected(path: &Path) -> Inspect {
    Inspect::of(path, reader().open(path).unwrap()).unwrap()
}

/// Reads all of a file, which must be sound.
pub fn content(path: &Path) -> Content {
    let file = reader().open(path).unwrap();
    assert!(file.check().unwrap().is_clean());
    let read = file.begin_read();
    let mut content = Content::new();
    let mut waiting = vec![(Names::new(), read.root())];
    while let Some((path, bucket)) = waiting.pop() {
        for name in bucket.buckets() {
            let name = name.unwrap();
            let mut below = path.clone();
            below.push(name.to_vec());
            waiting.push((below, bucket.bucket(&name).unwrap().unwrap()));
        }
        if !path.is_empty() {
            let rows = bucket.iter().map(Result::unwrap);
            let rows = rows.map(|(key, value)| (key.to_vec(), value.to_vec()));
            let sequence = bucket.sequence();
            content.insert(
                path,
                Rows {
                    sequence,
                    rows: rows.collect(),
                },
            );
        }
    }
    content
}

/// Makes a file with this content, in one commit, and closes it.
pub fn make(path: &Path, page_size: u32, content: &Content) {
    let file = Options::new()
        .page_size(page_size)
        .grow_by(512)
        .open(path)
        .unwrap();
    file.update(|tx| {
        for (path, rows) in content {
            let mut bucket = tx.bucket_or_create_at(path)?;
            bucket.set_sequence(rows.sequence);
            for (key, value) in &rows.rows {
                bucket.put(key, value)?;
            }
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    file.close().unwrap();
}

/// A file in a folder of its own.
pub struct Sample {
    pub folder: TempDir,
    pub content: Content,
}

impl Sample {
    pub fn of(page_size: u32, content: Content) -> Self {
        let sample = Self {
            folder: tempfile::tempdir().unwrap(),
            content,
        };
        make(&sample.file(), page_size, &sample.content);
        sample
    }

    /// Buckets in one another, branches, values in runs of their own, keys and values that are no text, and an empty bucket.
    pub fn small() -> Self {
        Self::of(512, sample(&["eu", "us"]))
    }

    /// The same, and more buckets than have room in a meta slot.
    pub fn wide() -> Self {
        Self::of(
            512,
            sample(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]),
        )
    }

    pub fn file(&self) -> PathBuf {
        self.path("file.sap")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn open(&self) -> PageFile {
        reader().open(self.file()).unwrap()
    }
}

fn sample(names: &[&str]) -> Content {
    let mut content = Content::new();
    for (name, many) in names.iter().zip([60_u8, 3].into_iter().cycle()) {
        let name = name.as_bytes().to_vec();
        let rows = content.entry(vec![name.clone()]).or_default();
        rows.sequence = 3;
        for i in 0..many {
            let key = format!("web-{i:03}").into_bytes();
            rows.rows.insert(key, vec![b'a' + i % 26; 40]);
        }
        rows.rows.insert(b"web-0/1".to_vec(), b"text".to_vec());
        rows.rows.insert(vec![0, 0xff], vec![0xfe; 1300]);
        let below = content
            .entry(vec![name.clone(), b"in/side".to_vec()])
            .or_default();
        below.rows.insert(b"k".to_vec(), Vec::new());
        below.rows.insert(Vec::new(), b"hex:00".to_vec());
        content.entry(vec![name, b"\xff".to_vec()]).or_default();
    }
    content
}
