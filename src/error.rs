//! What can go wrong, and what to do about it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Revision;
use crate::key::MAX_KEY_LEN;
use crate::table::{CodecError, Difference};
use crate::watch::Closed;

/// Why an operation on a database was refused.
///
/// A refused operation changes nothing: a transaction goes on as it was before it.
///
/// Keys are told as text, whole. In a message, one of more than 128 characters is cut after 64.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// A row with this key is there already, in the primary index or in a unique one.
    Duplicate {
        /// The table.
        table: &'static str,
        /// The index whose key is taken.
        index: String,
        /// The key that both rows have in that index.
        key: String,
        /// The primary key of the row that is there.
        existing: String,
        /// The primary key of the row that was refused.
        refused: String,
    },
    /// There is no row with this primary key.
    Missing {
        /// The table.
        table: &'static str,
        /// The key that was looked for.
        key: String,
    },
    /// A row was written since the revision that the caller knows, or is not there.
    WrongRevision {
        /// The table.
        table: &'static str,
        /// The primary key.
        key: String,
        /// The revision that the caller expected; zero for "no row".
        expected: Revision,
        /// The revision that last wrote the row; zero for "no row".
        found: Revision,
    },
    /// A row's key in an index is longer than 32 KiB.
    KeyTooLong {
        /// The table.
        table: &'static str,
        /// The index.
        index: String,
        /// The primary key of the row.
        key: String,
        /// How many bytes the key, with what the index adds to it, would have.
        len: usize,
    },
    /// An update changed the primary key of its row. Remove the row and insert the other one instead.
    KeyChanged {
        /// The table.
        table: &'static str,
        /// The key of the row.
        key: String,
        /// The key that the update gave it.
        changed: String,
    },
    /// An index's function gives other keys for a stored row than when the row was stored. It must depend on the row alone.
    ///
    /// Where the function gives fewer keys than it did, to find out which index it is takes O(entries).
    UnstableIndex {
        /// The table.
        table: &'static str,
        /// The index.
        index: String,
        /// The primary key of the row.
        key: String,
    },
    /// A table or one of its indexes holds 2³² − 2¹⁶ entries, which is about all that it can.
    TableFull {
        /// The table.
        table: &'static str,
    },
    /// The database was built without this table.
    UnknownTable {
        /// The table.
        table: &'static str,
    },
    /// This state of the database has no such index: it was added at run time, to a later state or to another database, or was dropped.
    UnknownIndex {
        /// The table.
        table: &'static str,
        /// The index.
        index: String,
    },
    /// The index that was watched was dropped.
    IndexDropped,
    /// The table has an index of this name already.
    IndexExists {
        /// The table.
        table: &'static str,
        /// The index.
        index: String,
    },
    /// An index that the struct of the table declares can't be dropped at run time.
    DeclaredIndex {
        /// The table.
        table: &'static str,
        /// The index.
        index: String,
    },
    /// Two tables of a database have one name.
    SameName {
        /// The name.
        table: &'static str,
    },
    /// A table waits for an initializer of this name already.
    InitializerPending {
        /// The table.
        table: &'static str,
        /// The name of the source.
        name: String,
    },
    /// A validator refused what a transaction made of a row.
    Invalid {
        /// The table.
        table: &'static str,
        /// The primary key of the row.
        key: String,
        /// What the validator said.
        reason: String,
    },
    /// A commit can't have this number: it must be greater than the published revision, and at most [`Revision::MAX`].
    RevisionOrder {
        /// The number.
        revision: Revision,
        /// The newest published commit.
        published: Revision,
    },
    /// A list of changes names a table that the database was built without.
    ForeignChanges {
        /// The table.
        table: String,
    },
    /// A list of changes removes a row that is not there: the two databases had not the same rows.
    Diverged {
        /// The table.
        table: &'static str,
        /// The primary key of the row, as bytes in hexadecimal digits.
        key: String,
    },
    /// This thread has a write transaction already, or has staged one, for which it would wait.
    NestedWrite,
    /// A savepoint can't be gone back to: an earlier one was meanwhile, or it is of another transaction.
    NoSavepoint,
    /// The disk refused a commit. Nothing is written any more until the database is opened anew; readers go on.
    Poisoned {
        /// What the disk said.
        reason: Arc<str>,
    },
    /// The database was closed.
    Closed,
    /// The rows of a table can't be kept in a file: a field's type wants to be told what comes next, as with `#[serde(flatten)]`, `#[serde(untagged)]` and
    /// `#[serde(tag = "..")]`, and bytes without names do not say.
    Shape {
        /// The table.
        table: &'static str,
        /// The field, with a dot before each field inside another one; empty for the row itself.
        field: String,
    },
    /// A table in the file is not the one that the program declares, and its rows can't be read into that.
    Schema {
        /// The file.
        path: Arc<str>,
        /// The first difference.
        difference: Box<Difference>,
    },
    /// The file holds something that this version of the library did not write.
    Foreign {
        /// The file.
        path: Arc<str>,
        /// What it is.
        what: String,
    },
    /// A row cannot be written as bytes, or bytes in the file are not a row.
    Row {
        /// The table.
        table: &'static str,
        /// The primary key, or its bytes in hexadecimal where only they are known.
        key: String,
        /// What is wrong with it.
        source: CodecError,
    },
    /// A row gave other bytes when it was written a second time, as a backup to a stream does: what its `Serialize` writes must depend on the row alone.
    UnstableRow {
        /// The table.
        table: String,
    },
    /// A backup has rows of a table that the database was built without, and that would be lost.
    ForeignTable {
        /// The backup.
        path: Arc<str>,
        /// The table.
        table: String,
    },
    /// A file that is read without its program has no such table.
    NoTable {
        /// The file.
        path: Arc<str>,
        /// The name that was asked for.
        table: String,
    },
    /// Two rows that were put into a file without its program have one key in a unique index. The program could not open it.
    StoredDuplicate {
        /// The table.
        table: String,
        /// The index.
        index: String,
        /// The bytes of the primary key of one of them, in hexadecimal.
        first: String,
        /// Those of the other.
        second: String,
    },
    /// A file does not have a state of this revision any more, or not yet.
    NoRevision {
        /// The file.
        path: Arc<str>,
        /// The revision that was asked for.
        revision: Revision,
        /// Those that it has, from the oldest.
        found: Vec<Revision>,
    },
    /// Bytes in a file that is read without its program are not a row of their table's shape.
    StoredRow {
        /// The table.
        table: String,
        /// The bytes of the primary key, in hexadecimal.
        key: String,
        /// What is wrong.
        source: CodecError,
    },
    /// The file could not be opened, read or written.
    File {
        /// The file.
        path: Arc<str>,
        /// What went wrong.
        source: Arc<crate::pagefile::Error>,
    },
    /// The database was built with a period of zero, or with one that is longer than a day.
    Period {
        /// The period.
        within: Duration,
    },
}

