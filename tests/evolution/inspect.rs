//! Files without their program: rows as JSON.

use sapwood::pagefile::PageFile;
use sapwood::{Error, Inspect, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{File, revisions};
use super::hostile::forge;
use super::past;

fn json(file: &Inspect, table: &str) -> Vec<serde_json::Value> {
    let rows = file.rows(table).unwrap();
    rows.map(|row| serde_json::to_value(row.unwrap().value()).unwrap())
        .collect()
}

/// All tables are there, with what their rows are made of; the rows are what serde makes of the structs, with their keys and revisions, both ways.
#[test]
fn tables_and_rows() {
    let file = File::golden();
    let inspect = Inspect::open(file.path()).unwrap();
    let names: Vec<&str> = inspect
        .tables()
        .iter()
        .map(|table| table.definition.name.as_str())
        .collect();
    assert_eq!(names, ["hosts", "jobs", "leases", "pods"]);
    let pods = inspect.table("pods").unwrap();
    assert_eq!(pods.definition, past::Pod::definition());
    assert_eq!(
        pods.shape.to_string(),
        "struct Pod { id: u64, node: Option<String>, cpu: u32, labels: Map<String, String>, phase: Phase, spec: Spec, note: String }\n\
         enum Phase { Pending, Running { since: u64 }, Failed(String, u8) }\n\
         struct Spec { image: String, ports: Vec<u16>, limits: Option<Limits> }\n\
         struct Limits { cpu: u32, memory: i64 }"
    );
    let by_serde = |rows: Vec<past::Pod>| -> Vec<serde_json::Value> {
        rows.iter()
            .map(|row| serde_json::to_value(row).unwrap())
            .collect()
    };
    assert_eq!(json(&inspect, "pods"), by_serde(past::pods()));
    let backwards = inspect.rows("pods").unwrap().rev();
    let keys: Vec<Vec<u8>> = backwards.map(|row| row.unwrap().key().to_vec()).collect();
    assert_eq!(keys, [3u64, 2, 1].map(|id| id.to_be_bytes().to_vec()));
    assert_eq!(inspect.count("pods").unwrap(), 3);
    let jobs = inspect.rows("jobs").unwrap();
    let told: Vec<_> = jobs
        .map(|row| row.map(|row| (row.created(), row.modified())).unwrap())
        .collect();
    let revision = inspect.revision();
    drop(inspect);
    let db = file.open_with::<past::Job>();
    assert_eq!(told, revisions(&db, past::Job::ALL));
    assert_eq!(revision, db.revision());
}

/// Values of every kind, as JSON has them.
#[test]
fn kinds_of_values() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Bytes(#[serde(with = "bytes")] Vec<u8>);
    mod bytes {
        pub(super) fn serialize<S: serde::Serializer>(
            bytes: &[u8],
            to: S,
        ) -> Result<S::Ok, S::Error> {
            to.serialize_bytes(bytes)
        }
        pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
            from: D,
        ) -> Result<Vec<u8>, D::Error> {
            struct Take;
            impl serde::de::Visitor<'_> for Take {
                type Value = Vec<u8>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes")
                }
                fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                    Ok(bytes.to_vec())
                }
            }
            from.deserialize_bytes(Take)
        }
    }
    #[derive(Clone, Debug, Serialize, Deserialize)]
    enum Kind {
        One(u8),
        Two(u8, bool),
    }
    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    struct Row {
        #[key]
        id: i16,
        wide: (u128, i128),
        float: f32,
        unit: (),
        symbol: char,
        bytes: Bytes,
        kinds: Vec<Kind>,
        by_number: std::collections::BTreeMap<u8, Option<bool>>,
        by_pair: std::collections::BTreeMap<(u8, u8), String>,
    }
    let row = Row {
        id: -3,
        wide: (u128::from(u64::MAX), -7),
        float: 0.5,
        unit: (),
        symbol: 'ö',
        bytes: Bytes(vec![0, 255]),
        kinds: vec![Kind::One(1), Kind::Two(2, true)],
        by_number: [(1, None), (2, Some(true))].into(),
        by_pair: [((1, 2), "x".to_owned())].into(),
    };
    let file = File::empty();
    let db = file.open_with::<Row>();
    db.write(|tx| tx.insert(row)).unwrap();
    db.close().unwrap();
    let inspect = Inspect::open(file.path()).unwrap();
    let text = serde_json::to_string(
        inspect
            .rows("row")
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .value(),
    );
    assert_eq!(
        text.unwrap(),
        r#"{"id":-3,"wide":[18446744073709551615,-7],"float":0.5,"unit":null,"symbol":"ö","bytes":"00ff","kinds":[{"One":1},{"Two":[2,true]}],"by_number":{"1":null,"2":true},"by_pair":[[[1,2],"x"]]}"#
    );
}

