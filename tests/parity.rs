//! `docs/parity.md` says what is true: each test that it names exists, each row has a test or a reason, and each test of a suite has a row.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The suites of which every test must be in the tables.
const SUITES: &[&str] = &["bbolt", "go_memdb", "promises", "refusals"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/parity.md")).unwrap()
}

/// The rows of all tables, without their heads: line number and cells.
fn rows(page: &str) -> Vec<(usize, Vec<&str>)> {
    let mut rows = Vec::new();
    let mut lines_of_table = 0;
    for (line, text) in (1..).zip(page.lines()) {
        lines_of_table = if text.starts_with('|') {
            lines_of_table + 1
        } else {
            0
        };
        // The first two lines are the head and the rule below it.
        if lines_of_table > 2 {
            let cells = text.trim_matches('|').split('|').map(str::trim);
            rows.push((line, cells.collect()));
        }
    }
    rows
}

/// What stands between backticks and looks like a test: `file.rs::name`, or `ui/folder/file.rs`. With `tests/` before it or without.
fn tests_in(cell: &str) -> Vec<&str> {
    let code = cell.split('`').skip(1).step_by(2);
    let code = code.map(|code| code.strip_prefix("tests/").unwrap_or(code));
    let tests = code.filter(|code| code.contains(".rs::") || code.starts_with("ui/"));
    tests.collect()
}

/// Whether a cell gives a reason: words, at least two of them.
fn is_reason(cell: &str) -> bool {
    let words = cell.split_whitespace();
    words
        .filter(|word| word.contains(char::is_alphabetic))
        .count()
        > 1
}

/// Where a file is that a test is named by: below `tests`, or below `src`.
fn file(name: &str) -> PathBuf {
    if name.starts_with("src/") {
        root().join(name)
    } else {
        root().join("tests").join(name)
    }
}

/// Whether a source has a test of this name: a function, or a line of a macro that makes some.
fn has_test(source: &str, name: &str) -> bool {
    let mut lines = source.lines().map(str::trim_start);
    lines.any(|line| {
        let function = line.split_once("fn ").map_or("", |(_, rest)| rest);
        let made = line.split_whitespace().any(|word| word == name) && !line.contains("fn ");
        let end = function.strip_prefix(name);
        end.is_some_and(|end| end.starts_with(['(', '<'])) || (made && !line.starts_with("//"))
    })
}

fn exists(test: &str) -> bool {
    match test.split_once("::") {
        Some((name, test)) => {
            fs::read_to_string(file(name)).is_ok_and(|source| has_test(&source, test))
        }
        // What must not compile has the compiler's words beside it.
        None => file(test).exists() && file(test).with_extension("stderr").exists(),
    }
}

/// Every test in the tables exists.
#[test]
fn every_test_that_is_named_exists() {
    let page = page();
    let rows = rows(&page);
    assert!(rows.len() > 100, "{} rows", rows.len());
    let missing: Vec<_> = rows
        .iter()
        .flat_map(|(line, cells)| {
            let tests = cells.iter().flat_map(|cell| tests_in(cell));
            tests.map(move |test| format!("line {line}: {test}"))
        })
        .filter(|named| !exists(named.split_once(": ").unwrap().1))
        .collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

/// Every row has three cells that are not empty, and in the last one a test or a reason.
#[test]
fn every_row_has_a_test_or_a_reason() {
    let page = page();
    for (line, cells) in rows(&page) {
        assert_eq!(cells.len(), 3, "line {line}: three cells");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "line {line}");
        assert!(
            !tests_in(cells[2]).is_empty() || is_reason(cells[2]),
            "line {line}: neither a test nor a reason: {}",
            cells[2]
        );
    }
}

/// Every test of the suites is in a row, so that the tables list all that is held.
#[test]
fn every_test_of_a_suite_has_a_row() {
    let page = page();
    let named: BTreeSet<_> = rows(&page)
        .into_iter()
        .flat_map(|(_, cells)| tests_in(cells[cells.len() - 1]))
        .collect();
    let mut unnamed = Vec::new();
    for suite in SUITES {
        for entry in fs::read_dir(file(suite)).unwrap() {
            let path = entry.unwrap().path();
            let source = fs::read_to_string(&path).unwrap();
            let file = path.file_name().unwrap().to_str().unwrap();
            for test in tests_of(&source) {
                let name = format!("{suite}/{file}::{test}");
                if !named.contains(name.as_str()) {
                    unnamed.push(name);
                }
            }
        }
    }
    assert!(unnamed.is_empty(), "tests without a row: {unnamed:#?}");
}

/// The names of the test functions of a source; those that a macro makes have no name to be found by.
fn tests_of(source: &str) -> Vec<&str> {
    let mut tests = Vec::new();
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") {
            marked = true;
        } else if marked && let Some(name) = line.strip_prefix("fn ") {
            marked = false;
            let name = name.split(['(', '<']).next().unwrap_or_default();
            if !name.starts_with('$') {
                tests.push(name);
            }
        }
    }
    tests
}

/// The check itself tells what is there from what is not.
#[test]
fn the_check_can_fail() {
    let table = "| a | b | c |\n|---|---|---|\n| x | y | `parity.rs::gone` |\n\n| z |\n";
    let found = rows(table);
    assert_eq!(found, [(3, vec!["x", "y", "`parity.rs::gone`"])]);
    assert_eq!(tests_in(found[0].1[2]), ["parity.rs::gone"]);
    assert!(!exists("parity.rs::not_there"));
    assert!(!exists("nowhere.rs::the_check_can_fail"));
    assert!(exists("parity.rs::the_check_can_fail"));
    assert!(!exists("ui/keys/not_there.rs"));
    assert_eq!(tests_in("`Vec` and `put`"), [""; 0]);
    assert_eq!(tests_in("`tests/a/b.rs::c`"), ["a/b.rs::c"]);
    assert!(is_reason("why not: nobody asks"));
    assert!(
        ["", "-", "later", "— —"]
            .iter()
            .all(|cell| !is_reason(cell))
    );
    assert_eq!(tests_of("#[test]\n  fn one() {}\nfn two() {}"), ["one"]);
}
