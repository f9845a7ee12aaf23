//! `sapwood pages`: what each page is used for, as a picture and as a list.

use std::{ops::Bound, ops::ControlFlow, path::PathBuf};

use clap::Args;
use sapwood::pagefile::{Damage, PageInfo, PageKind};
use serde::Serialize;

use crate::{
    context::Context,
    damage::{self, kind, pages},
    failure::{Failure, Verdict},
    map::{Map, Use},
    open::to_read,
    output::{Output, has_colours, print_json},
    path::{shown_path, texts},
    progress,
    size::{percent, size},
    table::table,
    text::{Text, shortened},
};

/// Show what the pages of a file are used for: a picture, and how many there are of each kind
#[derive(Args, Debug)]
pub struct Pages {
    /// The page file
    file: PathBuf,

    /// List each page that the newest state reaches, too
    #[arg(long)]
    list: bool,
}

#[derive(Serialize)]
struct Facts {
    page_size: u32,
    /// Pages by what they are used for.
    counts: Vec<Count>,
    /// Runs of pages that the newest state reaches.
    pages: Vec<Row>,
}

#[derive(Serialize)]
struct Count {
    kind: &'static str,
    pages: u64,
}

#[derive(Serialize)]
struct Row {
    page: u64,
    pages: u64,
    kind: &'static str,
    level: u8,
    entries: u64,
    used_bytes: u64,
    commit: Option<u64>,
    bucket: Vec<Text>,
    /// The keys that can be in it or below it start here, or are not bounded.
    from: Option<Text>,
    #[serde(skip)]
    path: String,
}

impl Pages {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_read(&self.file, context)?;
        let stats = file.stats();
        let mut map = Map::new(stats.pages);
        map.set(0, 8192_u64.div_ceil(stats.page_size.into()), Use::Meta);
        let bar = progress::pages();
        let mut rows = Vec::new();
        let mut done = 0;
        let damage = file.begin_read().pages(&mut |page| {
            map.set(page.page, page.pages, used(page.kind));
            if self.list || context.json {
                rows.push(row(page));
            }
            done += page.pages;
            progress::show(&bar)(done, stats.pages);
            ControlFlow::Continue(())
        });
        bar.finish_and_clear();
        for page in damage.iter().flat_map(|damage| &damage.pages) {
            map.set(page.page, page.pages, Use::Damaged);
        }
        let page_size = stats.page_size;
        rows.sort_by_key(|row| row.page);
        if context.json {
            print_json(&Facts {
                page_size,
                counts: counts(&map),
                pages: rows,
            })?;
        } else {
            self.print(&map, &rows, &damage, page_size)?;
        }
        Ok(if damage.is_empty() {
            Verdict::Fine
        } else {
            Verdict::Problem
        })
    }

    fn print(
        &self,
        map: &Map,
        rows: &[Row],
        damage: &[Damage],
        page_size: u32,
    ) -> Result<(), Failure> {
        let mut out = Output::new();
        for line in map.lines(has_colours()) {
            out.line(line)?;
        }
        let mut kinds = table(["kind", "pages", "size"], 1);
        for Count { kind, pages } in counts(map) {
            let bytes = size(pages * u64::from(page_size));
            kinds.add_row([kind.to_owned(), pages.to_string(), bytes]);
        }
        out.line(kinds.to_string())?;
        if self.list {
            let head = [
                "page", "kind", "level", "entries", "full", "commit", "bucket", "from",
            ];
            let mut list = table(head, usize::MAX);
            for row in rows {
                list.add_row([
                    pages(row.page, row.pages),
                    row.kind.to_owned(),
                    row.level.to_string(),
                    row.entries.to_string(),
                    percent(row.used_bytes, row.pages * u64::from(page_size)),
                    row.commit
                        .map_or_else(String::new, |commit| commit.to_string()),
                    row.path.clone(),
                    row.from
                        .as_ref()
                        .map_or_else(String::new, |Text(from)| shortened(from, 32)),
                ]);
            }
            out.line(list.to_string())?;
        }
        for line in damage::lines(damage) {
            out.line(line)?;
        }
        out.finish()
    }
}

fn used(kind: PageKind) -> Use {
    match kind {
        PageKind::Branch => Use::Branch,
        PageKind::Value => Use::Value,
        _ => Use::Leaf,
    }
}

fn row(page: &PageInfo<'_>) -> Row {
    Row {
        page: page.page,
        pages: page.pages,
        kind: kind(page.kind),
        level: page.level,
        entries: page.entries,
        used_bytes: page.used_bytes,
        commit: page.commit,
        bucket: texts(page.bucket),
        from: match page.keys.0 {
            Bound::Included(from) | Bound::Excluded(from) => Some(Text(from.to_vec())),
            Bound::Unbounded => None,
        },
        path: shown_path(page.bucket),
    }
}

fn counts(map: &Map) -> Vec<Count> {
    let counts = map.counts().into_iter().map(|(used, pages)| Count {
        kind: used.name(),
        pages,
    });
    counts.filter(|count| count.pages > 0).collect()
}
