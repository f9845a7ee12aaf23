//! How a page file is opened: what each option promises.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, time::Duration};

use sapwood::pagefile::{Error, Options, PageFile};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Model, SimDisk, change, contents, options};

/// Proves that a reader leaves every byte as it is, refuses to write, closes without writing, and makes no file.
#[test]
fn read_only_never_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let read_only = Options::new().read_only(true);
    assert!(matches!(
        read_only.open(&path),
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound
    ));
    assert!(!path.exists());
    let file = PageFile::open(&path).unwrap();
    file.update(|tx| tx.create_bucket("b")?.put("a", "1"))
        .unwrap();
    // Not closed, so that closing the reader could write.
    drop(file);
    let before = fs::read(&path).unwrap();
    let reader = read_only.open(&path).unwrap();
    assert!(matches!(reader.begin_write(), Err(Error::ReadOnly)));
    let refused = reader.update(|tx| tx.create_bucket("c").map(drop));
    assert!(matches!(refused, Err(Error::ReadOnly)));
    let read = reader.begin_read();
    let value = read.bucket("b").unwrap().unwrap().get("a").unwrap();
    assert_eq!(value.as_deref(), Some(&b"1"[..]));
    assert!(reader.check().unwrap().is_clean());
    reader.close().unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    let nothing = SimDisk::default();
    let opened = read_only.open_storage(Box::new(nothing.clone()));
    assert!(matches!(opened, Err(Error::Truncated { len: 0, .. })));
    assert_eq!(nothing.ops(), 0);
}

/// Proves that readers share the file, that a writer and a reader exclude each other, and that each gets in when the other has gone, within its
/// timeout.
#[test]
fn readers_share_and_writers_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let read_only = Options::new().read_only(true);
    let writer = PageFile::open(&path).unwrap();
    assert!(matches!(read_only.open(&path), Err(Error::Locked { path: named }) if named == path));
    drop(writer);
    let first = read_only.open(&path).unwrap();
    let second = read_only.open(&path).unwrap();
    assert!(matches!(PageFile::open(&path), Err(Error::Locked { .. })));
    drop(first);
    assert!(matches!(PageFile::open(&path), Err(Error::Locked { .. })));
    let waiting = {
        let path = path.clone();
        let patient = Options::new().lock_timeout(Duration::from_secs(60));
        std::thread::spawn(move || patient.open(path))
    };
    drop(second);
    let writer = waiting.join().unwrap().unwrap();
    let waiting = {
        let path = path.clone();
        let patient = Options::new()
            .read_only(true)
            .lock_timeout(Duration::from_secs(60));
        std::thread::spawn(move || patient.open(path).map(drop))
    };
    drop(writer);
    waiting.join().unwrap().unwrap();
}

/// Proves that a file that may not be written at all can be read.
#[cfg(unix)]
#[test]
fn read_only_needs_no_right_to_write() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    drop(PageFile::open(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let reader = Options::new().read_only(true).open(&path).unwrap();
    assert_eq!(reader.begin_read().bucket_count(), 0);
}

/// Proves that a new file has its initial size, that its pages are free to be used, and that an existing file keeps its own.
#[test]
fn new_file_has_its_initial_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = Options::new().initial_size(3_000_000).open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 2_998_272);
    let before = file.stats();
    file.update(|tx| tx.create_bucket("b")?.put("a", vec![7; 2_500_000]))
        .unwrap();
    assert_eq!(file.stats().file_bytes, before.file_bytes);
    assert!(file.check().unwrap().is_clean());
    drop(file);
    let file = Options::new().initial_size(9_000_000).open(&path).unwrap();
    assert_eq!(file.stats().file_bytes, 2_998_272);
    let memory = Options::new()
        .initial_size(u64::MAX)
        .max_size(20_000)
        .in_memory()
        .unwrap();
    assert_eq!(memory.stats().file_bytes, 16_384);
}

/// Proves that a commit which needs more than the maximum is refused and leaves the file as it was, that the file never passes it, and that smaller
/// commits go on.
#[test]
fn file_never_passes_its_maximum() {
    let disk = SimDisk::default();
    let limited = options().max_size(100_000);
    let file = limited.open_storage(Box::new(disk.clone())).unwrap();
    let mut model = Model::new();
    let (mut refused, mut done) = (0, 0);
    for seed in 0..400 {
        match change(&file, &mut model, seed) {
            Ok(_) => done += 1,
            Err(Error::MaxSize { max, needed }) => {
                assert!(max == 100_000 && needed > max);
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(disk.image().len() <= 100_000);
    }
    assert!(refused > 0 && done > 50, "{refused} refused, {done} done");
    let before = disk.image();
    let large = file.update(|tx| tx.bucket_or_create("b")?.put("a", vec![1; 200_000]));
    assert!(matches!(large, Err(Error::MaxSize { .. })));
    assert_eq!(disk.image(), before);
    assert_eq!(contents(&file).unwrap(), model);
    assert!(file.check().unwrap().is_clean());
    drop(file);
    // A file that is longer than the maximum opens, and does not grow.
    let file = options()
        .max_size(10_000)
        .open_storage(Box::new(disk))
        .unwrap();
    assert_eq!(contents(&file).unwrap(), model);
    let large = file.update(|tx| tx.bucket_or_create("b")?.put("a", vec![1; 200_000]));
    assert!(matches!(large, Err(Error::MaxSize { .. })));
}

/// Proves that opening with `verify` finds damage that opening without it does not look for, and takes a sound file.
#[test]
fn verify_reads_everything() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    for seed in 0..40 {
        change(&file, &mut model, seed).unwrap();
    }
    file.close().unwrap();
    let verifying = options().verify(true);
    let sound = verifying.open_storage(Box::new(disk.clone())).unwrap();
    assert_eq!(contents(&sound).unwrap(), model);
    let whole = disk.image();
    let mut found = 0;
    for at in (8192..whole.len()).step_by(512) {
        let mut image = whole.clone();
        image[at + 100] ^= 1;
        let disk = SimDisk::of(image);
        let damaged = disk
            .open()
            .and_then(|file| file.check())
            .map_or(true, |report| !report.is_clean());
        let opened = verifying.open_storage(Box::new(disk));
        assert_eq!(opened.is_err(), damaged);
        if let Err(error) = opened {
            assert!(matches!(error, Error::Corrupted { .. }), "{error}");
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
}
