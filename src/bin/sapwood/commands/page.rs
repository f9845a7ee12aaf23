//! `sapwood page`: what a page holds.

use std::{ops::ControlFlow, path::PathBuf};

use clap::Args;
use sapwood::pagefile::{EntryContent, PageContent, PageEntry, PageView, ReadTxn};
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    open::to_read,
    output::{Output, print_json},
    path::{shown_path, texts},
    size::{percent, size},
    table::{facts, table},
    text::{Text, hex, shortened},
};

/// Show what a page holds, entry by entry, and whether the newest state reaches it
///
/// A page is shown as it lies in the file, also one that is free or damaged; `verified` tells whether its parent vouches for it. To find that out, the trees
/// are walked.
#[derive(Args, Debug)]
pub struct Page {
    /// The page file
    file: PathBuf,

    /// The number of the page
    number: u64,
}

/// Where a page is in the newest state.
#[derive(Serialize)]
struct Place {
    /// The run that it is in begins here.
    page: u64,
    /// `reached`, `damaged` or `unreached`.
    state: &'static str,
    bucket: Option<Vec<Text>>,
    #[serde(skip)]
    path: Option<String>,
}

#[derive(Serialize)]
struct Facts {
    #[serde(flatten)]
    place: Place,
    offset: u64,
    bytes: usize,
    checksum: String,
    kind: &'static str,
    level: Option<u8>,
    commit: Option<u64>,
    used_bytes: Option<u64>,
    /// Why it cannot be read as anything.
    reason: Option<&'static str>,
    entries: Vec<Row>,
}

#[derive(Serialize, Default)]
struct Row {
    key: Text,
    /// `value`, `run`, `bucket` or `child`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Text>,
    /// The length of a value in a run of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    len: Option<u64>,
    /// The page that it refers to, and how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
}

impl Page {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_read(&self.file, context)?;
        let read = file.begin_read();
        let place = place(&read, self.number);
        let view = read.page(place.page).map_err(Failure::of(&self.file))?;
        let Some(view) = view else {
            let what = format!("no page {} is in use", self.number);
            let file = self.file.clone();
            return Err(Failure::Missing { file, what });
        };
        let found = found(view, place);
        if context.json {
            print_json(&found)?;
        } else {
            print(&found)?;
        }
        Ok(if found.place.state == "damaged" {
            Verdict::Problem
        } else {
            Verdict::Fine
        })
    }
}

