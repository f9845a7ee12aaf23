//! `sapwood compact`: the same rows in a new file without free pages.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    open::to_read_all,
    output::{Output, print_json},
    size::{percent, size},
    target::Target,
};

/// Write the newest state to a new file, as small as it can be
#[derive(Args, Debug)]
pub struct Compact {
    /// The page file; it is not changed
    from: PathBuf,

    /// The new file
    to: PathBuf,

    /// Replace the file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Facts {
    bytes_before: u64,
    bytes: u64,
}

impl Compact {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_read_all(&self.from, context)?;
        let target = Target::new(&self.to, self.force, Some(&self.from))?;
        let bytes_before = file.stats().file_bytes;
        let bytes = file
            .compact(target.temporary())
            .map_err(Failure::of(&self.from))?;
        target.publish()?;
        if context.json {
            print_json(&Facts {
                bytes_before,
                bytes,
            })?;
            return Ok(Verdict::Fine);
        }
        let mut out = Output::new();
        out.line(format!(
            "{}: {}, {} of {}",
            self.to.display(),
            size(bytes),
            percent(bytes, bytes_before),
            size(bytes_before),
        ))?;
        out.finish()?;
        Ok(Verdict::Fine)
    }
}
