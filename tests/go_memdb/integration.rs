//! Several tables with every kind of index at once, and watches on all of them.

use super::fixture::{Main, open, row, three};
use sapwood::Error;

/// What was aborted is not there, and to end again is not possible: the transaction is gone with its abort.
#[test]
fn abort() {
    let db = open();
    let result = db.write(|tx| {
        tx.insert(row("my-object", "abc", &[]))?;
        tx.insert(row("my-object", "abc", &[])).map(drop)
    });
    assert!(matches!(result, Err(Error::Duplicate { .. })));
    assert_eq!(db.snapshot().count(Main::ALL), 0);
    assert_eq!(db.revision().get(), 0);
}

/// Watches on a list, on a row and on a prefix: a committed removal in a fork fires none of them, the same one in the database fires all.
#[test]
fn watch_update() {
    let db = three();
    let snapshot = db.snapshot();
    let watches = [
        Main::BY_FOO.eq("foo"),
        Main::BY_ID.eq("object1"),
        Main::BY_ID.starts_with("object"),
    ]
    .map(|query| snapshot.watch(query));
    let fork = snapshot.fork();
    fork.write(|tx| tx.remove::<Main>("object1")).unwrap();
    assert!(watches.iter().all(|watch| !watch.is_fired()));
    db.write(|tx| tx.remove::<Main>("object1")).unwrap();
    assert!(watches.iter().all(sapwood::watch::Watch::is_fired));
}

#[cfg(feature = "uuid")]
mod complex {
    use std::collections::BTreeMap;

    use sapwood::{Database, Error, Query, Snapshot, Table};
    use serde::{Deserialize, Serialize};
    use uuid::Uuid;

    /// The bytes of an id, so that the test does not need serde in the crate of ids.
    mod as_bytes {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};
        use uuid::Uuid;

