//! What a schema is, and which ones are refused. Most of what their validation finds at run time does not compile here: `tests/ui`.

use sapwood::table::IndexColumns;
use sapwood::{Database, Error, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{Main, open, row};

/// A database without tables is no error: there is nothing in it to get wrong, and every table asked for is a typed error.
#[test]
fn an_empty_schema_holds_nothing() {
    let db = Database::builder().in_memory().unwrap();
    let refused = db.write(|tx| tx.insert(row("a", "b", &[]))).unwrap_err();
    assert!(matches!(refused, Error::UnknownTable { table: "main" }));
    assert!(matches!(
        db.follow(Main::ALL),
        Err(Error::UnknownTable { table: "main" })
    ));
    assert_eq!(db.revision().get(), 0);
}

/// A schema with a table passes, and naming the table twice changes nothing.
#[test]
fn a_valid_schema_passes() {
    let db = Database::builder()
        .table::<Main>()
        .table::<Main>()
        .in_memory()
        .unwrap();
    assert_eq!(db.snapshot().count(Main::ALL), 0);
}

/// A table with a string key only passes: indexes beside the primary one are not asked for.
#[test]
fn a_table_needs_no_more_than_its_key() {
    #[derive(Table, Serialize, Deserialize)]
    struct Bare {
        #[key]
        id: String,
    }

    let definition = Bare::definition();
    assert_eq!(definition.indexes.len(), 1);
    let primary = definition.primary().unwrap();
    assert!(primary.unique && !primary.each && !primary.sparse);
}

/// An index on one value and one on several both pass, and say so in the definition.
#[test]
fn an_index_is_of_one_value_or_of_several() {
    let definition = Main::definition();
    let index = |name: &str| {
        let found = definition.indexes.iter().find(|index| index.name == name);
        found.unwrap().clone()
    };
    assert!(!index("by_foo").each && !index("by_foo").unique);
    assert!(index("by_qux").each);
    assert_eq!(
        index("by_foo").columns,
        IndexColumns::Fields(vec!["foo".to_owned()])
    );
}

/// Two tables of one name are refused when the database is built.
#[test]
fn two_tables_of_one_name_are_refused() {
    #[derive(Table, Serialize, Deserialize)]
    #[table(name = "main")]
    struct Another {
        #[key]
        id: u64,
    }

    let built = Database::builder()
        .table::<Main>()
        .table::<Another>()
        .in_memory();
    assert!(matches!(built, Err(Error::SameName { table: "main" })));
}

/// The schema can be had as data, and is a copy: what is done to it changes no table.
#[test]
fn the_schema_is_read_only() {
    let mut definition = Main::definition();
    definition.indexes.clear();
    "other".clone_into(&mut definition.name);
    assert_eq!(Main::definition().indexes.len(), 3);
    assert_eq!(Main::NAME, "main");
    let db = open();
    db.write(|tx| tx.insert(row("a", "b", &[]))).unwrap();
    assert_eq!(db.snapshot().count(Main::BY_FOO.eq("b")), 1);
}

/// Names with dots do not run into each other: a table `a` with an index `b_id`, and a table `a.b`. There, both were one string.
#[test]
fn names_do_not_run_into_each_other() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "a")]
    struct Short {
        #[key]
        id: u64,
        #[index(name = b_id)]
        value: u64,
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "a.b")]
    struct Long {
        #[key]
        id: u64,
    }

    let db = Database::builder()
        .table::<Short>()
        .table::<Long>()
        .in_memory()
        .unwrap();
    db.write(|tx| {
        tx.insert(Short { id: 1, value: 2 })?;
        tx.insert(Long { id: 2 })
    })
    .unwrap();
    let snapshot = db.snapshot();
    assert_eq!(snapshot.first(Short::B_ID.eq(2)).map(|row| row.id), Some(1));
    assert_eq!(snapshot.count(Short::B_ID.all()), 1);
    assert_eq!(snapshot.count(Long::ALL), 1);
}

/// An index whose name ends in `_prefix` can be asked like any other: a prefix is a verb here, not a name.
#[test]
fn a_name_that_ends_in_prefix_is_a_name() {
    #[derive(Table, Serialize, Deserialize)]
    struct Entry {
        #[key]
        id: u64,
        #[index(name = by_prefix)]
        prefix: String,
        #[index(name = by_word_prefix)]
        word: String,
    }

    let db = Database::builder().table::<Entry>().in_memory().unwrap();
    db.write(|tx| {
        tx.insert(Entry {
            id: 1,
            prefix: "under".to_owned(),
            word: "line".to_owned(),
        })
    })
    .unwrap();
    let snapshot = db.snapshot();
    assert!(snapshot.contains(Entry::BY_WORD_PREFIX.eq("line")));
    assert!(snapshot.contains(Entry::BY_WORD_PREFIX.starts_with("li")));
    assert!(!snapshot.contains(Entry::BY_WORD_PREFIX.eq("li")));
    assert!(snapshot.contains(Entry::BY_PREFIX.eq("under")));
}
