//! A flipped bit: the tool names the page, the bucket and the keys that are lost, and gets out all others.

use std::{
    fs,
    ops::{Bound, ControlFlow, RangeBounds},
};

use sapwood::pagefile::PageKind;
use serde_json::{Value, json};

use crate::{
    content::{Content, Names, Sample, content},
    program::{fine, json, printed, run, text},
};

type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// A page that is reached.
struct Page {
    number: u64,
    pages: u64,
    kind: PageKind,
    bucket: Names,
    keys: Range,
}

fn pages(sample: &Sample) -> Vec<Page> {
    let mut pages = Vec::new();
    let damage = sample.open().begin_read().pages(&mut |page| {
        pages.push(Page {
            number: page.page,
            pages: page.pages,
            kind: page.kind,
            bucket: page.bucket.to_vec(),
            keys: (
                page.keys.0.map(<[u8]>::to_vec),
                page.keys.1.map(<[u8]>::to_vec),
            ),
        });
        ControlFlow::Continue(())
    });
    assert!(damage.is_empty());
    pages
}

/// What is left of a content without what is below a page; and how many keys and buckets of the page's own bucket are gone.
fn without(content: &Content, page: &Page) -> (Content, u64, u64) {
    let depth = page.bucket.len();
    let is_value = page.kind == PageKind::Value;
    let (mut keys, mut buckets) = (0, 0);
    let mut left = content.clone();
    if let Some(rows) = left.get_mut(&page.bucket) {
        let before = rows.rows.len();
        rows.rows.retain(|key, _| !page.keys.contains(key));
        keys = (before - rows.rows.len()) as u64;
    }
    left.retain(|path, _| {
        let is_below = !is_value
            && path.len() > depth
            && path.starts_with(&page.bucket)
            && page.keys.contains(&path[depth]);
        buckets += u64::from(is_below && path.len() == depth + 1);
        !is_below
    });
    (left, keys, buckets)
}

fn flip(sample: &Sample, at: u64) -> std::path::PathBuf {
    let mut bytes = fs::read(sample.file()).unwrap();
    bytes[usize::try_from(at).unwrap()] ^= 1 << (at % 8);
    let damaged = sample.path("damaged");
    fs::write(&damaged, bytes).unwrap();
    damaged
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(map) => {
            let hex = map["hex"].as_str().unwrap().as_bytes().chunks(2);
            let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
            Some(hex.map(byte).collect())
        }
        _ => None,
    }
}

/// That a report tells of this page, and of nothing else.
fn tells(report: &Value, page: &Page, keys: u64, buckets: u64) {
    let damage = report["damage"].as_array().unwrap();
    assert_eq!(damage.len(), 1, "{report}");
    let names = damage[0]["bucket"].as_array().unwrap().iter();
    assert_eq!(
        names.map(|name| bytes(name).unwrap()).collect::<Names>(),
        page.bucket
    );
    assert_eq!(damage[0]["keys_lost"], keys, "{report}");
    assert_eq!(damage[0]["buckets_lost"], buckets, "{report}");
    let told = damage[0]["pages"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{report}");
    let told = &told[0];
    assert_eq!(told["page"], page.number);
    assert_eq!(told["pages"], page.pages);
    assert_eq!(told["offset"], page.number * 512);
    let is_root = page.keys == (Bound::Unbounded, Bound::Unbounded);
    let kind = match page.kind {
        PageKind::Value => "value",
        _ if is_root => "root",
        PageKind::Branch => "branch",
        _ => "leaf",
    };
    assert_eq!(told["kind"], kind);
    if page.kind == PageKind::Value {
        assert_eq!(Bound::Included(bytes(&told["key"]).unwrap()), page.keys.0);
        return;
    }
    let from = bytes(&told["keys_from"]).map_or(Bound::Unbounded, Bound::Included);
    let to = bytes(&told["keys_before"]).map_or(Bound::Unbounded, Bound::Excluded);
    assert_eq!((from, to), page.keys);
}

fn each_page(sample: &Sample) -> usize {
    let pages = pages(sample);
    for (at, page) in (0..).zip(&pages) {
        // Anywhere in the page, a different place for each.
        let offset = page.number * 512 + (at * 97) % (page.pages * 512);
        let damaged = flip(sample, offset);
        let before = fs::read(&damaged).unwrap();
        let (left, keys, buckets) = without(&sample.content, page);
        let report = json(&["check", text(&damaged)], 1);
        assert_eq!(report["sound"], false);
        tells(&report, page, keys, buckets);
        assert_eq!(report["problems"], json!([]), "the damage says it all");

        let shown = printed(&run(&["check", text(&damaged)]), 1);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines.len(), 3, "{shown}");
        let number = page.number;
        let place = format!("page {number}, offset {}, ", number * 512);
        let run_place = format!("pages {number} to {}, offset ", number + page.pages - 1);
        assert!(
            lines[0].starts_with(&place) || lines[0].starts_with(&run_place),
            "{shown}"
        );
        assert!(lines[1].starts_with("lost in "), "{shown}");
        assert!(lines[2].starts_with("not sound. "), "{shown}");

        let saved = sample.path("saved");
        let report = json(&["recover", text(&damaged), text(&saved), "--force"], 1);
        tells(&report, page, keys, buckets);
        assert_eq!(
            content(&saved),
            left,
            "page {number}: every row that is not below it, and no other"
        );
        let rows: usize = left.values().map(|rows| rows.rows.len()).sum();
        assert_eq!(report["keys"], rows);
        assert_eq!(report["buckets"], left.len());
        assert!(fs::read(&damaged).unwrap() == before);

        let map = printed(&run(&["pages", text(&damaged)]), 1);
        assert!(map.lines().take(30).any(|line| line.contains('!')), "{map}");
        let shown = json(&["page", text(&damaged), &number.to_string()], 1);
        assert_eq!(shown["state"], "damaged");
    }
    pages.len()
}