/// What is not there, and what is not a row, is an error; the rows behind it are there.
#[test]
fn errors() {
    let file = File::golden();
    let schema = {
        let file = PageFile::open(file.path()).unwrap();
        let tx = file.begin_read();
        let tables = tx.bucket("tables").unwrap().unwrap();
        tables.get("jobs").unwrap().unwrap().to_vec()
    };
    forge(&file, "jobs", &schema, Some((b"a\0\x01", b"\x01")));
    let inspect = Inspect::open(file.path()).unwrap();
    let none = inspect.rows("pot").map(drop).unwrap_err();
    assert!(matches!(&none, Error::NoTable { table, .. } if table == "pot"));
    assert!(none.to_string().ends_with("the file has no table `pot`"));
    let rows: Vec<_> = inspect.rows("jobs").unwrap().collect();
    assert_eq!(rows.len(), 3);
    let error = rows[0].as_ref().unwrap_err();
    assert!(matches!(error, Error::StoredRow { .. }));
    assert_eq!(
        error.to_string(),
        "table `jobs`: row 610001: bytes are not a row of the table: the bytes end too early"
    );
    assert!(rows[1].is_ok() && rows[2].is_ok());
}

/// A file that was not closed has commits beside its trees: they are seen, from both ends, as the program would see them.
#[test]
fn commits_of_a_crash() {
    use super::sim::{Crash, SimDisk};
    let disk = SimDisk::default();
    let db = sapwood::Database::builder().table::<past::Job>();
    let db = db.open_storage(Box::new(disk.clone())).unwrap();
    let job = |number: u16, slot| past::Job {
        name: format!("job {:02}", number % 20),
        owner: "ann".to_owned(),
        slot,
    };
    for number in 0..12 {
        db.write(|tx| tx.put(job(number * 7, number))).unwrap();
    }
    db.checkpoint().unwrap();
    for number in 0..40 {
        db.write(|tx| match number % 3 {
            0 => tx.remove::<past::Job>(&job(number * 3, 0).name).map(drop),
            _ => tx.put(job(number, 100 + number)).map(drop),
        })
        .unwrap();
        let left = disk.crash(Crash::None, 0);
        let inspect = Inspect::open_storage(Box::new(left)).unwrap();
        assert_eq!(inspect.revision(), db.revision());
        let snapshot = db.snapshot();
        let rows = snapshot.list(past::Job::ALL);
        let expected: Vec<_> = rows
            .map(|row| serde_json::to_value(&**row).unwrap())
            .collect();
        assert_eq!(json(&inspect, "jobs"), expected);
        assert_eq!(inspect.count("jobs").unwrap(), expected.len() as u64);
        // Both ends meet wherever they do.
        let mut rows = inspect.rows("jobs").unwrap();
        let (mut front, mut back) = (Vec::new(), Vec::new());
        for step in 0.. {
            let (row, side) = match (step * 7 + number) % 3 {
                0 => (rows.next_back(), &mut back),
                _ => (rows.next(), &mut front),
            };
            let Some(row) = row else { break };
            side.push(serde_json::to_value(row.unwrap().value()).unwrap());
        }
        back.reverse();
        assert_eq!([front, back].concat(), expected);
    }
}
