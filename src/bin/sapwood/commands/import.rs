//! `sapwood import`: rows out of lines of JSON.

use std::{
    fs::File,
    io::{BufRead, BufReader, stdin},
    path::{Path, PathBuf},
};

use clap::Args;
use sapwood::pagefile::{Error, Options, PageFile, WriteTxn};
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    line::Line,
    open::{refuse_folder, to_write},
    output::{Output, print_json},
    progress,
    size::count,
    target::Target,
    text::Text,
};

/// Put rows into a file, out of lines of JSON as `export` writes them
///
/// All lines are one transaction: where one is bad, it is named, and nothing of any is in the file. Buckets that are missing are made; a value that is there
/// is replaced; nothing is deleted.
#[derive(Args, Debug)]
pub struct Import {
    /// The page file
    file: PathBuf,

    /// The lines; the standard input without it
    lines: Option<PathBuf>,

    /// Make a new file
    #[arg(long)]
    create: bool,

    /// The page size of the new file, in bytes
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 4096,
        requires = "create"
    )]
    page_size: u32,

    /// Commit after every so many lines, which need less memory then: if a line is bad, those of the commits before stay in the file
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u64).range(1..))]
    batch: Option<u64>,
}

#[derive(Serialize)]
struct Facts {
    lines: u64,
    keys: u64,
    commits: u64,
}

/// An import that runs.
struct Running<'i> {
    import: &'i Import,
    file: &'i PageFile,
    txn: Option<WriteTxn>,
    /// Lines of commits that are done.
    safe: u64,
    done: Facts,
}

impl Import {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let lines: Box<dyn BufRead> = match self.lines() {
            Some(lines) => {
                refuse_folder(lines)?;
                Box::new(BufReader::new(
                    File::open(lines).map_err(Failure::io(lines))?,
                ))
            }
            None => Box::new(stdin().lock()),
        };
        let done = if self.create {
            let target = Target::new(&self.file, false, self.lines())?;
            let options = Options::new().page_size(self.page_size).memory_map(false);
            let file = options.open(target.temporary());
            let done = self.read(file.map_err(Failure::of(&self.file))?, lines)?;
            target.publish()?;
            done
        } else {
            self.read(to_write(&self.file, context)?, lines)?
        };
        if context.json {
            print_json(&done)?;
            return Ok(Verdict::Fine);
        }
        let mut out = Output::new();
        out.line(format!(
            "{}, {}, {}",
            count(done.lines, "line"),
            count(done.keys, "key"),
            count(done.commits, "commit"),
        ))?;
        out.finish()?;
        Ok(Verdict::Fine)
    }

    fn lines(&self) -> Option<&Path> {
        self.lines
            .as_deref()
            .filter(|lines| *lines != Path::new("-"))
    }

    fn read(&self, file: PageFile, mut lines: Box<dyn BufRead>) -> Result<Facts, Failure> {
        let bar = progress::steps(None, "lines");
        let mut running = Running {
            import: self,
            file: &file,
            txn: None,
            safe: 0,
            done: Facts {
                lines: 0,
                keys: 0,
                commits: 0,
            },
        };
        let mut line = Vec::new();
        loop {
            line.clear();
            let failed = Failure::io(self.lines().unwrap_or(Path::new("standard input")));
            if lines.read_until(b'\n', &mut line).map_err(failed)? == 0 {
                break;
            }
            running.done.lines += 1;
            bar.inc(1);
            running.line(&line)?;
        }
        running.commit()?;
        let done = running.done;
        file.close().map_err(Failure::of(&self.file))?;
        bar.finish_and_clear();
        Ok(done)
    }
}

impl Running<'_> {
    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        if !line.trim_ascii().is_empty() {
            let read = Line::read(line.trim_ascii()).map_err(|problem| self.bad(problem))?;
            self.put(&read).map_err(|error| match error {
                error @ (Error::IsABucket { .. }
                | Error::NotABucket { .. }
                | Error::KeyTooLong { .. }
                | Error::NameTooLong { .. }) => self.bad(error.to_string()),
                error => Failure::of(&self.import.file)(error),
            })?;
        }
        if self
            .import
            .batch
            .is_some_and(|batch| self.done.lines - self.safe >= batch)
        {
            self.commit()?;
        }
        Ok(())
    }

    fn put(&mut self, line: &Line) -> Result<(), Error> {
        let txn = match &mut self.txn {
            Some(txn) => txn,
            None => self.txn.insert(self.file.begin_write()?),
        };
        let path = line.bucket.iter().map(|Text(name)| name);
        let mut bucket = txn.bucket_or_create_at(path)?;
        if let Some(sequence) = line.sequence {
            bucket.set_sequence(sequence);
        }
        if let (Some(Text(key)), Some(Text(value))) = (&line.key, &line.value) {
            bucket.put(key, value)?;
            self.done.keys += 1;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Failure> {
        if let Some(txn) = self.txn.take() {
            txn.commit().map_err(Failure::of(&self.import.file))?;
            self.done.commits += 1;
        }
        self.safe = self.done.lines;
        Ok(())
    }

    fn bad(&self, problem: String) -> Failure {
        let before = match self.safe {
            _ if self.import.create => "No file was made".to_owned(),
            0 => "Nothing was imported".to_owned(),
            safe => format!("Lines 1 to {safe} were imported, and no other"),
        };
        Failure::Line {
            file: self
                .import
                .lines()
                .unwrap_or(Path::new("standard input"))
                .to_owned(),
            line: self.done.lines,
            problem,
            before,
        }
    }
}
