//! What can go wrong, and what a person is told about it.

use std::{fmt, path::PathBuf, process::ExitCode};

/// A failure of the whole program; it is shown as one line.
#[derive(Debug)]
pub enum Failure {
    /// A file that cannot be read, or does not say what it should.
    Input {
        file: PathBuf,
        /// From 1.
        line: Option<u64>,
        /// The number of the column, from 1, and its name.
        column: Option<(usize, String)>,
        problem: String,
    },
    /// What was asked for would spoil something, or means nothing.
    Refused(String),
    /// The database cannot be opened.
    Open(sapwood::Error),
    /// A read or write of the running cluster failed.
    Store(sapwood::Error),
    /// A row is not what the rows beside it say.
    Inconsistent(String),
    /// A thread of the cluster panicked.
    Crashed(&'static str),
    /// The result could not be printed.
    Output(std::io::Error),
}

impl Failure {
    /// 2 where the user can mend it by calling the program in another way, 1 otherwise.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Input { .. } | Self::Refused(_) | Self::Open(_) => 2,
            Self::Store(_) | Self::Inconsistent(_) | Self::Crashed(_) | Self::Output(_) => 1,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input {
                file,
                line,
                column,
                problem,
            } => {
                write!(f, "{}", file.display())?;
                if let Some(line) = line {
                    write!(f, ", line {line}")?;
                }
                if let Some((number, name)) = column {
                    write!(f, ", column {number} ({name})")?;
                }
                write!(f, ": {problem}")
            }
            Self::Refused(why) => f.write_str(why),
            Self::Open(source) => write!(f, "{source}"),
            Self::Store(source) => write!(f, "the database refused: {source}"),
            Self::Inconsistent(what) => write!(f, "the database contradicts itself: {what}"),
            Self::Crashed(who) => write!(f, "the {who} crashed"),
            Self::Output(source) => write!(f, "the result could not be printed: {source}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(source) | Self::Store(source) => Some(source),
            Self::Output(source) => Some(source),
            _ => None,
        }
    }
}

/// So that `?` works in the closure of `Database::write`.
impl From<sapwood::Error> for Failure {
    fn from(error: sapwood::Error) -> Self {
        Self::Store(error)
    }
}
