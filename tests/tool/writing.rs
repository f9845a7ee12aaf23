//! Commands that write: put, delete, and the benchmark.

use std::fs;

use sapwood::pagefile::PageFile;
use serde_json::json;

use crate::{
    content::{Sample, content},
    program::{complaint, fed, fine, json, printed, text},
};

/// Proves that what is put is there, as it was given, and nothing else has changed; and that each is one commit in a file that is closed.
#[test]
fn put_and_delete_change_one_key() {
    let sample = Sample::small();
    let file = sample.file();
    let path = text(&file);
    let mut expected = content(&file);
    let added = fine(&["put", path, "eu", "hex:00", "hex:ff00"]);
    assert_eq!(added, "added hex:00 in eu, commit 2\n");
    expected
        .get_mut(&vec![b"eu".to_vec()])
        .unwrap()
        .rows
        .insert(vec![0], vec![0xff, 0]);
    assert_eq!(content(&file), expected);
    let replaced = json(&["put", path, "eu", "hex:00", "--", "-dash"], 0);
    assert_eq!(
        replaced,
        json!({"bucket": ["eu"], "key": "\u{0}", "replaced": true, "commit": 3})
    );
    assert_eq!(fine(&["get", path, "eu", "hex:00"]), "-dash\n");
    let deleted = fine(&["delete", path, "eu", "hex:00"]);
    assert_eq!(deleted, "deleted hex:00 from eu, commit 4\n");
    expected
        .get_mut(&vec![b"eu".to_vec()])
        .unwrap()
        .rows
        .remove(&vec![0]);
    assert_eq!(content(&file), expected);
    let info = json(&["info", path], 0);
    assert_eq!(
        (&info["closed"], &info["commit"]),
        (&json!(true), &json!(4))
    );
}

/// Proves that values come out of files and pipes with all of their bytes, and that buckets are made and deleted when that is asked for.
#[test]
fn put_takes_bytes_and_makes_buckets() {
    let sample = Sample::small();
    let file = sample.file();
    let path = text(&file);
    let value: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let from = sample.path("value");
    fs::write(&from, &value).unwrap();
    let missing = complaint(&["put", path, "new/deep", "k", "v"], 2);
    assert_eq!(
        missing,
        format!("{path}: there is no bucket \"new/deep\". --create makes it")
    );
    fine(&[
        "put",
        path,
        "new/deep",
        "k",
        "--create",
        "--value-from",
        text(&from),
    ]);
    let output = fed(&["put", path, "new/deep", "l", "--value-from", "-"], &value);
    printed(&output, 0);
    let deep = vec![b"new".to_vec(), b"deep".to_vec()];
    let rows = content(&file).remove(&deep).unwrap().rows;
    assert_eq!(
        rows.into_values().collect::<Vec<_>>(),
        [value.clone(), value]
    );
    assert_eq!(
        fine(&["delete", path, "new/deep", "--bucket"]),
        "deleted bucket new/deep, commit 4\n"
    );
    let deleted = json(&["delete", path, "new", "--bucket"], 0);
    assert_eq!(
        deleted,
        json!({"bucket": ["new"], "key": null, "commit": 5})
    );
    assert_eq!(content(&file), sample.content);
}

/// Proves that where there is nothing to delete, nothing is written, and the exit code says so.
#[test]
fn nothing_is_deleted_twice() {
    let sample = Sample::small();
    let file = sample.file();
    let path = text(&file);
    let before = fs::read(&file).unwrap();
    for (arguments, what) in [
        (
            &["delete", path, "eu", "none"][..],
            "there is no key none in bucket eu",
        ),
        (
            &["delete", path, "none", "k"],
            "there is no key k in bucket none",
        ),
        (
            &["delete", path, "eu/none", "--bucket"],
            "there is no bucket eu/none",
        ),
    ] {
        assert_eq!(complaint(arguments, 1), format!("{path}: {what}"));
    }
    let refused = complaint(&["delete", path, "eu", "in/side"], 2);
    assert_eq!(
        refused,
        format!("{path}: \"in/side\" is a bucket, not a key")
    );
    let refused = complaint(&["put", path, "eu", "in/side", "v"], 2);
    assert_eq!(
        refused,
        format!("{path}: \"in/side\" is a bucket, not a key")
    );
    assert!(fs::read(&file).unwrap() == before);
}

/// Proves that a file that is mostly free gets smaller where it lies, holds what it held, and can be written again.
#[test]
fn a_file_is_shrunk_in_place() {
    let sample = Sample::small();
    let file = sample.file();
    let path = text(&file);
    let line = |i| format!(r#"{{"bucket":["much"],"key":"{i}","value":"{i:0100}"}}"#);
    let lines: Vec<_> = (0..2000).map(line).collect();
    printed(&fed(&["import", path], lines.join("\n").as_bytes()), 0);
    fine(&["put", path, "us", "late", "row"]);
    fine(&["delete", path, "much", "--bucket"]);
    fine(&["put", path, "us", "later", "row"]);
    let before = content(&file);
    let len = fs::metadata(&file).unwrap().len();
    let facts = json(&["shrink", path], 0);
    let shrunk = fs::metadata(&file).unwrap().len();
    assert_eq!(
        (&facts["bytes_before"], &facts["bytes"]),
        (&len.into(), &shrunk.into())
    );
    assert_eq!(facts["held_back"], json!(null));
    assert!(shrunk <= 64 * 1024, "{shrunk}");
    assert_eq!(content(&file), before);
    assert!(fine(&["check", path]).starts_with("sound. "));
    assert!(fine(&["shrink", path, "--spare", "50"]).contains("0 pages moved in 0 commits"));
    fine(&["put", path, "us", "latest", "row"]);
}

/// Proves that the benchmark measures what it says, and leaves nothing in the folder.
#[test]
fn the_benchmark_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let small = [
        "bench",
        text(folder.path()),
        "--rows",
        "500",
        "--commits",
        "5",
        "--reads",
        "50",
    ];
    let measured = json(&small, 0);
    let counts: Vec<_> = measured["measured"].as_array().unwrap().iter().collect();
    let counts: Vec<_> = counts
        .iter()
        .map(|row| row["count"].as_u64().unwrap())
        .collect();
    assert_eq!(counts, [500, 5, 5, 50]);
    assert_eq!(measured["measured"][1]["syncs"], 1.0);
    assert!(measured["file_bytes"].as_u64().unwrap() > 500 * 174);
    assert!(fine(&small).contains("commit of 100 rows"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // A file that is there is not touched.
    let file = folder.path().join("file");
    PageFile::open(&file).unwrap().close().unwrap();
    let refused = complaint(&["bench", text(&file)], 2);
    assert_eq!(refused, format!("{}: it is no folder", text(&file)));
}
