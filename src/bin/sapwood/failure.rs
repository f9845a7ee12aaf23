//! What can go wrong, and what a person is told about it.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use sapwood::pagefile::Error;

/// How a command that was carried out has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// There is a problem with the file, which was told.
    Problem,
}

impl Verdict {
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(u8::from(self == Self::Problem))
    }
}

/// Why a command could not be carried out; it is shown as one line.
#[derive(Debug)]
pub enum Failure {
    /// The command line means nothing.
    Usage(String),
    /// What was asked for is not there.
    Missing { file: PathBuf, what: String },
    /// The page file refuses.
    File { file: PathBuf, source: Error },
    /// The database in it refuses.
    Database { source: sapwood::Error },
    /// A line that is imported.
    Line {
        file: PathBuf,
        /// From 1.
        line: u64,
        problem: String,
        /// What became of the lines before.
        before: String,
    },
    /// Some other file cannot be read or written.
    Io { file: PathBuf, source: io::Error },
    /// The result could not be printed.
    Output(io::Error),
    /// Of a command that says something else by code 1.
    Trouble(Box<Self>),
}

impl Failure {
    /// What the page file at `file` says.
    pub fn of(file: &Path) -> impl Fn(Error) -> Self + '_ {
        move |source| Self::File {
            file: file.to_owned(),
            source,
        }
    }

    /// What the system says about `file`.
    pub fn io(file: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io {
            file: file.to_owned(),
            source,
        }
    }

    /// Whether whoever reads what is printed has gone away: no reason to complain.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// 1 where the file has a problem, 2 where the command has one.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            _ if self.is_broken_pipe() => 0,
            Self::Missing { .. } => 1,
            Self::File { source, .. } if is_damage(source) => 1,
            Self::Database { source } if is_problem(source) => 1,
            _ => 2,
        })
    }
}

/// Whether the file itself is not as it was written.
pub fn is_damage(error: &Error) -> bool {
    matches!(
        error,
        Error::Corrupted { .. } | Error::DamagedMeta { .. } | Error::Truncated { .. }
    )
}

/// Whether it is the database in the file that is not as it was asked for, or written.
fn is_problem(error: &sapwood::Error) -> bool {
    match error {
        sapwood::Error::NoTable { .. }
        | sapwood::Error::NoRevision { .. }
        | sapwood::Error::StoredRow { .. } => true,
        sapwood::Error::File { source, .. } => is_damage(source),
        _ => false,
    }
}

/// What to do about an error.
fn advice(error: &Error) -> &'static str {
    match error {
        Error::Corrupted { .. } => {
            ". `sapwood check` tells what is lost, `sapwood recover` saves the rest"
        }
        Error::DamagedMeta { .. } => ". `sapwood recover --unverified` may save something",
        Error::Truncated { .. } => ". `sapwood recover` saves what can be read",
        Error::Locked { .. } => {
            ". Close it there, or wait for that with --wait SECONDS; a program can copy its open file with `PageFile::backup`"
        }
        Error::NewerFormat { .. } => ". It takes a newer sapwood",
        Error::NotAPageFile => {
            ". Sapwood did not make it, or its beginning was overwritten: then `sapwood recover --unverified` may find something"
        }
        Error::NoSuchBucket { .. } => ". --create makes it",
        _ => "",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(why) => f.write_str(why),
            Self::Missing { file, what } => write!(f, "{}: {what}", file.display()),
            Self::File { file, source } => {
                write!(f, "{}: ", file.display())?;
                match source {
                    Error::Locked { .. } => f.write_str("it is open in another process")?,
                    Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                        f.write_str("there is no such file")?;
                    }
                    source => write!(f, "{source}")?,
                }
                f.write_str(advice(source))
            }
            Self::Database { source } => {
                write!(f, "{source}")?;
                match source {
                    sapwood::Error::File { source, .. } => f.write_str(advice(source)),
                    sapwood::Error::NoTable { .. } => f.write_str(". `sapwood tables` lists them"),
                    _ => Ok(()),
                }
            }
            Self::Line {
                file,
                line,
                problem,
                before,
            } => write!(f, "{}, line {line}: {problem}. {before}", file.display()),
            Self::Io { file, source } => write!(f, "{}: {source}", file.display()),
            Self::Output(source) => write!(f, "the result could not be printed: {source}"),
            Self::Trouble(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Database { source } => Some(source),
            Self::Trouble(failure) => failure.source(),
            Self::Io { source, .. } | Self::Output(source) => Some(source),
            _ => None,
        }
    }
}

/// The parser's words, in one line and without the usage that it adds.
impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        let text = error.to_string();
        let lines = text.lines().map(str::trim);
        let words = lines.take_while(|line| !line.starts_with("Usage:"));
        let words: Vec<_> = words.filter(|line| !line.is_empty()).collect();
        let words = words.join(" ");
        let words = words.strip_prefix("error: ").unwrap_or(&words);
        Self::Usage(format!("{words}. See `sapwood --help`"))
    }
}