        pub(super) fn serialize<S: Serializer>(id: &Uuid, to: S) -> Result<S::Ok, S::Error> {
            id.as_bytes().serialize(to)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
            Deserialize::deserialize(from).map(Uuid::from_bytes)
        }
    }

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "people")]
    #[table(index(by_name, on(first, last), unique))]
    #[table(index(by_is_set, with(has_nickname) -> bool))]
    #[table(index(by_first_tag, with(first_tag) -> (String, String), each))]
    #[table(index(by_everything, with(everything) -> (String, String, String, String, String), each))]
    struct Person {
        #[key]
        #[serde(with = "as_bytes")]
        id: Uuid,
        first: String,
        last: String,
        #[index]
        age: u8,
        #[index]
        negative_age: i8,
        nickname: Option<String>,
        tags: Vec<String>,
        settings: BTreeMap<String, String>,
    }

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "places")]
    struct Place {
        #[key]
        #[serde(with = "as_bytes")]
        id: Uuid,
        #[index(unique)]
        name: String,
    }

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "visits", key(person, place))]
    struct Visit {
        #[serde(with = "as_bytes")]
        person: Uuid,
        #[serde(with = "as_bytes")]
        place: Uuid,
    }

    fn has_nickname(person: &Person) -> bool {
        person.nickname.is_some()
    }

    fn first_tag(person: &Person) -> impl Iterator<Item = (&str, &str)> {
        let tags = person.tags.iter();
        tags.map(|tag| (person.first.as_str(), tag.as_str()))
    }

    fn everything(person: &Person) -> Vec<(&str, &str, &str, &str, &str)> {
        let mut keys = Vec::new();
        for tag in &person.tags {
            for (name, value) in &person.settings {
                keys.push((
                    person.first.as_str(),
                    tag.as_str(),
                    person.last.as_str(),
                    name.as_str(),
                    value.as_str(),
                ));
            }
        }
        keys
    }

    const ALICE: Uuid = Uuid::from_u128(0xaaaa_0001 << 96);
    const BOB: Uuid = Uuid::from_u128(0xbbbb_0002 << 96);

    fn populated() -> Database {
        let db = Database::builder()
            .table::<Person>()
            .table::<Place>()
            .table::<Visit>()
            .in_memory()
            .unwrap();
        let places = [("Maui", 0x11), ("Rome", 0x22)].map(|(name, id)| Place {
            id: Uuid::from_u128(id << 120),
            name: name.to_owned(),
        });
        let person = |id, first: &str, age, tags: &[&str]| Person {
            id,
            first: first.to_owned(),
            last: "Dadgar".to_owned(),
            age,
            negative_age: -(age.cast_signed()),
            nickname: (first == "Alice").then(|| "Al".to_owned()),
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            settings: [("theme", "dark"), ("tongue", "en")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        db.write(|tx| {
            for place in &places {
                tx.insert(place.clone())?;
                tx.insert(Visit {
                    person: ALICE,
                    place: place.id,
                })?;
            }
            tx.insert(person(ALICE, "Alice", 27, &["home", "office"]))?;
            tx.insert(person(BOB, "Bob", 30, &["home"]))
        })
        .unwrap_or_else(|error: Error| panic!("{error}"));
        db
    }

    fn names(snapshot: &Snapshot, query: Query<Person>) -> Vec<&str> {
        let rows = snapshot.list(query);
        rows.map(|row| row.first.as_str()).collect()
    }

    /// Three tables with ids, compound, numeric, computed and multi-value compound indexes, all asked at once; and a join over a compound key.
    #[test]
    fn complex_db() {
        let db = populated();
        let snapshot = db.snapshot();
        let one = |query| names(&snapshot, query);
        // The whole compound key, and its first column.
        assert_eq!(one(Person::BY_NAME.eq(("Alice", "Dadgar"))), ["Alice"]);
        assert_eq!(one(Person::BY_NAME.prefix("Bob")), ["Bob"]);
        // Four digits of an id.
        assert_eq!(one(Person::BY_ID.starts_with("aaaa")), ["Alice"]);
        // Whether a field is set.
        assert_eq!(one(Person::BY_IS_SET.eq(true)), ["Alice"]);
        assert_eq!(one(Person::BY_IS_SET.eq(false)), ["Bob"]);
        // Numbers with a sign and without.
        assert_eq!(one(Person::BY_AGE.eq(27)), ["Alice"]);
        assert_eq!(one(Person::BY_NEGATIVE_AGE.eq(-30)), ["Bob"]);
        assert_eq!(one(Person::BY_NEGATIVE_AGE.range(..-27)), ["Bob"]);
        // Compound keys of several values, by all of their columns and by the first ones: a row comes once for each key that matches.
        assert_eq!(one(Person::BY_FIRST_TAG.eq(("Alice", "office"))), ["Alice"]);
        assert_eq!(one(Person::BY_FIRST_TAG.prefix("Bob")), ["Bob"]);
        let whole = ("Alice", "home", "Dadgar", "theme", "dark");
        assert_eq!(one(Person::BY_EVERYTHING.eq(whole)), ["Alice"]);
        let partial = ("Alice", "home", "Dadgar", "theme");
        assert_eq!(one(Person::BY_EVERYTHING.prefix(partial)), ["Alice"]);
        assert_eq!(
            one(Person::BY_EVERYTHING.prefix(("Bob", "office"))),
            [""; 0]
        );
    }

    /// A join: the first column of a compound primary key finds the pairs, and each of them its row in the other table, all in one snapshot.
    #[test]
    fn complex_db_join() {
        let db = populated();
        let snapshot = db.snapshot();
        let visited = |person: Uuid| -> Vec<&str> {
            snapshot
                .list(Visit::BY_PERSON_PLACE.prefix(person))
                .filter_map(|visit| snapshot.get::<Place>(visit.place))
                .map(|place| place.name.as_str())
                .collect()
        };
        assert_eq!(visited(ALICE), ["Maui", "Rome"]);
        assert_eq!(visited(BOB), [""; 0]);
    }
}
