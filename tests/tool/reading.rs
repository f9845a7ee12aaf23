//! Commands that read: what they print, for people and for programs, and that they leave the file as it is.

use std::fs;

use serde_json::{Value, json};

use crate::{
    content::Sample,
    program::{command, fine, json, printed, run, text},
};

/// Proves that every reading command prints text and JSON, succeeds on a sound file, and changes no byte of it and makes no file beside it.
#[test]
fn reading_changes_nothing() {
    let sample = Sample::small();
    let file = sample.file();
    let before = fs::read(&file).unwrap();
    let path = text(&file);
    let commands: [&[&str]; 12] = [
        &["info", path],
        &["check", path],
        &["stats", path],
        &["stats", path, "eu"],
        &["pages", path],
        &["pages", path, "--list"],
        &["page", path, "16"],
        &["dump", path, "0", "2"],
        &["buckets", path],
        &["keys", path, "eu"],
        &["get", path, "eu", "web-001"],
        &["export", path],
    ];
    for arguments in commands {
        let shown = fine(arguments);
        assert!(!shown.trim().is_empty(), "{arguments:?}");
        assert!(
            !shown.contains('\x1b'),
            "{arguments:?}: no terminal, no colours"
        );
        let output = command(arguments).arg("--json").output().unwrap();
        for line in printed(&output, 0).lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            assert!(value.is_object(), "{arguments:?}");
        }
        assert!(fs::read(&file).unwrap() == before, "{arguments:?}");
    }
    assert_eq!(fs::read_dir(sample.folder.path()).unwrap().count(), 1);
}

