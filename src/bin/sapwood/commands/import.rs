//! `sapwood import`: keys and rows out of lines of JSON.

use std::{
    fs::File,
    io::{BufRead, BufReader, stdin},
    mem,
    path::{Path, PathBuf},
};

use clap::Args;
use sapwood::{
    Edit,
    pagefile::{Error, Options, PageFile, WriteTxn},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    journal::{Journal, unapplied},
    line::Line,
    open::{refuse_folder, to_write},
    output::{Output, print_json},
    progress,
    size::count,
    tables::{NotPut, Tables},
    target::Target,
    text::Text,
};

/// Put keys into a file, or rows into its tables, out of lines of JSON as `export` writes them
///
/// All lines are one transaction: where one is bad, it is named, and nothing of any is in the file. Buckets and tables that are missing are made; a value or row that is there
/// is replaced; nothing is deleted. Rows are written as one commit of the database, under the keys that their fields make, and with what its journal has. What its types and functions alone know
/// is not seen here.
#[derive(Args, Debug)]
pub struct Import {
    /// The page file
    file: PathBuf,

    /// The lines; the standard input without it
    lines: Option<PathBuf>,

    /// Lines are rows of this table, and need not name it
    #[arg(long, value_name = "NAME")]
    table: Option<String>,

    /// Take rows also of tables with unique indexes of which only their program knows the keys: if two rows have one, it cannot open the file
    #[arg(long)]
    unchecked: bool,

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
    /// In buckets.
    keys: u64,
    /// In tables.
    rows: u64,
    commits: u64,
}

/// An import that runs.
struct Running<'i> {
    import: &'i Import,
    into: Into,
    /// Lines of commits that are done.
    safe: u64,
    done: Facts,
}

/// What lines go into.
enum Into {
    /// It is not known before the first one.
    Unknown(PageFile),
    Buckets(PageFile, Option<Box<WriteTxn>>),
    Tables(Box<Tables>),
    /// Closed.
    Nothing,
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
            let done = self.read(file.map_err(Failure::of(&self.file))?, lines, false)?;
            target.publish()?;
            done
        } else {
            let journal = Journal::of(&self.file, context)?;
            self.read(to_write(&self.file, context)?, lines, journal.holds_any())?
        };
        if context.json {
            print_json(&done)?;
            return Ok(Verdict::Fine);
        }
        let mut out = Output::new();
        let what = if done.rows > 0 {
            count(done.rows, "row")
        } else {
            count(done.keys, "key")
        };
        out.line(format!(
            "{}, {what}, {}",
            count(done.lines, "line"),
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

    fn read(
        &self,
        file: PageFile,
        mut lines: Box<dyn BufRead>,
        has_journal: bool,
    ) -> Result<Facts, Failure> {
        let bar = progress::steps(None, "lines");
        let mut running = Running {
            import: self,
            into: Into::Unknown(file),
            safe: 0,
            done: Facts {
                lines: 0,
                keys: 0,
                rows: 0,
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
            running.line(line.trim_ascii(), has_journal)?;
        }
        running.commit()?;
        running.close()?;
        bar.finish_and_clear();
        Ok(running.done)
    }
}

/// Whether a line is of a table. What is no JSON is told when it is read.
fn is_of_table(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Names {
        table: Option<IgnoredAny>,
        row: Option<IgnoredAny>,
    }
    let names = serde_json::from_slice::<Names>(line);
    names.is_ok_and(|names| names.table.is_some() || names.row.is_some())
}

impl Running<'_> {
    fn line(&mut self, line: &[u8], has_journal: bool) -> Result<(), Failure> {
        if !line.is_empty() {
            if matches!(self.into, Into::Unknown(_)) {
                self.begin(line, has_journal)?;
            }
            match &mut self.into {
                Into::Tables(tables) => match tables.line(line) {
                    Ok(is_row) => self.done.rows += u64::from(is_row),
                    Err(NotPut::Line(problem)) => return Err(self.bad(problem)),
                    Err(NotPut::Other(failure)) => return Err(failure),
                },
                _ => self.bucket_line(line)?,
            }
        }
        let batch = self.import.batch;
        if batch.is_some_and(|batch| self.done.lines - self.safe >= batch) {
            self.commit()?;
        }
        Ok(())
    }

    /// Finds out what lines go into, by the first one.
    fn begin(&mut self, line: &[u8], has_journal: bool) -> Result<(), Failure> {
        let import = self.import;
        let Into::Unknown(file) = mem::replace(&mut self.into, Into::Nothing) else {
            return Ok(());
        };
        if import.table.is_none() && !is_of_table(line) {
            if has_journal {
                return Err(unapplied(&import.file));
            }
            self.into = Into::Buckets(file, None);
            return Ok(());
        }
        let edit = Edit::of(&import.file, file).map_err(|source| Failure::Database { source })?;
        let tables = Tables::new(edit, import.table.clone(), import.unchecked);
        self.into = Into::Tables(Box::new(tables));
        Ok(())
    }

    fn bucket_line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let read = Line::read(line).map_err(|problem| self.bad(problem))?;
        self.put(&read).map_err(|error| match error {
            error @ (Error::IsABucket { .. }
            | Error::NotABucket { .. }
            | Error::KeyTooLong { .. }
            | Error::NameTooLong { .. }) => self.bad(error.to_string()),
            error => Failure::of(&self.import.file)(error),
        })
    }

    fn put(&mut self, line: &Line) -> Result<(), Error> {
        let Into::Buckets(file, txn) = &mut self.into else {
            return Ok(());
        };
        let txn = match txn {
            Some(txn) => txn,
            None => txn.insert(Box::new(file.begin_write()?)),
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
        match &mut self.into {
            Into::Buckets(_, txn) => {
                if let Some(txn) = txn.take() {
                    txn.commit().map_err(Failure::of(&self.import.file))?;
                    self.done.commits += 1;
                }
            }
            Into::Tables(tables) if self.safe < self.done.lines => match tables.commit() {
                Ok(()) => self.done.commits += 1,
                Err(NotPut::Line(problem)) => return Err(self.bad(problem)),
                Err(NotPut::Other(failure)) => return Err(failure),
            },
            _ => {}
        }
        self.safe = self.done.lines;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Failure> {
        match mem::replace(&mut self.into, Into::Nothing) {
            Into::Unknown(file) | Into::Buckets(file, _) => {
                file.close().map_err(Failure::of(&self.import.file))
            }
            Into::Tables(tables) => tables.close(),
            Into::Nothing => Ok(()),
        }
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
