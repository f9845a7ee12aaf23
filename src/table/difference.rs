//! Where a table in a file is not the one that a program declares.

use std::fmt;

use super::TableDefinition;

/// The first difference between the definition of a table in a file and in a program.
///
/// Its text names the table, the field or index, and both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The tables do not have the same name.
    Name {
        /// The name in the file.
        stored: String,
        /// The name in the program.
        declared: String,
    },
    /// A field is on one side only, or its type differs.
    Field {
        /// The name of the table.
        table: String,
        /// The name of the field.
        field: String,
        /// Its type in the file, if it is there.
        stored: Option<String>,
        /// Its type in the program, if it is there.
        declared: Option<String>,
    },
    /// The fields are the same, but in another order.
    Order {
        /// The name of the table.
        table: String,
        /// The first place that differs, from 1.
        place: usize,
        /// The field there in the file.
        stored: String,
        /// The field there in the program.
        declared: String,
    },
    /// The primary key is made of other columns.
    Key {
        /// The name of the table.
        table: String,
        /// The columns in the file.
        stored: String,
        /// The columns in the program.
        declared: String,
    },
    /// A column of the primary key is of another type. A key can't change, for the rows are stored under it.
    KeyType {
        /// The name of the table.
        table: String,
        /// The field.
        field: String,
        /// Its type in the file.
        stored: String,
        /// Its type in the program.
        declared: String,
    },
    /// The rows are of another version, and the program does not say how to come from that to its own.
    Version {
        /// The name of the table.
        table: String,
        /// The version in the file.
        stored: u32,
        /// The version in the program.
        declared: u32,
    },
    /// A row in the file can't be read into the struct by serde's rules.
    Row {
        /// The name of the table.
        table: String,
        /// The primary key of the row, as bytes in hexadecimal digits.
        key: String,
        /// The field where the two differ, with a dot before each field inside another one.
        field: String,
        /// Its type in the file, if it is there.
        stored: Option<String>,
        /// Its type in the program, if it is there.
        declared: Option<String>,
        /// What serde says.
        reason: String,
    },
    /// An index is on one side only, or is made in another way. The rows are the same.
    Index {
        /// The name of the table.
        table: String,
        /// The name of the index.
        index: String,
        /// How it is made in the file, if it is there.
        stored: Option<String>,
        /// How it is made in the program, if it is there.
        declared: Option<String>,
    },
}

impl Difference {
    pub(super) fn first(stored: &TableDefinition, declared: &TableDefinition) -> Option<Self> {
        let table = || declared.name.clone();
        if stored.name != declared.name {
            return Some(Self::Name {
                stored: stored.name.clone(),
                declared: table(),
            });
        }
        if let Some(difference) = Self::of_fields(stored, declared) {
            return Some(difference);
        }
        let key = |side: &TableDefinition| {
            side.primary()
                .map_or_else(String::new, |index| index.columns.to_string())
        };
        if key(stored) != key(declared) {
            return Some(Self::Key {
                table: table(),
                stored: key(stored),
                declared: key(declared),
            });
        }
        let indexes = |side: &TableDefinition| {
            let secondary = side.indexes.iter().skip(1);
            secondary
                .map(|index| (index.name.clone(), index.to_string()))
                .collect::<Vec<_>>()
        };
        Unmatched::first(&indexes(stored), &indexes(declared)).map(|found| Self::Index {
            table: table(),
            index: found.name,
            stored: found.stored,
            declared: found.declared,
        })
    }

    /// The first difference of the fields.
    pub(super) fn of_fields(stored: &TableDefinition, declared: &TableDefinition) -> Option<Self> {
        let table = || declared.name.clone();
        let fields = |side: &TableDefinition| {
            let pairs = side.fields.iter();
            pairs
                .map(|field| (field.name.clone(), field.type_text.clone()))
                .collect::<Vec<_>>()
        };
        let (stored_fields, declared_fields) = (fields(stored), fields(declared));
        if let Some(found) = Unmatched::first(&stored_fields, &declared_fields) {
            return Some(Self::Field {
                table: table(),
                field: found.name,
                stored: found.stored,
                declared: found.declared,
            });
        }
        let mut places = stored_fields.iter().zip(&declared_fields).enumerate();
        if let Some((place, (left, right))) = places.find(|(_, (left, right))| left != right) {
            return Some(Self::Order {
                table: table(),
                place: place + 1,
                stored: left.0.clone(),
                declared: right.0.clone(),
            });
        }
        None
    }
}

/// A name with what stands for it on each side.
struct Unmatched {
    name: String,
    stored: Option<String>,
    declared: Option<String>,
}

impl Unmatched {
    /// The first name, of the stored ones and then of the declared ones, that does not stand for the same on the other side.
    fn first(stored: &[(String, String)], declared: &[(String, String)]) -> Option<Self> {
        let find = |side: &[(String, String)], name: &str| {
            let found = side.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        stored
            .iter()
            .chain(declared)
            .map(|(name, _)| Self {
                name: name.clone(),
                stored: find(stored, name),
                declared: find(declared, name),
            })
            .find(|both| both.stored != both.declared)
    }
}

/// Says in words what one side has and the other has not.
fn one_side_only(
    f: &mut fmt::Formatter<'_>,
    what: fmt::Arguments<'_>,
    stored: Option<&String>,
    declared: Option<&String>,
) -> fmt::Result {
    match (stored, declared) {
        (Some(stored), Some(declared)) => {
            write!(
                f,
                "{what} is `{stored}` in the file and `{declared}` in the program"
            )
        }
        (Some(stored), None) => {
            write!(
                f,
                "{what}, `{stored}`, is in the file, but not in the program"
            )
        }
        (None, Some(declared)) => {
            write!(
                f,
                "{what}, `{declared}`, is in the program, but not in the file"
            )
        }
        (None, None) => write!(f, "{what} is on neither side"),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { stored, declared } => write!(
                f,
                "the table is `{stored}` in the file and `{declared}` in the program"
            ),
            Self::Field {
                table,
                field,
                stored,
                declared,
            } => one_side_only(
                f,
                format_args!("table `{table}`: field `{field}`"),
                stored.as_ref(),
                declared.as_ref(),
            ),
            Self::Order {
                table,
                place,
                stored,
                declared,
            } => write!(
                f,
                "table `{table}`: field {place} is `{stored}` in the file and `{declared}` in the program"
            ),
            Self::Key {
                table,
                stored,
                declared,
            } => write!(
                f,
                "table `{table}`: the primary key is `{stored}` in the file and `{declared}` in the program"
            ),
            Self::KeyType {
                table,
                field,
                stored,
                declared,
            } => write!(
                f,
                "table `{table}`: field `{field}` of the primary key is `{stored}` in the file and `{declared}` in the program, and \
                 a key cannot change"
            ),
            Self::Version {
                table,
                stored,
                declared,
            } => write!(
                f,
                "table `{table}`: the rows are of version {stored} in the file and {declared} in the program, which does not say how \
                 to read them with `#[table(from(..))]`"
            ),
            Self::Row {
                table,
                key,
                field,
                stored,
                declared,
                reason,
            } => {
                one_side_only(
                    f,
                    format_args!("table `{table}`: field `{field}`"),
                    stored.as_ref(),
                    declared.as_ref(),
                )?;
                write!(f, "; the row {key} cannot be read: {reason}")
            }
            Self::Index {
                table,
                index,
                stored,
                declared,
            } => one_side_only(
                f,
                format_args!("table `{table}`: index `{index}`"),
                stored.as_ref(),
                declared.as_ref(),
            ),
        }
    }
}
