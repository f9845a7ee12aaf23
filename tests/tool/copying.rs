//! Copies: compact, backup, restore; where they go, and what they do not replace.

use std::fs;

use sapwood::pagefile::PageFile;

use crate::{
    content::{Sample, content},
    program::{complained, complaint, fed, fine, json, run, text},
};

/// Proves that each copy has the same content, that its source is as it was, and that the figures are those of the files.
#[test]
fn copies_are_equal() {
    let sample = Sample::small();
    let (file, compacted, backup, restored) = (
        sample.file(),
        sample.path("c"),
        sample.path("b"),
        sample.path("r"),
    );
    let before = fs::read(&file).unwrap();
    let facts = json(&["compact", text(&file), text(&compacted)], 0);
    assert_eq!(facts["bytes_before"], before.len());
    assert_eq!(facts["bytes"], fs::metadata(&compacted).unwrap().len());
    let facts = json(&["backup", text(&file), text(&backup)], 0);
    assert_eq!(facts["commit"], 1);
    assert_eq!(facts["bytes"], fs::metadata(&backup).unwrap().len());
    let facts = json(&["restore", text(&backup), text(&restored)], 0);
    assert_eq!(facts["commit"], 1);
    for copy in [&compacted, &backup, &restored] {
        assert_eq!(content(copy), sample.content);
    }
    assert!(fs::read(&file).unwrap() == before);
    assert_eq!(fs::read_dir(sample.folder.path()).unwrap().count(), 4);
    // Through pipes, the same bytes.
    let piped = run(&["backup", text(&file), "-"]);
    assert_eq!(piped.stdout, fs::read(&backup).unwrap());
    let again = sample.path("again");
    assert!(
        fed(&["restore", "-", text(&again)], &piped.stdout)
            .status
            .success()
    );
    assert_eq!(content(&again), sample.content);
    for command in ["compact", "backup"] {
        let shown = fine(&[command, text(&file), text(&again), "--force"]);
        assert!(shown.contains("KiB"), "{shown}");
    }
}

/// Proves that no file is replaced unless that is asked for, that the source never is, that a file in use is not either, and that whatever is refused leaves
/// nothing behind.
#[cfg(unix)]
#[test]
fn targets_are_safe() {
    use std::os::unix::fs::PermissionsExt;
    let sample = Sample::small();
    let (file, target) = (sample.file(), sample.path("target"));
    fs::write(&target, "precious").unwrap();
    let commands: [&[&str]; 5] = [
        &["compact"],
        &["backup"],
        &["restore"],
        &["recover"],
        &["export"],
    ];
    for command in commands {
        let with = |rest: &[&'static str], to: &'static str| -> Vec<String> {
            let to = if to == "source" { &file } else { &target };
            let paths = [text(&file), text(to)];
            command
                .iter()
                .chain(&paths)
                .chain(rest)
                .map(ToString::to_string)
                .collect()
        };
        let refused = complaint(&with(&[], "target"), 2);
        assert!(
            refused.ends_with("it is there already; give another name, or --force to replace it"),
            "{refused}"
        );
        let refused = complaint(&with(&["--force"], "source"), 2);
        assert!(
            refused.ends_with("it is the file that is read; give another one"),
            "{refused}"
        );
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        assert_eq!(content(&file), sample.content);
        assert_eq!(
            fs::read_dir(sample.folder.path()).unwrap().count(),
            2,
            "{command:?}"
        );

        fine(&with(&["--force"], "target"));
        let mode = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(sample.folder.path()).unwrap().count(),
            2,
            "{command:?}"
        );
        fs::write(&target, "precious").unwrap();
    }
    fs::remove_file(&target).unwrap();
    let open = PageFile::open(&target).unwrap();
    let refused = complaint(&["compact", text(&file), text(&target), "--force"], 2);
    assert!(
        refused.contains("it is open in another process, and is not replaced"),
        "{refused}"
    );
    drop(open);
    let folder = complaint(&["backup", text(&file), text(sample.folder.path())], 2);
    assert!(folder.contains("it is a folder"), "{folder}");
    let nowhere = sample.path("no/where");
    let refused = complaint(&["backup", text(&file), text(&nowhere)], 2);
    assert!(refused.contains("No such file or directory"), "{refused}");
}

/// Proves that a copy that is not sound, or was cut, is not restored, and that a damaged file is not backed up.
#[test]
fn only_sound_copies_are_made() {
    let sample = Sample::small();
    let (file, target) = (sample.file(), sample.path("target"));
    let bytes = fs::read(&file).unwrap();
    let mut damaged = bytes.clone();
    damaged[20 * 512 + 100] ^= 1;
    let copy = sample.path("damaged");
    fs::write(&copy, &damaged).unwrap();
    for command in ["backup", "compact", "restore"] {
        let refused = complaint(&[command, text(&copy), text(&target)], 1);
        assert!(
            refused.contains("page 20 at offset 10240 is corrupted"),
            "{refused}"
        );
    }
    let refused = complained(&fed(&["restore", "-", text(&target)], &damaged), 1);
    assert!(
        refused.contains("page 20 at offset 10240 is corrupted"),
        "{refused}"
    );
    let refused = complained(&fed(&["restore", "-", text(&target)], &bytes[..9000]), 1);
    assert!(
        refused.contains("has 9000 bytes where it must have"),
        "{refused}"
    );
    let refused = complained(&fed(&["restore", "-", text(&target)], b"text"), 2);
    assert!(refused.contains("is not a page file"), "{refused}");
    assert_eq!(fs::read_dir(sample.folder.path()).unwrap().count(), 2);
}
