//! `sapwood info`: what a file is.

use std::path::PathBuf;

use clap::Args;
use sapwood::pagefile::slots;
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    journal::{Journal, JournalRow},
    open::to_read,
    output::{Output, print_json},
    size::size,
    slots::{SlotRow, described, is_closed, rows},
    table::facts,
};

/// Tell what a file is: its size, pages, newest commit and meta slots
#[derive(Args, Debug)]
pub struct Info {
    /// The page file
    file: PathBuf,
}

#[derive(Serialize)]
struct Facts {
    file_bytes: u64,
    page_size: u32,
    pages: u64,
    commit: u64,
    buckets: u64,
    /// Whether the file was closed after its last commit.
    closed: bool,
    slots: Vec<SlotRow>,
    journal: Option<JournalRow>,
    /// What commits have left in the log, for the trees to take up.
    log_bytes: u64,
}

impl Info {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_read(&self.file, context)?;
        let slots = slots(&self.file, context.wait).map_err(Failure::of(&self.file))?;
        let journal = Journal::of(&self.file, context)?;
        let stats = file.stats();
        let facts_found = Facts {
            file_bytes: stats.file_bytes,
            page_size: stats.page_size,
            pages: stats.pages,
            commit: stats.commit,
            buckets: file.begin_read().bucket_count(),
            closed: is_closed(&slots) && journal.row().is_none() && stats.log_bytes == 0,
            slots: rows(&slots),
            journal: journal.row(),
            log_bytes: stats.log_bytes,
        };
        if context.json {
            print_json(&facts_found)?;
            return Ok(Verdict::Fine);
        }
        let closed = if facts_found.closed { "yes" } else { "no" };
        let mut out = Output::new();
        let told = journal.described().map(|told| ("journal", told));
        let log = (stats.log_bytes > 0).then(|| {
            let told = format!("{} that the trees have not", size(stats.log_bytes));
            ("log", told)
        });
        let lines = [
            ("size", size(stats.file_bytes)),
            ("page size", size(stats.page_size.into())),
            ("pages", stats.pages.to_string()),
            ("newest commit", stats.commit.to_string()),
            (
                "buckets",
                format!("{}, not counting those in others", facts_found.buckets),
            ),
            ("closed after it", closed.to_owned()),
            ("meta slot 0", described(&slots[0])),
            ("meta slot 1", described(&slots[1])),
        ];
        out.line(facts(lines.into_iter().chain(told).chain(log)).to_string())?;
        out.finish()?;
        Ok(Verdict::Fine)
    }
}
