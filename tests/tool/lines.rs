//! Export and import: any content comes back as it was, and a bad line leaves nothing.

use std::fs;

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
};

use crate::{
    content::{Content, Rows, Sample, content, make},
    program::{complained, complaint, fed, fine, json, printed, run, text},
};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..5),
        "[a-c/\\\\\"\\u{0}\\u{7f}ä{}]{0,6}".prop_map(String::into_bytes),
        (any::<u8>(), 0usize..1500).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn contents() -> impl Strategy<Value = Content> {
    let name = vec(prop_oneof![Just(b'a'), Just(b'/'), Just(0xff)], 0..3);
    let rows = (any::<u64>(), btree_map(bytes(), bytes(), 0..8));
    let rows = rows.prop_map(|(sequence, rows)| Rows { sequence, rows });
    let paths = btree_map(vec(name, 1..4), rows, 0..8);
    paths.prop_map(|paths| {
        let mut content = Content::new();
        for (path, rows) in paths {
            for len in 1..path.len() {
                content.entry(path[..len].to_vec()).or_default();
            }
            content.insert(path, rows);
        }
        // A key is not a bucket too.
        let names: Vec<_> = content.keys().cloned().collect();
        for path in names {
            if let Some((name, above)) = path.split_last()
                && let Some(rows) = content.get_mut(above)
            {
                rows.rows.remove(name);
            }
        }
        content
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Proves that any content comes back as it was: exported and imported, in one transaction and in many; and recovered, where nothing is damaged.
    #[test]
    fn any_content_comes_back(content_made in contents(), page_size in prop_oneof![Just(512u32), Just(4096)]) {
        let sample = Sample::of(page_size, content_made);
        let file = sample.file();
        let lines = fine(&["export", text(&file)]);
        let keys: usize = sample.content.values().map(|rows| rows.rows.len()).sum();
        prop_assert_eq!(lines.lines().count(), keys + sample.content.len());
        let (one, many, recovered) = (sample.path("one"), sample.path("many"), sample.path("recovered"));
        printed(&fed(&["import", "--create", text(&one)], lines.as_bytes()), 0);
        prop_assert_eq!(&content(&one), &sample.content);
        make(&many, 512, &Content::new());
        let output = fed(&["import", text(&many), "--batch", "2", "-"], lines.as_bytes());
        printed(&output, 0);
        prop_assert_eq!(&content(&many), &sample.content);
        let facts = json(&["recover", text(&file), text(&recovered)], 0);
        prop_assert_eq!(facts["complete"].as_bool(), Some(true));
        prop_assert_eq!(facts["keys"].as_u64(), Some(keys as u64));
        prop_assert_eq!(&content(&recovered), &sample.content);
    }
}

/// Proves that lines are what the documentation says, and that a part of a file is exported alone.
#[test]
fn lines_are_as_documented() {
    let sample = Sample::small();
    let file = sample.file();
    let lines = fine(&["export", text(&file), "--bucket", "eu/in\\/side"]);
    assert_eq!(
        lines,
        "{\"bucket\":[\"eu\",\"in/side\"],\"sequence\":0}\n\
         {\"bucket\":[\"eu\",\"in/side\"],\"key\":\"\",\"value\":\"hex:00\"}\n\
         {\"bucket\":[\"eu\",\"in/side\"],\"key\":\"k\",\"value\":\"\"}\n"
    );
    let to = sample.path("lines");
    assert_eq!(fine(&["export", text(&file), text(&to)]), "");
    assert_eq!(
        fs::read_to_string(&to).unwrap(),
        fine(&["export", text(&file)])
    );
    let new = sample.path("new");
    let facts = json(
        &[
            "import",
            text(&new),
            text(&to),
            "--create",
            "--page-size",
            "1024",
        ],
        0,
    );
    let keys: usize = sample.content.values().map(|rows| rows.rows.len()).sum();
    assert_eq!(facts["lines"], keys + sample.content.len());
    assert_eq!(
        (&facts["keys"], &facts["commits"]),
        (&keys.into(), &1.into())
    );
    assert_eq!(json(&["info", text(&new)], 0)["page_size"], 1024);
    assert_eq!(content(&new), sample.content);
    let again = fine(&["import", text(&new), text(&to)]);
    assert!(
        again.ends_with(&format!("{keys} keys, 1 commit\n")),
        "{again}"
    );
    assert_eq!(content(&new), sample.content, "importing is putting");
}

/// Proves that a bad line is named with what is wrong with it, and that nothing of any line is in the file then; and no file is made.
#[test]
fn a_bad_line_leaves_nothing() {
    let sample = Sample::small();
    let file = sample.file();
    let before = fs::read(&file).unwrap();
    let good = "{\"bucket\":[\"eu\"],\"key\":\"k\",\"value\":\"v\"}";
    let long = "x".repeat(65_536);
    let long = format!("{{\"bucket\":[\"eu\"],\"key\":\"{long}\",\"value\":\"v\"}}");
    let name = "x".repeat(1025);
    let name = format!("{{\"bucket\":[\"{name}\"]}}");
    let bad = [
        ("{", "EOF while parsing an object"),
        ("[[\"a\"],\"k\",\"v\",null]", "it is no JSON object"),
        ("{}", "missing field `bucket`"),
        ("{\"bucket\":[]}", "it names no bucket"),
        (
            "{\"bucket\":[\"a\"],\"key\":\"k\"}",
            "it has a key and no value",
        ),
        (
            "{\"bucket\":[\"a\"],\"value\":\"k\"}",
            "it has a value and no key",
        ),
        ("{\"bucket\":[\"a\"],\"kye\":\"k\"}", "unknown field `kye`"),
        (
            "{\"bucket\":[\"a\"],\"key\":7,\"value\":\"\"}",
            "invalid type: integer `7`, expected a string, or {\"hex\":\"00ff\"}",
        ),
        (
            "{\"bucket\":[\"a\"],\"key\":{\"hex\":\"0\"},\"value\":\"\"}",
            "\"0\" is not hexadecimal",
        ),
        (
            "{\"bucket\":[\"a\"],\"key\":{\"base\":\"0\"},\"value\":\"\"}",
            "bytes are given as a string, or as {\"hex\":\"00ff\"}",
        ),
        (
            "{\"bucket\":[\"a\"],\"key\":\"k\",\"value\":\"v\",\"sequence\":1}",
            "a sequence is the bucket's",
        ),
        (
            "{\"bucket\":[\"a\"],\"sequence\":-1}",
            "invalid value: integer `-1`, expected u64",
        ),
        (
            "{\"bucket\":[\"eu\"],\"key\":\"in/side\",\"value\":\"v\"}",
            "\"in/side\" is a bucket, not a key",
        ),
        (
            "{\"bucket\":[\"eu\",\"web-001\"]}",
            "\"web-001\" is a key, not a bucket",
        ),
        (&long, "key of 65536 bytes is longer than 65535"),
        (&name, "bucket name of 1025 bytes is longer than 1024"),
    ];
    for (line, problem) in bad {
        let lines = format!("{good}\n\n{line}\n{good}\n");
        let refused = complained(&fed(&["import", text(&file)], lines.as_bytes()), 2);
        assert!(
            refused.starts_with(&format!("standard input, line 3: {problem}")),
            "{refused}"
        );
        assert!(refused.ends_with(". Nothing was imported"), "{refused}");
        assert!(fs::read(&file).unwrap() == before, "{problem}");
    }
    let refused = complained(&fed(&["import", text(&file)], b"\xff\n"), 2);
    assert_eq!(
        refused,
        "standard input, line 1: it is not UTF-8. Nothing was imported"
    );
    let new = sample.path("new");
    let lines = sample.path("lines");
    fs::write(&lines, format!("{good}\nx\n")).unwrap();
    let refused = complaint(&["import", "--create", text(&new), text(&lines)], 2);
    let expected = format!(
        "{}, line 2: it is no JSON object. No file was made",
        text(&lines)
    );
    assert_eq!(refused, expected);
    assert!(!new.exists());
    assert_eq!(fs::read_dir(sample.folder.path()).unwrap().count(), 2);
    // By batches, what was committed stays, and is told.
    fs::write(&lines, format!("{good}\n{good}\n{good}\nx\n")).unwrap();
    let refused = complaint(&["import", text(&file), text(&lines), "--batch", "2"], 2);
    assert!(
        refused.ends_with("line 4: it is no JSON object. Lines 1 to 2 were imported, and no other"),
        "{refused}"
    );
    assert_eq!(fine(&["get", text(&file), "eu", "k"]), "v\n");
    assert_eq!(
        run(&["import", text(&file), text(&sample.path("none"))])
            .status
            .code(),
        Some(2)
    );
}