/// Proves, for every page of a small file: a flipped bit in it is told with the page, its place, its kind, its bucket, the range of its keys and how many are
/// lost; and `recover` saves every row and bucket that is not below it, and no other.
#[test]
fn every_flipped_page_is_told() {
    let told = each_page(&Sample::small());
    assert!(told > 12, "{told}");
}

/// Proves the same where the tree of buckets has pages of its own.
#[test]
fn flipped_pages_of_the_tree_of_buckets_are_told() {
    let sample = Sample::wide();
    let directory = pages(&sample)
        .into_iter()
        .filter(|page| page.bucket.is_empty());
    assert!(directory.count() >= 3);
    each_page(&sample);
}

/// Proves that the words for people name page, offset, bucket and keys.
#[test]
fn the_words_are_plain() {
    let sample = Sample::small();
    let page = pages(&sample).into_iter().find(|page| {
        matches!(page.keys, (Bound::Included(_), Bound::Excluded(_))) && page.kind == PageKind::Leaf
    });
    let page = page.unwrap();
    let damaged = flip(&sample, page.number * 512 + 40);
    let (_, keys, _) = without(&sample.content, &page);
    let (Bound::Included(from), Bound::Excluded(to)) = &page.keys else {
        panic!()
    };
    let (from, to) = (String::from_utf8_lossy(from), String::from_utf8_lossy(to));
    let shown = printed(&run(&["check", text(&damaged)]), 1);
    let expected = format!(
        "page {}, offset {}, leaf of bucket eu, keys from {from} to before {to}: its checksum is not the one in its parent\n\
         lost in bucket eu: {keys} keys\n",
        page.number,
        page.number * 512,
    );
    assert!(shown.starts_with(&expected), "{shown}\n{expected}");
}

/// Proves that a flipped bit in a meta slot is told, that nothing is lost with it, and that one in a free page is none.
#[test]
fn flipped_slots_are_told() {
    let sample = Sample::small();
    let saved = sample.path("saved");
    for (slot, offset) in [(0, 0), (1, 4096)] {
        for at in (0..512).step_by(73) {
            let damaged = flip(&sample, offset + at);
            let shown = printed(&run(&["check", text(&damaged)]), 1);
            let page = offset / 512;
            assert!(
                shown.starts_with(&format!("page {page}, offset {offset}, meta slot {slot}: ")),
                "{shown}"
            );
            let report = json(&["check", text(&damaged)], 1);
            assert_eq!(report["damage"], json!([]));
            assert_ne!(report["slots"][slot]["state"], "whole");
            assert_eq!(report["slots"][1 - slot]["state"], "whole");
            let report = json(&["recover", text(&damaged), text(&saved), "--force"], 0);
            assert_eq!(report["complete"], true);
            assert_eq!(content(&saved), sample.content);
        }
    }
    let pages = json(&["pages", text(&sample.file())], 0);
    let pages = pages["pages"].as_array().unwrap();
    let last = pages.last().unwrap();
    let free = last["page"].as_u64().unwrap() + last["pages"].as_u64().unwrap();
    let len = fs::metadata(sample.file()).unwrap().len();
    if free * 512 < len {
        let damaged = flip(&sample, free * 512);
        assert!(fine(&["check", text(&damaged)]).starts_with("sound. "));
    }
}
