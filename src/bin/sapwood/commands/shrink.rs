//! `sapwood shrink`: a file made smaller where it lies.

use std::{ops::ControlFlow, path::PathBuf};

use clap::Args;
use sapwood::pagefile::{HeldBack, ShrinkOptions};
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    open::to_write,
    output::{Output, print_json},
    progress,
    size::{count, percent, size},
};

/// Make the file smaller where it lies: move what is near its end into free space before it, and give the end back
///
/// It is done by commits of a bounded size, so that a crash at any time leaves a sound file. `compact` makes a smaller file yet, and needs room for a copy.
#[derive(Args, Debug)]
pub struct Shrink {
    /// The page file; it is changed
    file: PathBuf,

    /// How much of the file may stay free, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=100))]
    spare: u32,
}

#[derive(Serialize)]
struct Facts {
    bytes_before: u64,
    bytes: u64,
    pages_moved: u64,
    commits: u64,
    /// Why it is not as short as was asked for: `reader`, `no room` or `stopped`.
    held_back: Option<&'static str>,
}

impl Shrink {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_write(&self.file, context)?;
        let bar = progress::steps(None, "pages moved");
        let options = ShrinkOptions::new().spare(self.spare);
        let shrunk = file.shrink_with(&options, |done| {
            bar.set_position(done.pages_moved);
            ControlFlow::Continue(())
        });
        bar.finish_and_clear();
        let shrunk = shrunk.map_err(Failure::of(&self.file))?;
        file.close().map_err(Failure::of(&self.file))?;
        let (before, bytes) = (shrunk.bytes_before, shrunk.bytes_after);
        let held_back = shrunk.held_back.map(held_back);
        if context.json {
            print_json(&Facts {
                bytes_before: before,
                bytes,
                pages_moved: shrunk.pages_moved,
                commits: shrunk.commits,
                held_back,
            })?;
            return Ok(Verdict::Fine);
        }
        let mut out = Output::new();
        out.line(format!(
            "{}: {}, {} of {}; {} moved in {}",
            self.file.display(),
            size(bytes),
            percent(bytes, before),
            size(before),
            count(shrunk.pages_moved, "page"),
            count(shrunk.commits, "commit"),
        ))?;
        if let Some(why) = held_back {
            out.line(format!("not as short as it could be: {why}; `sapwood compact` makes a copy without free pages"))?;
        }
        out.finish()?;
        Ok(Verdict::Fine)
    }
}

fn held_back(why: HeldBack) -> &'static str {
    match why {
        HeldBack::Reader { .. } => "reader",
        HeldBack::NoRoom => "no room",
        _ => "stopped",
    }
}
