//! What is lost, for people and for programs.

use std::ops::Bound;

use sapwood::pagefile::{Damage, DamagedPage, PageKind};
use serde::Serialize;

use crate::{
    path::{shown_path, texts},
    size::count,
    text::{Text, shown},
};

/// The damage of a bucket, for JSON.
#[derive(Serialize)]
pub struct DamageRow {
    bucket: Vec<Text>,
    keys_lost: u64,
    buckets_lost: u64,
    pages: Vec<PageRow>,
}

/// A damaged page, for JSON.
#[derive(Serialize)]
struct PageRow {
    page: u64,
    pages: u64,
    offset: u64,
    kind: &'static str,
    /// The first key that can be lost; without it, all before `keys_before`.
    keys_from: Option<Text>,
    /// All lost keys are below this one.
    keys_before: Option<Text>,
    /// The only key that is lost.
    key: Option<Text>,
    reason: &'static str,
}

pub fn rows(damage: &[Damage]) -> Vec<DamageRow> {
    let row = |damage: &Damage| DamageRow {
        bucket: texts(&damage.bucket),
        keys_lost: damage.keys_lost,
        buckets_lost: damage.buckets_lost,
        pages: damage.pages.iter().map(page_row).collect(),
    };
    damage.iter().map(row).collect()
}

fn page_row(page: &DamagedPage) -> PageRow {
    let key = |bound: &Bound<Vec<u8>>| match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(Text(key.clone())),
        Bound::Unbounded => None,
    };
    let is_value = page.kind == PageKind::Value;
    let [from, before] = [&page.keys.0, &page.keys.1].map(key);
    PageRow {
        page: page.page,
        pages: page.pages,
        offset: page.offset,
        kind: kind(page.kind),
        key: from.clone().filter(|_| is_value),
        keys_from: from.filter(|_| !is_value),
        keys_before: before.filter(|_| !is_value),
        reason: page.reason,
    }
}

pub fn kind(kind: PageKind) -> &'static str {
    match kind {
        PageKind::Branch => "branch",
        PageKind::Leaf => "leaf",
        PageKind::Root => "root",
        PageKind::Value => "value",
        _ => "other",
    }
}

/// Lines about each damaged page, and what is lost in each bucket.
pub fn lines(damage: &[Damage]) -> Vec<String> {
    let mut lines = Vec::new();
    for damage in damage {
        let bucket = match damage.bucket.as_slice() {
            [] => "the tree of buckets".to_owned(),
            names => format!("bucket {}", shown_path(names)),
        };
        for page in &damage.pages {
            lines.push(format!(
                "{}, offset {}, {} of {bucket}, {}: {}",
                pages(page.page, page.pages),
                page.offset,
                kind(page.kind),
                keys(page),
                page.reason
            ));
        }
        lines.push(lost(damage, &bucket));
    }
    lines
}

fn lost(damage: &Damage, bucket: &str) -> String {
    let mut lost = Vec::new();
    if damage.keys_lost > 0 {
        lost.push(count(damage.keys_lost, "key"));
    }
    if damage.buckets_lost > 0 {
        let buckets = count(damage.buckets_lost, "bucket");
        lost.push(format!("{buckets} with all that lies there"));
    }
    if lost.is_empty() {
        lost.push("nothing".to_owned());
    }
    format!("lost in {bucket}: {}", lost.join(" and "))
}

/// A page, or a run of pages.
pub fn pages(page: u64, pages: u64) -> String {
    if pages > 1 {
        format!("pages {page} to {}", page + pages - 1)
    } else {
        format!("page {page}")
    }
}

fn keys(page: &DamagedPage) -> String {
    match &page.keys {
        (Bound::Included(key), Bound::Included(_)) => format!("key {}", shown(key)),
        (Bound::Included(from), Bound::Excluded(to)) => {
            format!("keys from {} to before {}", shown(from), shown(to))
        }
        (Bound::Included(from), _) => format!("keys from {} on", shown(from)),
        (_, Bound::Excluded(to)) => format!("keys before {}", shown(to)),
        _ => "all keys".to_owned(),
    }
}