/// Proves that figures about the file and its buckets are those of what is in it.
#[test]
fn figures_are_right() {
    let sample = Sample::small();
    let file = sample.file();
    let path = text(&file);
    let info = json(&["info", path], 0);
    let stats = sample.open().stats();
    assert_eq!(info["page_size"], 512);
    assert_eq!(info["commit"], stats.commit);
    assert_eq!(info["file_bytes"], fs::metadata(&file).unwrap().len());
    assert_eq!(
        (&info["buckets"], &info["closed"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(info["slots"][1]["offset"], 4096);

    let keys: usize = sample
        .content
        .values()
        .map(|bucket| bucket.rows.len())
        .sum();
    let check = json(&["check", path], 0);
    assert_eq!(check["sound"], true);
    assert_eq!(check["keys"], keys);
    assert_eq!(check["buckets"], sample.content.len());
    let all = [
        "branch_pages",
        "leaf_pages",
        "value_pages",
        "free_pages",
        "held_pages",
    ];
    let all: u64 = all.iter().map(|name| check[name].as_u64().unwrap()).sum();
    assert_eq!(check["pages"], all + 16, "every page is something");
    assert!(fine(&["check", path]).starts_with("sound. "));

    let stats = json(&["stats", path], 0);
    assert_eq!(stats["total"]["keys"], keys);
    assert_eq!(stats["total"]["leaf_pages"], check["leaf_pages"]);
    let eu = stats["buckets"].as_array().unwrap().iter();
    let eu = eu
        .filter(|row| row["bucket"] == json!(["eu"]))
        .collect::<Vec<_>>();
    assert_eq!((&eu[0]["keys"], &eu[0]["buckets"]), (&json!(62), &json!(2)));
    assert!(eu[0]["used_bytes"].as_u64() <= eu[0]["page_bytes"].as_u64());
    assert!(fine(&["stats", path]).contains("eu/in\\/side"));

    let buckets = json(&["buckets", path], 0);
    let rows = buckets["buckets"].as_array().unwrap();
    assert_eq!(rows.len(), sample.content.len());
    assert_eq!(
        rows[0],
        json!({"bucket": ["eu"], "keys": 62, "buckets": 2, "sequence": 3})
    );
    assert_eq!(rows[2]["bucket"], json!(["eu", {"hex": "ff"}]));
    assert!(fine(&["buckets", path, "us"]).contains("us/hex:ff"));
}

/// Proves that the picture has a letter for each page, and that the list has each page that is reached, with its bucket.
#[test]
fn pages_are_shown() {
    let sample = Sample::small();
    let file = sample.file();
    let path = text(&file);
    let pages = json(&["pages", path], 0);
    let listed = pages["pages"].as_array().unwrap();
    let mut letters = vec!['.'; sample.open().stats().pages as usize];
    letters[..16].fill('m');
    for row in listed {
        let at = row["page"].as_u64().unwrap() as usize;
        let letter = match row["kind"].as_str().unwrap() {
            "branch" => 'B',
            "leaf" => 'l',
            _ => 'v',
        };
        letters[at..at + row["pages"].as_u64().unwrap() as usize].fill(letter);
    }
    let text = fine(&["pages", path]);
    let map = text.lines().take_while(|line| !line.contains("damaged"));
    let map: String = map
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    assert_eq!(map, String::from_iter(letters));
    let values: Vec<_> = listed.iter().filter(|row| row["kind"] == "value").collect();
    assert_eq!(values.len(), 2);
    assert_eq!(values[0]["from"], json!({"hex": "00ff"}));
    assert_eq!(values[0]["pages"], 3);
    assert!(fine(&["pages", path, "--list"]).contains("eu/in\\/side"));
}

/// Proves that a page is shown with its entries, in its bucket, whatever it is; and that the dump has its bytes.
#[test]
fn a_page_is_shown() {
    let sample = Sample::wide();
    let file = sample.file();
    let path = text(&file);
    let bytes = fs::read(&file).unwrap();
    let listed = json(&["pages", path], 0);
    for row in listed["pages"].as_array().unwrap() {
        let number = row["page"].to_string();
        let page = json(&["page", path, &number], 0);
        for name in ["page", "kind", "bucket"] {
            assert_eq!(page[name], row[name], "page {number}: {name}");
        }
        assert_eq!(page["state"], "reached");
        if row["kind"] != "value" {
            assert_eq!(
                page["entries"].as_array().unwrap().len() as u64,
                row["entries"]
            );
            assert_eq!(page["used_bytes"], row["used_bytes"]);
        }
        let shown = fine(&["page", path, &number]);
        assert!(shown.contains("verified"), "{shown}");
        let dump = json(&["dump", path, &number], 0);
        let at = dump["offset"].as_u64().unwrap() as usize;
        let hex = bytes[at..at + 512].iter();
        let hex: Vec<_> = hex.map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(dump["hex"], hex.concat());
    }
    let run = &listed["pages"].as_array().unwrap().iter();
    let run = run.clone().find(|row| row["kind"] == "value").unwrap();
    let first = run["page"].as_u64().unwrap();
    let inside = json(&["page", path, &(first + 1).to_string()], 0);
    assert_eq!(inside["page"], first, "a page within a run is that run");
    assert_eq!(json(&["page", path, "0"], 0)["kind"], "meta");
    let dump = fine(&["dump", path, "0"]);
    assert!(dump.starts_with(
        "page 0\n0000000000  8953 4150 574f 4f44 0100 0000 0002 0000  .SAPWOOD........\n"
    ));
    assert!(dump.contains("\n*\n"));
}

/// Proves that keys come in order, in both directions, within their bounds, and with their values; and that each is given in the form that is taken.
#[test]
fn keys_are_listed() {
    let sample = Sample::small();
    let file = sample.file();
    let path = text(&file);
    let all = fine(&["keys", path, "eu"]);
    let all: Vec<_> = all.lines().collect();
    assert_eq!((all.len(), all[0], all[1]), (62, "hex:00ff", "web-0/1"));
    let mut reversed = fine(&["keys", path, "eu", "--reverse"]);
    let mut lines: Vec<_> = reversed.lines().collect();
    lines.reverse();
    assert_eq!(lines, all);
    reversed = fine(&["keys", path, "eu", "--reverse", "--limit", "2"]);
    assert_eq!(reversed, "web-059\nweb-058\n");
    let between = fine(&[
        "keys", path, "eu", "--from", "web-010", "--before", "web-012",
    ]);
    assert_eq!(between, "web-010\nweb-011\n");
    assert_eq!(
        fine(&["keys", path, "eu", "--prefix", "web-05"])
            .lines()
            .count(),
        10
    );
    assert_eq!(
        fine(&["keys", path, "eu", "--prefix", "hex:00"]),
        "hex:00ff\n"
    );
    assert_eq!(
        fine(&["keys", path, "eu", "--from", "b", "--before", "a"]),
        ""
    );
    assert_eq!(
        fine(&["keys", path, "eu/in\\/side", "--values"]),
        "text:\ttext:hex:00\nk\ttext:\n"
    );
    let output = run(&["keys", path, "eu/in\\/side", "--values", "--json"]);
    assert_eq!(
        printed(&output, 0),
        "{\"key\":\"\",\"value\":\"hex:00\"}\n{\"key\":\"k\",\"value\":\"\"}\n"
    );
    assert_eq!(fine(&["keys", path, "us/hex:ff"]), "");
}

/// Proves that a value is printed as text, as hexadecimal digits, or as its bytes, and that every key can be asked for in the form that is shown.
#[test]
fn values_are_printed() {
    let sample = Sample::small();
    let file = sample.file();
    let path = text(&file);
    let bytes = run(&["get", path, "eu", "hex:00ff", "--raw"]);
    assert_eq!(bytes.stdout, vec![0xfe; 1300]);
    assert_eq!(
        fine(&["get", path, "eu", "hex:00ff"]),
        format!("hex:{}\n", "fe".repeat(1300))
    );
    assert_eq!(fine(&["get", path, "eu", "web-0/1"]), "text\n");
    assert_eq!(
        fine(&["get", path, "eu/in\\/side", "text:"]),
        "text:hex:00\n"
    );
    let got = json(&["get", path, "eu/in\\/side", "text:"], 0);
    assert_eq!(
        got,
        json!({"bucket": ["eu", "in/side"], "key": "", "value": "hex:00"})
    );
    for key in fine(&["keys", path, "us"]).lines() {
        fine(&["get", path, "us", key]);
    }
}

/// Proves that nothing is said where whoever reads has gone away.
#[test]
fn a_broken_pipe_is_quiet() {
    let sample = Sample::small();
    let file = sample.file();
    for arguments in [
        &["export", text(&file)][..],
        &["dump", text(&file), "0", "30"],
        &["keys", text(&file), "eu"],
    ] {
        let mut child = command(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(0));
    }
}