impl fmt::Display for Error {
    #[allow(clippy::too_many_lines, reason = "an arm for each error")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate {
                table,
                index,
                key,
                existing,
                refused,
            } => write!(
                f,
                "table `{table}`: index `{index}` has {} already, for the row {}; the row {} was refused",
                Shown(key),
                Shown(existing),
                Shown(refused)
            ),
            Self::Missing { table, key } => write!(f, "table `{table}`: no row {}", Shown(key)),
            Self::WrongRevision {
                table,
                key,
                expected,
                found,
            } => {
                let state = |revision: &Revision| match *revision {
                    Revision::ZERO => "absent".to_owned(),
                    revision => format!("at revision {revision}"),
                };
                write!(
                    f,
                    "table `{table}`: the row {} is {}, expected {}; read it again",
                    Shown(key),
                    state(found),
                    state(expected)
                )
            }
            Self::KeyTooLong {
                table,
                index,
                key,
                len,
            } => write!(
                f,
                "table `{table}`: the row {} has a key of {len} bytes in index `{index}`, which is longer than {MAX_KEY_LEN}",
                Shown(key)
            ),
            Self::KeyChanged {
                table,
                key,
                changed,
            } => write!(
                f,
                "table `{table}`: the update of row {} changed its key to {}; remove it and insert the other",
                Shown(key),
                Shown(changed)
            ),
            Self::UnstableIndex { table, index, key } => write!(
                f,
                "table `{table}`: index `{index}` gives other keys for the row {} than when it was stored; \
                 its function must depend on the row alone",
                Shown(key)
            ),
            Self::TableFull { table } => write!(
                f,
                "table `{table}`: an index holds about 4294900000 entries, which is all that it can"
            ),
            Self::UnknownTable { table } => write!(
                f,
                "table `{table}` is not part of this database; add it to the builder with `.table::<…>()`"
            ),
            Self::UnknownIndex { table, index } => write!(
                f,
                "table `{table}`: no index `{index}` here; it was dropped, or added later or to another database"
            ),
            Self::IndexDropped => write!(f, "the index that was watched was dropped"),
            Self::IndexExists { table, index } => write!(
                f,
                "table `{table}`: there is an index `{index}` already; drop it first or give the new one another name"
            ),
            Self::DeclaredIndex { table, index } => write!(
                f,
                "table `{table}`: index `{index}` is declared by the struct of its rows and stays with it"
            ),
            Self::SameName { table } => write!(
                f,
                "two tables are called `{table}`; give one another name with `#[table(name = \"…\")]`"
            ),
            Self::InitializerPending { table, name } => write!(
                f,
                "table `{table}` waits for the initializer `{name}` already; give this one another name"
            ),
            Self::Invalid { table, key, reason } => {
                let key = Shown(key);
                write!(f, "table `{table}`: the row {key} is not valid: {reason}")
            }
            Self::RevisionOrder {
                revision,
                published,
            } => write!(
                f,
                "a commit cannot have revision {revision}: it must be greater than {published}, which is published, and at most {}",
                Revision::MAX
            ),
            Self::ForeignChanges { table } => write!(
                f,
                "the changes are of a table `{table}` that is not part of this database; add it to the builder with `.table::<…>()`"
            ),
            Self::Diverged { table, key } => write!(
                f,
                "table `{table}`: the changes remove the row {}, which is not there; the database is not the one that they were made for",
                Shown(key)
            ),
            Self::NestedWrite => write!(
                f,
                "this thread has a write transaction or a staged one already; end it before beginning another"
            ),
            Self::NoSavepoint => write!(
                f,
                "this savepoint is gone: an earlier one was gone back to since, or it is of another transaction"
            ),
            Self::Poisoned { reason } => write!(
                f,
                "writing stopped when the disk refused a commit ({reason}); open the database anew"
            ),
            Self::Closed => write!(f, "the database was closed"),
            Self::Shape { table, field } => {
                let part = match field.as_str() {
                    "" => "the row".to_owned(),
                    field => format!("field `{field}`"),
                };
                write!(
                    f,
                    "table `{table}`: {part} cannot be kept in a file: its type must be told what comes next, as with `#[serde(flatten)]`, \
                     `#[serde(untagged)]` and `#[serde(tag = \"..\")]`"
                )
            }
            Self::Schema { path, difference } => write!(f, "{path}: {difference}"),
            Self::Foreign { path, what } => write!(f, "{path}: {what}"),
            Self::Row { table, key, source } => {
                write!(f, "table `{table}`: row {}: {source}", Shown(key))
            }
            Self::UnstableRow { table } => write!(
                f,
                "table `{table}`: a row gave other bytes when it was written a second time; they must depend on the row alone"
            ),
            Self::ForeignTable { path, table } => write!(
                f,
                "{path}: it has rows of a table `{table}` that is not part of this database; add it to the builder with `.table::<…>()`, or ignore it"
            ),
            Self::NoTable { path, table } => {
                write!(f, "{path}: the file has no table `{table}`")
            }
            Self::StoredDuplicate {
                table,
                index,
                first,
                second,
            } => write!(
                f,
                "table `{table}`: rows {} and {} have one key in the unique index `{index}`",
                Shown(first),
                Shown(second)
            ),
            Self::NoRevision {
                path,
                revision,
                found,
            } => {
                write!(f, "{path}: it does not have revision {revision}; it has ")?;
                ranges(f, found)
            }
            Self::StoredRow { table, key, source } => {
                write!(f, "table `{table}`: row {}: {source}", Shown(key))
            }
            Self::File { path, source } => write!(f, "{path}: {source}"),
            Self::Period { within } => write!(
                f,
                "commits cannot be made durable within {within:?}; give a time of up to a day that is not zero"
            ),
        }
    }
}

