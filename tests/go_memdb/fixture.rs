//! The table that most tests use: a unique id, a word that several rows may share, and a list of words.

use sapwood::{Database, Error, Row, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "main")]
pub(crate) struct Main {
    #[key]
    pub(crate) id: String,
    #[index]
    pub(crate) foo: String,
    #[index(each)]
    pub(crate) qux: Vec<String>,
}

#[allow(clippy::disallowed_names, reason = "a column is called so")]
pub(crate) fn row(id: &str, foo: &str, qux: &[&str]) -> Main {
    Main {
        id: id.to_owned(),
        foo: foo.to_owned(),
        qux: qux.iter().map(|&word| word.to_owned()).collect(),
    }
}

pub(crate) fn open() -> Database {
    Database::builder().table::<Main>().in_memory().unwrap()
}

/// Puts all rows, in one commit.
pub(crate) fn put<T: Table>(db: &Database, rows: impl IntoIterator<Item = T>) {
    db.write(|tx| rows.into_iter().try_for_each(|row| tx.put(row).map(drop)))
        .unwrap_or_else(|error: Error| panic!("{error}"));
}

/// A database with these rows.
pub(crate) fn filled<const N: usize>(rows: [Main; N]) -> Database {
    let db = open();
    put(&db, rows);
    db
}

/// Three rows, of which the first two share a word, and the last two an element.
pub(crate) fn three() -> Database {
    filled([
        row("object1", "foo", &["a", "b"]),
        row("object2", "foo", &["b2", "shared"]),
        row("object3", "bar", &["c", "shared"]),
    ])
}

pub(crate) fn ids<'a>(rows: impl IntoIterator<Item = &'a Row<Main>>) -> Vec<&'a str> {
    rows.into_iter().map(|row| row.id.as_str()).collect()
}

pub(crate) fn id(row: Option<&Row<Main>>) -> Option<&str> {
    row.map(|row| row.id.as_str())
}
