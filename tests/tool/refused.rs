//! Bad input: one line on stderr that says what to do, an exit code, and nothing changed.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use sapwood::pagefile::Options;

use crate::{
    content::{Sample, reader},
    program::{complaint, fine, json, printed, run, text},
};

/// Proves that what is no page file, or cannot be read, is refused by every command, in one line and without a change.
#[test]
fn other_files_are_refused() {
    let sample = Sample::small();
    let (other, empty) = (sample.path("other"), sample.path("empty"));
    fs::write(&other, vec![b'x'; 20_000]).unwrap();
    fs::write(&empty, "").unwrap();
    let none = sample.path("none");
    let folder = sample.folder.path();
    let target = sample.path("target");
    let commands: [&[&str]; 12] = [
        &["info"],
        &["check"],
        &["stats"],
        &["pages"],
        &["page", "1"],
        &["buckets"],
        &["keys", "b"],
        &["get", "b", "k"],
        &["put", "b", "k", "v"],
        &["delete", "b", "k"],
        &["compact", text(&target)],
        &["backup", text(&target)],
    ];
    for command in commands {
        let with = |file: &std::path::Path| -> Vec<String> {
            let [name, rest @ ..] = command else { panic!() };
            [name, text(file)]
                .iter()
                .chain(rest)
                .map(ToString::to_string)
                .collect()
        };
        let refused = complaint(&with(&other), 2);
        assert!(
            refused.starts_with(&format!("{}: the file is not a page file. ", text(&other))),
            "{refused}"
        );
        let refused = complaint(&with(&none), 2);
        assert_eq!(refused, format!("{}: there is no such file", text(&none)));
        let refused = complaint(&with(folder), 2);
        assert_eq!(
            refused,
            format!(
                "{}: it is a folder, and a page file was asked for",
                text(folder)
            )
        );
        if command[0] != "check" {
            let refused = complaint(&with(&empty), 1);
            assert!(
                refused.contains("has 0 bytes where it must have at least 8192"),
                "{refused}"
            );
        }
    }
    assert_eq!(
        printed(&run(&["check", text(&empty)]), 1).lines().count(),
        3
    );
    assert_eq!(fs::read(&empty).unwrap(), b"");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 3);
}

/// Proves that a file of a newer format is refused, and said to be one.
#[test]
fn newer_files_are_refused() {
    let sample = Sample::small();
    let file = sample.file();
    let mut bytes = fs::read(&file).unwrap();
    bytes[8] = 9;
    let sum = twox_hash::XxHash3_64::oneshot(&bytes[..504]);
    bytes[504..512].copy_from_slice(&sum.to_le_bytes());
    fs::write(&file, bytes).unwrap();
    let saved = sample.path("saved");
    let words =
        "the page file has format 9, this version reads up to format 1. It takes a newer sapwood";
    let commands: [&[&str]; 3] = [
        &["info", text(&file)],
        &["check", text(&file)],
        &["recover", text(&file), text(&saved), "--unverified"],
    ];
    for arguments in commands {
        let refused = complaint(arguments, 2);
        assert!(refused.ends_with(words), "{refused}");
    }
}

/// Proves that a file that another process writes is refused with what to do, that `--wait` waits for it, and that readers read together.
#[test]
fn files_in_use_are_refused() {
    let sample = Sample::small();
    let file = sample.file();
    let options = Options::new().lock_timeout(Duration::from_secs(60));
    let writer = options.open(&file).unwrap();
    let saved = sample.path("saved");
    let commands: [&[&str]; 5] = [
        &["info", text(&file)],
        &["check", text(&file)],
        &["put", text(&file), "eu", "k", "v"],
        &["dump", text(&file), "0"],
        &["recover", text(&file), text(&saved)],
    ];
    let expected = format!(
        "{}: it is open in another process. Close it there, or wait for that with --wait SECONDS",
        text(&file)
    );
    for arguments in commands {
        let refused = complaint(&[&["--wait", "0"], arguments].concat(), 2);
        assert!(refused.starts_with(&expected), "{refused}");
    }
    let begun = Instant::now();
    complaint(&["info", text(&file), "--wait", "1"], 2);
    assert!(begun.elapsed().as_millis() >= 1000);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fine(&["info", text(&file), "--wait", "60"]));
        drop(writer);
        assert!(waiting.join().unwrap().contains("newest commit"));
    });
    let held = reader().open(&file).unwrap();
    fine(&["check", text(&file)]);
    complaint(&["put", text(&file), "eu", "k", "v", "--wait", "0"], 2);
    drop(held);
}

