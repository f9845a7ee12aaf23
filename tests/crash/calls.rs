//! What really goes to the system: syncs that are there and in order, reads and writes that are short and interrupted, a file system without room. Seen by a
//! library that stands between the process and the C library, so on Linux only.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sapwood::pagefile::{Error, Options, PageFile};

use super::faults::{
    change::{Shape, change},
    state::{State, read},
};

/// Runs a part of [`child`] in a process of its own, and gives its calls.
fn calls(part: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/calls.c");
    let library = dir.path().join("calls.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([library.as_os_str(), source.as_os_str()])
        .arg("-ldl")
        .status();
    assert!(built.unwrap().success(), "the C compiler that links Rust");
    let folder = dir.path().join("files");
    fs::create_dir(&folder).unwrap();
    let folder = folder.canonicalize().unwrap();
    let log = dir.path().join("log");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "calls::child", "--nocapture"])
        .env("LD_PRELOAD", &library)
        .env("CALLS_FOLDER", &folder)
        .env("CALLS_LOG", &log)
        .env("CALLS_PART", part)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(
        child.status.success() && told.contains("1 passed"),
        "{told}"
    );
    let log = fs::read_to_string(log).unwrap();
    log.lines().map(str::to_owned).collect()
}

/// What the processes of the other tests do; nothing by itself.
#[test]
fn child() {
    let Ok(part) = std::env::var("CALLS_PART") else {
        return;
    };
    let folder = PathBuf::from(std::env::var("CALLS_FOLDER").unwrap());
    let path = folder.join("file");
    match part.as_str() {
        "create" => drop(PageFile::open(path).unwrap()),
        "compact" => {
            let file = Options::new().in_memory().unwrap();
            file.update(|tx| tx.create_bucket("b")?.put("key", [7; 9000]))
                .unwrap();
            file.compact(path).unwrap();
        }
        "commit" => {
            let file = PageFile::open(path).unwrap();
            for number in 0..3u8 {
                file.update(|tx| tx.bucket_or_create("b")?.put([number], [7; 900]))
                    .unwrap();
            }
        }
        "short" => work(&path, |file, state| {
            assert_eq!(read(file).unwrap(), *state);
        }),
        "full" => fill(&folder),
        other => panic!("{other}"),
    }
}

const SHAPE: Shape = Shape {
    keys: 40,
    longest: 3000,
    most: 6,
    structure: true,
};

/// Some commits, closing and opening in between, mapped and not.
fn work(path: &Path, then: impl Fn(&PageFile, &State)) {
    let mut state = State::new();
    for round in 0..6 {
        let options = Options::new().page_size(512).grow_by(4096);
        let file = options.memory_map(round % 2 == 0).open(path).unwrap();
        for seed in 0..6 {
            let mut tx = file.begin_write().unwrap();
            change(&mut tx, &mut state, SHAPE, round * 6 + seed).unwrap();
            tx.commit().unwrap();
        }
        then(&file, &state);
        assert!(file.check().unwrap().is_clean());
        file.close().unwrap();
    }
}

/// Commits until there is no room, and then once more when there is.
fn fill(folder: &Path) {
    let path = folder.join("file");
    let file = Options::new()
        .page_size(512)
        .grow_by(4096)
        .open(&path)
        .unwrap();
    let mut state = State::new();
    let put = |number: u8, state: &mut State| {
        let value = vec![number; 700];
        file.update(|tx| tx.bucket_or_create("b")?.put([number], &value))?;
        let rows = &mut state.entry(b"b".to_vec()).or_default().rows;
        rows.insert(vec![number], value);
        Ok::<_, Error>(())
    };
    let mut numbers = 0..=255u8;
    let refused = numbers.find_map(|number| put(number, &mut state).err());
    let Some(Error::StorageFull { needed, source }) = refused else {
        panic!("{refused:?}");
    };
    assert!(needed > 0 && source.kind() == std::io::ErrorKind::StorageFull);
    let len = fs::metadata(&path).unwrap().len();
    assert_eq!(len, file.stats().file_bytes, "the file kept what it got");
    assert!(len <= 60_000);
    assert!(matches!(
        put(254, &mut state),
        Err(Error::StorageFull { .. })
    ));
    assert_eq!(read(&file).unwrap(), state);
    assert!(file.check().unwrap().is_clean());
    fs::write(folder.join("room"), "").unwrap();
    put(255, &mut state).unwrap();
    assert_eq!(read(&file).unwrap(), state);
    file.close().unwrap();
}

/// Proves that a new file is durable before it has its name, and its name before it is given to anybody.
#[test]
fn new_files_are_synced_before_they_are_named() {
    for part in ["create", "compact"] {
        let calls = calls(part, &[]);
        let named = calls.iter().position(|call| call.starts_with("link "));
        let named = named.unwrap_or_else(|| panic!("{part}: no name: {calls:?}"));
        let temporary = calls[named].split(' ').nth(1).unwrap();
        let of_file: Vec<_> = calls[..named]
            .iter()
            .filter(|call| call.split(' ').nth(1) == Some(temporary))
            .collect();
        assert!(of_file.iter().any(|call| call.starts_with("write ")));
        assert!(
            of_file.last().is_some_and(|call| call.starts_with("sync ")),
            "{part}: named before it was synced: {calls:?}"
        );
        assert!(
            calls[named..].contains(&"sync .".to_owned()),
            "{part}: its name was not synced: {calls:?}"
        );
    }
}

/// Proves that a commit writes, syncs once, and writes no more.
#[test]
fn commits_are_synced_once() {
    let calls = calls("commit", &[]);
    let named = calls.iter().rposition(|call| call == "sync .").unwrap();
    let mut commits = 0;
    let mut writes = 0;
    for call in &calls[named + 1..] {
        if call.starts_with("write ") {
            writes += 1;
        } else {
            assert!(call.starts_with("datasync ") && writes > 0, "{calls:?}");
            writes = 0;
            commits += 1;
        }
    }
    assert_eq!((commits, writes), (3, 0), "{calls:?}");
}

/// Proves that reads and writes that do less than they were asked for, or are interrupted, are carried on.
#[test]
fn short_and_interrupted_calls_are_carried_on() {
    for most in ["1000", "37"] {
        let calls = calls("short", &[("CALLS_SHORT", most)]);
        assert!(calls.len() > 300, "{}", calls.len());
    }
}

/// Proves that a file system without room refuses a commit, takes back what it took, and is written again when there is room.
#[test]
fn full_file_system_is_survived() {
    let calls = calls("full", &[("CALLS_ROOM", "60000")]);
    assert!(!calls.is_empty());
}
