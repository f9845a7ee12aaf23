//! `sapwood stats`: what each bucket holds and takes.

use std::path::PathBuf;

use clap::Args;
use sapwood::pagefile::BucketStats;
use serde::Serialize;

use crate::{
    buckets::{each, find},
    context::Context,
    failure::{Failure, Verdict},
    journal::{Journal, JournalRow},
    open::to_read,
    output::{Output, print_json},
    path::{BucketPath, shown_path, texts},
    size::{percent, size},
    table::table,
    text::Text,
};

/// Tell what each bucket holds and takes: keys, pages, depth, and how full its pages are
#[derive(Args, Debug)]
pub struct Stats {
    /// The page file
    file: PathBuf,

    /// Only this bucket, and those that lie in it
    bucket: Option<BucketPath>,
}

#[derive(Serialize)]
struct Facts {
    page_size: u32,
    file_bytes: u64,
    buckets: Vec<Row>,
    total: Figures,
    /// What is not in these.
    journal: Option<JournalRow>,
}

#[derive(Serialize)]
struct Row {
    bucket: Vec<Text>,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize, Default)]
struct Figures {
    keys: u64,
    buckets: u64,
    depth: u32,
    branch_pages: u64,
    leaf_pages: u64,
    value_pages: u64,
    /// Bytes in use on these pages.
    used_bytes: u64,
    /// Bytes that these pages have.
    page_bytes: u64,
}

impl Figures {
    fn new(stats: &BucketStats, page_size: u32) -> Self {
        let pages = stats.branch_pages + stats.leaf_pages + stats.value_pages;
        Self {
            keys: stats.keys,
            buckets: stats.buckets,
            depth: stats.depth,
            branch_pages: stats.branch_pages,
            leaf_pages: stats.leaf_pages,
            value_pages: stats.value_pages,
            used_bytes: stats.branch_bytes + stats.leaf_bytes + stats.value_bytes,
            page_bytes: pages * u64::from(page_size),
        }
    }

    fn add(&mut self, other: &Self) {
        self.keys += other.keys;
        self.buckets += other.buckets;
        self.depth = self.depth.max(other.depth);
        self.branch_pages += other.branch_pages;
        self.leaf_pages += other.leaf_pages;
        self.value_pages += other.value_pages;
        self.used_bytes += other.used_bytes;
        self.page_bytes += other.page_bytes;
    }

    fn cells(&self, name: String) -> [String; 9] {
        [
            name,
            self.keys.to_string(),
            self.buckets.to_string(),
            self.depth.to_string(),
            self.branch_pages.to_string(),
            self.leaf_pages.to_string(),
            self.value_pages.to_string(),
            size(self.page_bytes),
            percent(self.used_bytes, self.page_bytes),
        ]
    }
}

impl Stats {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_read(&self.file, context)?;
        let journal = Journal::of(&self.file, context)?;
        let stats = file.stats();
        let read = file.begin_read();
        let bucket = find(&read, &self.file, self.bucket.as_ref())?;
        let path = self
            .bucket
            .as_ref()
            .map_or_else(Vec::new, |path| path.0.clone());
        let mut rows = Vec::new();
        let mut total = Figures::default();
        each(
            &self.file,
            stats.file_bytes,
            (path, bucket),
            |path, bucket| {
                let found = bucket.stats().map_err(Failure::of(&self.file))?;
                let figures = Figures::new(&found, stats.page_size);
                total.add(&figures);
                rows.push((path.to_vec(), figures));
                Ok(())
            },
        )?;
        if context.json {
            let row = |(path, figures): (Vec<Vec<u8>>, _)| Row {
                bucket: texts(&path),
                figures,
            };
            print_json(&Facts {
                page_size: stats.page_size,
                file_bytes: stats.file_bytes,
                buckets: rows.into_iter().map(row).collect(),
                total,
                journal: journal.row(),
            })?;
            return Ok(Verdict::Fine);
        }
        let mut table = table(
            [
                "bucket", "keys", "buckets", "depth", "branches", "leaves", "values", "pages",
                "full",
            ],
            1,
        );
        for (path, figures) in &rows {
            let name = match path.as_slice() {
                [] => "(tree of buckets)".to_owned(),
                path => shown_path(path),
            };
            table.add_row(figures.cells(name));
        }
        table.add_row(total.cells("all of these".to_owned()));
        let mut out = Output::new();
        out.line(table.to_string())?;
        out.line(format!(
            "file: {}, of which these pages are {}",
            size(stats.file_bytes),
            percent(total.page_bytes, stats.file_bytes)
        ))?;
        if let Some(journal) = journal.described() {
            out.line(format!("journal, not counted: {journal}"))?;
        }
        out.finish()?;
        Ok(Verdict::Fine)
    }
}
