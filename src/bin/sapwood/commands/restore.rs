//! `sapwood restore`: a page file out of a backup.

use std::{
    fs::File,
    io::{self, Read, Write, stdin},
    path::{Path, PathBuf},
};

use clap::Args;
use sapwood::pagefile::Options;
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    open::to_read,
    output::{Output, print_json},
    progress,
    size::size,
    target::Target,
};

/// Make a page file out of a backup, after every page of it was verified; one that is not sound is refused
#[derive(Args, Debug)]
pub struct Restore {
    /// The backup; - is the standard input
    from: PathBuf,

    /// The new file
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

/// What is copied at once, in bytes.
const PIECE: usize = 1 << 20;

impl Restore {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let from_stdin = self.from == Path::new("-");
        let source = (!from_stdin).then_some(self.from.as_path());
        let target = Target::new(&self.to, self.force, source)?;
        let out = target.create()?;
        if from_stdin {
            copy(&mut stdin().lock(), out, None).map_err(Failure::io(&self.from))?;
        } else {
            // Holds the lock while it is copied, and refuses what is no page file.
            let held = to_read(&self.from, context)?;
            let bytes = held.stats().file_bytes;
            let mut from = File::open(&self.from).map_err(Failure::io(&self.from))?;
            copy(&mut from, out, Some(bytes)).map_err(Failure::io(&self.from))?;
        }
        let options = Options::new()
            .read_only(true)
            .memory_map(false)
            .verify(true);
        let restored = options.open(target.temporary());
        let restored = restored.map_err(Failure::of(&self.from))?;
        let stats = restored.stats();
        drop(restored);
        target.publish()?;
        let (commit, bytes) = (stats.commit, stats.file_bytes);
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
}

fn copy(from: &mut impl Read, mut to: File, len: Option<u64>) -> io::Result<()> {
    let bar = progress::bytes(len);
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => {
                to.write_all(&piece[..read])?;
                bar.inc(read as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bar.finish_and_clear();
    Ok(())
}