/// Finds a page in the newest state; one in the midst of a run is shown as that run.
fn place(read: &ReadTxn, number: u64) -> Place {
    let mut found = None;
    let is_in = |page: u64, pages: u64| (page..page.saturating_add(pages)).contains(&number);
    let damage = read.pages(&mut |page| {
        if is_in(page.page, page.pages) {
            found = Some((page.page, "reached", page.bucket.to_vec()));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    if found.is_none() {
        found = damage.iter().find_map(|damage| {
            let page = damage
                .pages
                .iter()
                .find(|page| is_in(page.page, page.pages))?;
            Some((page.page, "damaged", damage.bucket.clone()))
        });
    }
    match found {
        Some((page, state, bucket)) => Place {
            page,
            state,
            path: Some(shown_path(&bucket)),
            bucket: Some(texts(&bucket)),
        },
        None => Place {
            page: number,
            state: "unreached",
            bucket: None,
            path: None,
        },
    }
}

fn found(view: PageView, place: Place) -> Facts {
    let mut facts = Facts {
        place,
        offset: view.offset,
        bytes: view.bytes.len(),
        checksum: hex(&view.checksum.to_be_bytes()),
        kind: "unknown",
        level: None,
        commit: None,
        used_bytes: None,
        reason: None,
        entries: Vec::new(),
    };
    match view.content {
        PageContent::Node {
            level,
            commit,
            used_bytes,
            entries,
            ..
        } => {
            facts.kind = if level == 0 { "leaf" } else { "branch" };
            facts.level = Some(level);
            facts.commit = Some(commit);
            facts.used_bytes = Some(used_bytes);
            facts.entries = entries.into_iter().map(row).collect();
        }
        PageContent::Value { commit, .. } => {
            facts.kind = "value";
            facts.commit = Some(commit);
        }
        PageContent::Slots => facts.kind = "meta",
        PageContent::Zeros => facts.kind = "zeros",
        PageContent::Unknown { reason, .. } => facts.reason = Some(reason),
        _ => {}
    }
    facts
}

fn row(entry: PageEntry) -> Row {
    let row = Row {
        key: Text(entry.key),
        ..Row::default()
    };
    match entry.content {
        EntryContent::Value(value) => Row {
            kind: "value",
            value: Some(Text(value)),
            ..row
        },
        EntryContent::Run { len, page, pages } => Row {
            kind: "run",
            len: Some(len),
            page: Some(page),
            pages: Some(pages),
            ..row
        },
        EntryContent::Bucket {
            root,
            keys,
            buckets,
            sequence,
        } => Row {
            kind: "bucket",
            page: root,
            keys: Some(keys),
            buckets: Some(buckets),
            sequence: Some(sequence),
            ..row
        },
        EntryContent::Child { page, pages } => Row {
            kind: "child",
            page: Some(page),
            pages: Some(pages),
            ..row
        },
        _ => row,
    }
}

fn print(found: &Facts) -> Result<(), Failure> {
    let place = match (found.place.state, &found.place.path) {
        ("reached", Some(path)) if path.is_empty() => "verified, of the tree of buckets".to_owned(),
        ("reached", Some(path)) => format!("verified, of bucket {path}"),
        ("damaged", Some(path)) if path.is_empty() => "damaged, of the tree of buckets".to_owned(),
        ("damaged", Some(path)) => format!("damaged, of bucket {path}"),
        _ if found.kind == "meta" => "the meta slots; `sapwood info` shows them".to_owned(),
        _ => "not in use: what it holds is of an older state, or nothing".to_owned(),
    };
    let mut kind = found.kind.to_owned();
    if let Some(level) = found.level.filter(|level| *level > 0) {
        kind = format!("{kind}, level {level}");
    }
    if let Some(reason) = found.reason {
        kind = format!("{kind}: {reason}");
    }
    let mut about = vec![
        ("page", found.place.page.to_string()),
        ("offset", found.offset.to_string()),
        ("size", size(found.bytes as u64)),
        ("state", place),
        ("kind", kind),
        ("checksum", found.checksum.clone()),
    ];
    if let Some(commit) = found.commit {
        about.push(("written by commit", commit.to_string()));
    }
    if let Some(used) = found.used_bytes {
        about.push(("full", percent(used, found.bytes as u64)));
        about.push(("entries", found.entries.len().to_string()));
    }
    let mut out = Output::new();
    out.line(facts(about).to_string())?;
    if !found.entries.is_empty() {
        let mut entries = table(["key", "kind", "content"], usize::MAX);
        for row in &found.entries {
            let key = match (row.kind, row.key.0.as_slice()) {
                ("child", []) => String::new(),
                (_, key) => shortened(key, 40),
            };
            entries.add_row([key, row.kind.to_owned(), content(row)]);
        }
        out.line(entries.to_string())?;
    }
    out.finish()
}

fn content(row: &Row) -> String {
    let page = row.page.unwrap_or_default();
    match (row.kind, &row.value) {
        (_, Some(Text(value))) => shortened(value, 60),
        ("run", _) => format!("{} at page {page}", size(row.len.unwrap_or_default())),
        ("bucket", _) => format!(
            "{} keys, {} buckets, sequence {}, {}",
            row.keys.unwrap_or_default(),
            row.buckets.unwrap_or_default(),
            row.sequence.unwrap_or_default(),
            row.page
                .map_or("no page".to_owned(), |page| format!("root at page {page}")),
        ),
        _ => format!("page {page}"),
    }
}
