//! `sapwood backup`: a copy of the newest state.

use std::{
    io::{self, BufWriter, IsTerminal, Write, stdout},
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::ProgressBar;
use sapwood::pagefile::{Error, PageFile};
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    open::to_read_all,
    output::{Output, print_json},
    progress,
    size::size,
    target::Target,
};

/// Copy the newest state, page by page; what was deleted is not in the copy. A damaged file is refused
#[derive(Args, Debug)]
pub struct Backup {
    /// The page file; it is not changed
    from: PathBuf,

    /// The new file; - is the standard output
    to: PathBuf,

    /// Replace the file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Facts {
    commit: u64,
    bytes: u64,
}

impl Backup {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let to_stdout = self.to == Path::new("-");
        if to_stdout && (context.json || stdout().is_terminal()) {
            let why = "the copy would go to the standard output, in the midst of text; give a file, or a pipe and no --json";
            return Err(Failure::Usage(why.to_owned()));
        }
        let file = to_read_all(&self.from, context)?;
        let read = file.begin_read();
        let bar = progress::bytes(Some(file.stats().file_bytes));
        let bytes = if to_stdout {
            self.copy(
                &file,
                &mut Told {
                    out: stdout().lock(),
                    bar: &bar,
                },
            )?
        } else {
            let target = Target::new(&self.to, self.force, Some(&self.from))?;
            let out = BufWriter::new(target.create()?);
            let bytes = self.copy(&file, &mut Told { out, bar: &bar })?;
            target.publish()?;
            bytes
        };
        bar.finish_and_clear();
        if to_stdout {
            return Ok(Verdict::Fine);
        }
        let commit = read.commit_number();
        if context.json {
            print_json(&Facts { commit, bytes })?;
            return Ok(Verdict::Fine);
        }
        let mut out = Output::new();
        out.line(format!(
            "{}: commit {commit}, {}",
            self.to.display(),
            size(bytes)
        ))?;
        out.finish()?;
        Ok(Verdict::Fine)
    }

    fn copy(&self, file: &PageFile, out: &mut impl Write) -> Result<u64, Failure> {
        file.backup(out).map_err(|error| match error {
            // The reading of the file is verified before the first byte is written.
            Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => {
                Failure::Output(source)
            }
            error => Failure::of(&self.from)(error),
        })
    }
}

/// Shows how many bytes were written.
struct Told<'b, W> {
    out: W,
    bar: &'b ProgressBar,
}

impl<W: Write> Write for Told<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bar.inc(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