/// Revisions for people: those that follow one another as from and to, and of very many the last ones.
fn ranges(f: &mut fmt::Formatter<'_>, revisions: &[Revision]) -> fmt::Result {
    const MOST: usize = 8;
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for revision in revisions.iter().map(|revision| revision.get()) {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(revision) => *last = revision,
            _ => ranges.push((revision, revision)),
        }
    }
    if ranges.is_empty() {
        return f.write_str("none");
    }
    let left_out = ranges.len().saturating_sub(MOST);
    if left_out > 0 {
        f.write_str("others, ")?;
    }
    for (number, (from, to)) in ranges.iter().skip(left_out).enumerate() {
        let comma = if number > 0 { ", " } else { "" };
        if from == to {
            write!(f, "{comma}{from}")?;
        } else {
            write!(f, "{comma}{from} to {to}")?;
        }
    }
    Ok(())
}

/// The most characters of a key that a message shows whole.
const WHOLE: usize = 128;

/// How many it shows of a longer one.
const SHOWN: usize = 64;

/// A key in a message.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(key) = self;
        let cut = key.char_indices().nth(SHOWN).map(|(at, _)| at);
        match (cut, key.chars().count()) {
            (Some(cut), len) if len > WHOLE => write!(f, "{}… ({len} characters)", &key[..cut]),
            _ => f.write_str(key),
        }
    }
}

impl From<Closed> for Error {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Database => Self::Closed,
            Closed::Index => Self::IndexDropped,
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Row { source, .. } | Self::StoredRow { source, .. } => Some(source),
            Self::File { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