/// Proves that a command line that means nothing is refused in one line, and that help is given.
#[test]
fn command_lines_are_checked() {
    let sample = Sample::small();
    let file = sample.file();
    let path = text(&file);
    for (arguments, words) in [
        (&["frobnicate"][..], "unrecognized subcommand 'frobnicate'"),
        (
            &["info"],
            "the following required arguments were not provided: <FILE>",
        ),
        (
            &["info", path, "--loud"],
            "unexpected argument '--loud' found",
        ),
        (&["page", path, "x"], "invalid value 'x' for '<NUMBER>'"),
        (
            &["get", path, "a//b", "k"],
            "invalid value 'a//b' for '<BUCKET>': \"a//b\": a name is missing; text: is the empty one",
        ),
        (&["get", path, "", "k"], "invalid value '' for '<BUCKET>'"),
        (
            &["get", path, "a", "hex:0"],
            "invalid value 'hex:0' for '<KEY>': \"0\" is not hexadecimal",
        ),
        (
            &["get", path, "eu", "k", "--raw", "--json"],
            "the argument '--raw' cannot be used with '--json'",
        ),
        (
            &["put", path, "eu", "k"],
            "the following required arguments were not provided: <VALUE>",
        ),
        (
            &["put", path, "eu", "k", "v", "--value-from", "f"],
            "the argument '[VALUE]' cannot be used with '--value-from <FILE>'",
        ),
        (
            &["delete", path, "eu"],
            "the following required arguments were not provided: <KEY>",
        ),
        (
            &["bench", "--rows", "0"],
            "invalid value '0' for '--rows <N>'",
        ),
        (
            &["import", path, "--batch", "0"],
            "invalid value '0' for '--batch <LINES>'",
        ),
    ] {
        let refused = complaint(arguments, 2);
        assert!(refused.starts_with(words), "{refused}");
        assert!(refused.ends_with("See `sapwood --help`"), "{refused}");
    }
    for (arguments, words) in [
        (
            &["get", path, "nowhere", "k"][..],
            "there is no bucket nowhere",
        ),
        (
            &["keys", path, "eu/nowhere"],
            "there is no bucket eu/nowhere",
        ),
        (&["stats", path, "nowhere"], "there is no bucket nowhere"),
        (
            &["get", path, "eu", "nothing"],
            "there is no key nothing in bucket eu",
        ),
        (
            &["get", path, "eu", "in/side"],
            "in/side is a bucket in eu, not a key",
        ),
        (&["page", path, "100000"], "no page 100000 is in use"),
        (&["dump", path, "100000"], "it has pages 0 to "),
        (
            &["dump", path, "18446744073709551615"],
            "it has pages 0 to ",
        ),
    ] {
        let refused = complaint(arguments, 1);
        assert!(
            refused.starts_with(&format!("{path}: {words}")),
            "{refused}"
        );
    }
    assert!(fine(&["--help"]).contains("Exit codes: 0"));
    assert!(fine(&["check", "--help"]).contains("the exit code"));
    assert!(fine(&["--version"]).starts_with("sapwood "));
    let called = Command::new(env!("CARGO_BIN_EXE_sapwood"))
        .output()
        .unwrap();
    assert_eq!(called.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&called.stderr).contains("Usage: sapwood"));
    assert_eq!(json(&["info", path], 0)["commit"], 1);
}

/// Proves that a folder in which nothing may be made is told, where the user is not above all rights.
#[cfg(unix)]
#[test]
fn read_only_folders_are_told() {
    use std::os::unix::fs::PermissionsExt;
    let sample = Sample::small();
    let folder = sample.path("folder");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let target = folder.join("target");
    if fs::write(folder.join("probe"), "").is_ok() {
        return;
    }
    for command in ["backup", "compact", "restore", "recover"] {
        let refused = complaint(&[command, text(&sample.file()), text(&target)], 2);
        assert!(refused.contains("ermission denied"), "{refused}");
    }
}
