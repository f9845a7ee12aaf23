//! `sapwood dump`: the bytes of a page.

use std::path::PathBuf;

use clap::Args;
use sapwood::pagefile::{FileStorage, SlotState, Storage, slots};
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    open::refuse_folder,
    output::Output,
    text::hex,
};

/// Print the bytes of pages, in hexadecimal and as text; of any file, also one that cannot be opened
#[derive(Args, Debug)]
pub struct Dump {
    /// The page file
    file: PathBuf,

    /// The number of the first page
    number: u64,

    /// How many pages
    #[arg(default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,

    /// The page size, where neither meta slot tells it
    #[arg(long, value_name = "BYTES", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(512..=65536))]
    page_size: u32,
}

#[derive(Serialize)]
struct Facts {
    page: u64,
    offset: u64,
    hex: String,
}

/// The bytes of a line.
const LINE: usize = 16;

impl Dump {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        refuse_folder(&self.file)?;
        let slots = slots(&self.file, context.wait).map_err(Failure::of(&self.file))?;
        let told = slots.iter().find_map(|slot| match slot.state {
            SlotState::Whole { page_size, .. } => Some(page_size),
            _ => None,
        });
        let page_size = told.unwrap_or(self.page_size);
        let failed = Failure::io(&self.file);
        let storage = FileStorage::new(std::fs::File::open(&self.file).map_err(&failed)?);
        let pages = storage.len().map_err(&failed)? / u64::from(page_size);
        let end = self.number.checked_add(self.count);
        if end.is_none_or(|end| end > pages) {
            let what = format!("it has pages 0 to {} only", pages.saturating_sub(1));
            let file = self.file.clone();
            return Err(Failure::Missing { file, what });
        }
        let mut out = Output::new();
        let mut bytes = vec![0; page_size as usize];
        for page in self.number..self.number + self.count {
            let offset = page * u64::from(page_size);
            storage.read_at(offset, &mut bytes).map_err(&failed)?;
            if context.json {
                let hex = hex(&bytes);
                out.json(&Facts { page, offset, hex })?;
            } else {
                out.line(format!("page {page}"))?;
                print(&bytes, offset, &mut out)?;
            }
        }
        out.finish()?;
        Ok(Verdict::Fine)
    }
}

/// Lines of 16 bytes with their offset in the file; a star stands for lines that are as the one before.
fn print(bytes: &[u8], offset: u64, out: &mut Output) -> Result<(), Failure> {
    let mut previous: Option<&[u8]> = None;
    let mut is_starred = false;
    for (at, line) in (offset..).step_by(LINE).zip(bytes.chunks(LINE)) {
        if previous == Some(line) {
            if !is_starred {
                out.line("*")?;
            }
            is_starred = true;
            continue;
        }
        is_starred = false;
        previous = Some(line);
        let pairs: Vec<_> = line.chunks(2).map(hex).collect();
        let text = line.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        });
        out.line(format!(
            "{at:010x}  {:39}  {}",
            pairs.join(" "),
            text.collect::<String>()
        ))?;
    }
    Ok(())
}
