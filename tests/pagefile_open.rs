//! Opening and creating files: who gets in, and what is left alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, time::Duration};

use sapwood::pagefile::{Error, Options, PageFile};

/// Proves that a second opener is told so, at once or after its timeout, and gets in when the first has closed; readers count as open.
#[test]
fn second_opener_is_locked_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = PageFile::open(&path).unwrap();
    assert!(matches!(PageFile::open(&path), Err(Error::Locked { path: named }) if named == path));
    let timeout = Options::new().lock_timeout(Duration::from_millis(30));
    assert!(matches!(timeout.open(&path), Err(Error::Locked { .. })));
    let reader = file.begin_read();
    drop(file);
    assert!(matches!(PageFile::open(&path), Err(Error::Locked { .. })));
    let waiting = {
        let path = path.clone();
        let patient = Options::new().lock_timeout(Duration::from_secs(60));
        std::thread::spawn(move || patient.open(path).map(drop))
    };
    drop(reader);
    waiting.join().unwrap().unwrap();
}

/// Proves that a new file belongs to its owner only and that nothing else is left in the folder.
#[test]
fn new_file_is_private_and_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    drop(PageFile::open(&path).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(PageFile::open(dir.path().join("no/such/folder")).is_err());
    let missing = Options::new().create(false).open(dir.path().join("other"));
    assert!(matches!(missing, Err(Error::Io { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Proves that a file that is no page file is left as it is, an empty one too.
#[test]
fn other_files_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "a diary").unwrap();
    assert!(matches!(PageFile::open(&path), Err(Error::NotAPageFile)));
    assert_eq!(fs::read(&path).unwrap(), b"a diary");
    fs::write(&path, "").unwrap();
    assert!(matches!(
        PageFile::open(&path),
        Err(Error::Truncated { len: 0, .. })
    ));
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

/// Proves that a folder is no page file, and that one in which nothing can be made is told so; both stay as they are.
#[test]
fn folders_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let made = Options::new();
    for options in [
        made.clone().read_only(true),
        made.clone().memory_map(false),
        made,
    ] {
        let error = options.open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
    assert!(PageFile::open("").is_err() && PageFile::open("..").is_err());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let file = PageFile::in_memory().unwrap();
    assert!(matches!(file.compact(dir.path()), Err(Error::Io { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    #[cfg(target_os = "linux")]
    {
        // Not even the owner of the machine makes files there.
        let error = PageFile::open("/proc/state.sap").unwrap_err();
        assert!(
            matches!(
                error,
                Error::Io {
                    action: "create",
                    ..
                }
            ),
            "{error}"
        );
        let error = file.compact("/sys/state.sap").unwrap_err();
        assert!(
            matches!(
                error,
                Error::Io {
                    action: "create",
                    ..
                }
            ),
            "{error}"
        );
    }
}

/// Proves that of many who create at once, one makes the file and all others find it whole.
#[test]
fn creation_is_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::thread::scope(|scope| {
        for number in 0..8u8 {
            let path = &path;
            scope.spawn(move || {
                let file = Options::new()
                    .lock_timeout(Duration::from_secs(60))
                    .open(path)
                    .unwrap();
                file.update(|tx| tx.bucket_or_create("b")?.put([number], ""))
                    .unwrap();
            });
        }
    });
    let file = PageFile::open(&path).unwrap();
    assert_eq!(file.begin_read().bucket("b").unwrap().unwrap().len(), 8);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Proves that what is committed is there after opening again, with the page size of the file and not of the options, mapped or not.
#[test]
fn file_is_found_as_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    for page_size in [512, 4096, 8192, 65_536] {
        let path = dir.path().join(page_size.to_string());
        let file = Options::new().page_size(page_size).open(&path).unwrap();
        file.update(|tx| {
            let mut bucket = tx.create_bucket("b")?;
            for key in 0..2000u32 {
                bucket.put(key.to_be_bytes(), vec![key as u8; key as usize])?;
            }
            bucket.next_sequence();
            Ok::<_, Error>(())
        })
        .unwrap();
        file.close().unwrap();
        for map in [true, false] {
            let file = Options::new().memory_map(map).open(&path).unwrap();
            assert_eq!(file.stats().page_size, page_size);
            let read = file.begin_read();
            let bucket = read.bucket("b").unwrap().unwrap();
            assert_eq!((bucket.len(), bucket.sequence()), (2000, 1));
            for key in (0..2000u32).step_by(37) {
                let value = bucket.get(key.to_be_bytes()).unwrap().unwrap();
                assert_eq!(&*value, vec![key as u8; key as usize]);
            }
            assert!(file.check().unwrap().is_clean());
        }
    }
}

/// Proves that readers go on while a writer writes, and see whole commits only.
#[test]
fn readers_and_writer_do_not_meet() {
    let dir = tempfile::tempdir().unwrap();
    let file = Options::new()
        .page_size(512)
        .grow_by(4096)
        .open(dir.path().join("file"))
        .unwrap();
    file.update(|tx| tx.create_bucket("b")?.put("a", 0u64.to_le_bytes()))
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while last < 300 {
                    let read = file.begin_read();
                    let bucket = read.bucket("b").unwrap().unwrap();
                    let values: Vec<u64> = bucket
                        .iter()
                        .map(|row| u64::from_le_bytes(row.unwrap().1[..8].try_into().unwrap()))
                        .collect();
                    assert!(values.iter().all(|value| *value == values[0]));
                    assert!(values[0] >= last);
                    last = values[0];
                }
            });
        }
        scope.spawn(|| {
            for number in 1..=300u64 {
                file.update(|tx| {
                    let mut bucket = tx.bucket_or_create("b")?;
                    for key in 0..40u8 {
                        let mut value = number.to_le_bytes().to_vec();
                        value.resize(8 + usize::from(key) * 8, key);
                        bucket.put([key], value)?;
                    }
                    bucket.put("a", number.to_le_bytes())?;
                    Ok::<_, Error>(())
                })
                .unwrap();
            }
        });
    });
    assert!(file.check().unwrap().is_clean());
}
