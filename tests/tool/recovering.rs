//! What `recover` finds that nothing vouches for; and files that it can do nothing with.

use std::{fs, time::Duration};

use sapwood::pagefile::Options;
use serde_json::json;

use crate::{
    content::{Names, Sample, content},
    program::{complaint, fine, json, printed, run, text},
};

fn names(path: &[&str]) -> Names {
    path.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// Proves that without a whole slot nothing is taken; and with `--unverified`, everything that the pages agree on, with what a damaged slot says.
#[test]
fn a_file_without_a_slot_is_recovered_unverified() {
    for sample in [Sample::small(), Sample::wide()] {
        let (damaged, saved) = (sample.path("damaged"), sample.path("saved"));
        let mut bytes = fs::read(sample.file()).unwrap();
        // In the commit's number, which is neither a name nor a page.
        bytes[17] ^= 1;
        bytes[4096 + 505] ^= 1;
        fs::write(&damaged, &bytes).unwrap();
        let refused = complaint(&["recover", text(&damaged), text(&saved)], 1);
        assert!(
            refused.ends_with("`sapwood recover --unverified` may save something"),
            "{refused}"
        );
        assert!(!saved.exists());
        let shown = printed(&run(&["check", text(&damaged)]), 1);
        assert!(
            shown.contains("offset 4096, meta slot 1: damaged"),
            "{shown}"
        );
        assert!(shown.contains("nothing can be read"), "{shown}");
        let report = json(&["check", text(&damaged)], 1);
        assert_eq!(
            (&report["sound"], &report["commit"]),
            (&json!(false), &json!(null))
        );
        let report = json(
            &["recover", text(&damaged), text(&saved), "--unverified"],
            1,
        );
        assert_eq!(
            (&report["verified"], &report["complete"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(report["damage"], json!([]));
        assert_eq!(content(&saved), sample.content);
    }
}

/// Proves that where both slots are overwritten, the trees of the file are found among its pages, each under the number of its page.
#[test]
fn a_file_without_a_head_is_searched() {
    let sample = Sample::wide();
    let (damaged, saved) = (sample.path("damaged"), sample.path("saved"));
    let mut bytes = fs::read(sample.file()).unwrap();
    bytes[..8192].fill(0);
    fs::write(&damaged, &bytes).unwrap();
    let refused = complaint(&["recover", text(&damaged), text(&saved)], 2);
    assert!(refused.contains("is not a page file"), "{refused}");
    let wrong = [
        "recover",
        text(&damaged),
        text(&saved),
        "--unverified",
        "--page-size",
        "1000",
    ];
    assert!(complaint(&wrong, 2).contains("page size 1000 is no power of two"));
    let arguments = [
        "recover",
        text(&damaged),
        text(&saved),
        "--unverified",
        "--page-size",
        "512",
    ];
    let report = json(&arguments, 1);
    assert_eq!(
        (&report["keys"], &report["commit"]),
        (&json!(0), &json!(null))
    );
    let found = content(&saved);
    // Each bucket was found once, with all of its rows, somewhere below `unverified`.
    for (path, rows) in &sample.content {
        let rows = &rows.rows;
        let same = found.iter().filter(|(found, _)| found.ends_with(path));
        let same = same.filter(|(_, found)| found.rows == *rows);
        assert_eq!(same.count(), 1, "{path:?}");
    }
    assert!(found.keys().all(|path| path[0] == b"unverified"));
}

/// Proves that a damaged leaf that still reads as one is given as it is, apart from what is sound; and so is a damaged value.
#[test]
fn damaged_pages_are_given_apart() {
    let sample = Sample::small();
    let file = sample.file();
    let (damaged, saved) = (sample.path("damaged"), sample.path("saved"));
    let bytes = fs::read(&file).unwrap();
    let at = |what: &[u8]| {
        bytes
            .windows(what.len())
            .position(|bytes| bytes == what)
            .unwrap()
    };
    for (place, key) in [(at(&[b'c'; 40]), "web-002"), (at(&[0xfe; 600]), "hex:00ff")] {
        let mut flipped = bytes.clone();
        flipped[place + 10] ^= 1;
        fs::write(&damaged, &flipped).unwrap();
        let arguments = [
            "recover",
            text(&damaged),
            text(&saved),
            "--unverified",
            "--force",
        ];
        let report = json(&arguments, 1);
        let page = &report["damage"][0]["pages"][0]["page"];
        assert_eq!(report["unverified_bucket"], "unverified");
        let apart = report["unverified"].as_array().unwrap();
        assert_eq!(apart.len(), 1, "{report}");
        assert_eq!(&apart[0]["page"], page);
        let bucket = format!("unverified/page {page}");
        let keys = fine(&["keys", text(&saved), &bucket]).lines().count();
        assert_eq!(report["damage"][0]["keys_lost"], keys);
        let got = json(&["get", text(&saved), &bucket, key], 0);
        assert!(got["value"] != json!(""));
        // Nothing of it is among the verified rows.
        let missing = complaint(&["get", text(&saved), "eu", key], 1);
        assert!(missing.contains("there is no key"), "{missing}");
        let shown = printed(&run(&arguments), 1);
        assert!(
            shown.contains(&format!("unverified, in {bucket}: ")),
            "{shown}"
        );
    }
}

/// Proves that where the slot of the last commit is damaged, the state before it is recovered; and unverified, the pages of the lost commit too.
#[test]
fn the_state_before_is_recovered() {
    let sample = Sample::small();
    let file = sample.file();
    let open = Options::new()
        .lock_timeout(Duration::from_secs(60))
        .open(&file)
        .unwrap();
    open.update(|tx| tx.bucket_or_create("eu")?.put("new", "row"))
        .unwrap();
    // Not closed: the other slot has the commit before.
    drop(open);
    let mut bytes = fs::read(&file).unwrap();
    let commit = |at: usize| u64::from_le_bytes(bytes[at + 16..at + 24].try_into().unwrap());
    let newest = if commit(0) > commit(4096) { 0 } else { 4096 };
    bytes[newest + 200] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let (saved, more) = (sample.path("saved"), sample.path("more"));
    let report = json(&["recover", text(&file), text(&saved)], 0);
    assert_eq!(report["commit"], 1);
    assert_eq!(content(&saved), sample.content);
    let report = json(&["recover", text(&file), text(&more), "--unverified"], 0);
    let found = content(&more);
    let lost = found
        .iter()
        .find(|(_, rows)| rows.rows.contains_key(&b"new"[..]));
    assert_eq!(lost.unwrap().0[0], b"unverified");
    assert_eq!(report["unverified"][0]["commit"], 2);
}

/// Proves that a file that was cut is recovered as far as it goes.
#[test]
fn a_cut_file_is_recovered_as_far_as_it_goes() {
    let sample = Sample::small();
    let bytes = fs::read(sample.file()).unwrap();
    let pages = json(&["pages", text(&sample.file())], 0);
    let (cut, saved) = (sample.path("cut"), sample.path("saved"));
    let first = pages["pages"][8]["page"].as_u64().unwrap() as usize;
    fs::write(&cut, &bytes[..first * 512]).unwrap();
    let refused = complaint(&["info", text(&cut)], 1);
    assert!(
        refused.ends_with("`sapwood recover` saves what can be read"),
        "{refused}"
    );
    let report = json(&["recover", text(&cut), text(&saved)], 1);
    assert!(!report["damage"].as_array().unwrap().is_empty());
    for (path, rows) in content(&saved) {
        let whole = &sample.content[&path];
        assert!(
            rows.rows
                .iter()
                .all(|(key, value)| whole.rows.get(key) == Some(value))
        );
    }
    fs::write(&cut, &bytes[..700]).unwrap();
    assert_eq!(
        run(&["recover", text(&cut), text(&saved), "--force"])
            .status
            .code(),
        Some(1)
    );
}

/// Proves that a file of a newer format is left alone, and that things that are there already keep their names.
#[test]
fn names_are_kept() {
    let sample = Sample::small();
    let damaged = sample.path("damaged");
    let file = Options::new().page_size(512).open(&damaged).unwrap();
    file.update(|tx| {
        tx.create_bucket("unverified")?.put("a", "1")?;
        tx.create_bucket("b")?
            .put("c", "rather long, so that it can be found")
    })
    .unwrap();
    file.close().unwrap();
    let mut bytes = fs::read(&damaged).unwrap();
    let at = bytes
        .windows(6)
        .position(|bytes| bytes == b"rather")
        .unwrap();
    bytes[at] ^= 1;
    fs::write(&damaged, &bytes).unwrap();
    let saved = sample.path("saved");
    let report = json(
        &["recover", text(&damaged), text(&saved), "--unverified"],
        1,
    );
    assert_eq!(report["unverified_bucket"], "unverified+");
    let found = content(&saved);
    assert_eq!(found[&names(&["unverified"])].rows.len(), 1);
    assert_eq!(found[&names(&["b"])].rows.len(), 0);
}
