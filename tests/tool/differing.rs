//! What differs between files and between revisions, against a model.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::{collection::btree_map, prelude::*};
use sapwood::{Database, Durability, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};

use crate::{
    content::{Content, Rows, content, make, opened},
    program::{complaint, fine, json, printed, run, text},
};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u8,
    node: Option<u8>,
    note: String,
}

type Model = BTreeMap<u8, (Option<u8>, String)>;

fn model() -> impl Strategy<Value = Model> {
    // Never empty, so that each commit changes something.
    btree_map(0u8..8, (prop::option::of(0u8..2), "[ab]{0,1}"), 1..6)
}

fn row(id: u8, (node, text): &(Option<u8>, String)) -> Pod {
    Pod {
        id,
        node: *node,
        note: text.clone(),
    }
}

/// Makes the rows those of the model, by one commit.
fn become_(db: &Database, model: &Model) {
    db.write(|tx| {
        let there: Vec<u8> = tx.list(Pod::ALL).map(|row| row.id).collect();
        for id in there.iter().filter(|id| !model.contains_key(*id)) {
            tx.remove::<Pod>(id)?;
        }
        for (id, fields) in model {
            tx.put(row(*id, fields))?;
        }
        Ok::<_, sapwood::Error>(())
    })
    .unwrap();
}

fn lines(output: &str) -> Vec<Value> {
    let lines = output.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The lines that a difference is to have.
fn differences(before: &Model, after: &Model) -> Vec<Value> {
    let mut told = Vec::new();
    for id in 0..8 {
        let key = format!("{id:02x}");
        let json = |fields| serde_json::to_value(row(id, fields)).unwrap();
        match (before.get(&id), after.get(&id)) {
            (None, Some(row)) => {
                told.push(
                    value!({"table": "pods", "change": "added", "key": key, "row": json(row)}),
                );
            }
            (Some(row), None) => {
                told.push(
                    value!({"table": "pods", "change": "removed", "key": key, "row": json(row)}),
                );
            }
            (Some(from), Some(to)) if from != to => {
                let mut fields = Vec::new();
                if from.0 != to.0 {
                    fields.push(value!({"field": "node", "from": from.0, "to": to.0}));
                }
                if from.1 != to.1 {
                    fields.push(value!({"field": "note", "from": from.1, "to": to.1}));
                }
                told.push(
                    value!({"table": "pods", "change": "changed", "key": key, "fields": fields}),
                );
            }
            _ => {}
        }
    }
    told
}

fn code(differs: bool) -> i32 {
    i32::from(differs)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Proves that between any two files, and between any two revisions that a file has, exactly the rows are told that differ, with the fields that do; and whether any does, by the exit
    /// code.
    #[test]
    fn any_rows_are_compared(models in prop::collection::vec(model(), 2..5), checkpoint in 0usize..5) {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<_> = (0..=models.len()).map(|n| folder.path().join(n.to_string())).collect();
        let db = Database::builder().table::<Pod>().open(folder.path().join("db")).unwrap();
        let mut first = 0;
        for (number, model) in models.iter().enumerate() {
            become_(&db, model);
            if number == checkpoint {
                db.checkpoint().unwrap();
                first = number;
            }
            fs::copy(folder.path().join("db"), &files[number]).unwrap();
        }
        drop(db);
        let last = models.len() - 1;
        for (left, right) in [(0, last), (last, 0), (last, last)] {
            let told = differences(&models[left], &models[right]);
            let arguments = ["--json", "diff", text(&files[left]), text(&files[right])];
            let output = printed(&run(&arguments), code(!told.is_empty()));
            prop_assert_eq!(lines(&output), told);
        }
        for from in first..=last {
            for to in first..=last {
                let told = differences(&models[from], &models[to]);
                let [from, to] = [from + 1, to + 1].map(|revision| revision.to_string());
                let arguments = ["--json", "diff", text(&files[last]), "--from", &from, "--to", &to];
                let output = printed(&run(&arguments), code(!told.is_empty()));
                prop_assert_eq!(lines(&output), told, "{} to {}", from, to);
            }
        }
    }

    /// Proves that of two files that are no databases exactly the keys and buckets are told that differ.
    #[test]
    fn any_keys_are_compared(
        before in btree_map(0u8..3, btree_map(0u8..5, 0u8..2, 0..4), 0..3),
        after in btree_map(0u8..3, btree_map(0u8..5, 0u8..2, 0..4), 0..3),
    ) {
        type Model = BTreeMap<u8, BTreeMap<u8, u8>>;
        let folder = tempfile::tempdir().unwrap();
        let name = |n: u8| format!("n{n}").into_bytes();
        let file = |named: &str, model: &Model| {
            let rows = |rows: &BTreeMap<u8, u8>| Rows {
                sequence: 0,
                rows: rows.iter().map(|(k, v)| (name(*k), name(*v))).collect(),
            };
            // Each bucket lies in another one.
            let mut content: Content = [(vec![b"top".to_vec()], Rows::default())].into();
            content.extend(model.iter().map(|(n, it)| (vec![b"top".to_vec(), name(*n)], rows(it))));
            let path = folder.path().join(named);
            make(&path, 512, &content);
            path
        };
        let (left, right) = (file("left", &before), file("right", &after));
        let mut told = Vec::new();
        for bucket in 0..3 {
            let path = value!(["top", format!("n{bucket}")]);
            match (before.get(&bucket), after.get(&bucket)) {
                (Some(rows), None) => told.push(value!({"bucket": path, "change": "bucket removed", "keys": rows.len()})),
                (None, Some(rows)) => told.push(value!({"bucket": path, "change": "bucket added", "keys": rows.len()})),
                (Some(from), Some(to)) => for key in 0..5 {
                    let named = format!("n{key}");
                    let shown = |n: &u8| format!("n{n}");
                    match (from.get(&key), to.get(&key)) {
                        (Some(a), None) => told.push(value!({"bucket": path, "change": "removed", "key": named, "from": shown(a)})),
                        (None, Some(b)) => told.push(value!({"bucket": path, "change": "added", "key": named, "to": shown(b)})),
                        (Some(a), Some(b)) if a != b => told.push(
                            value!({"bucket": path, "change": "changed", "key": named, "from": shown(a), "to": shown(b)})
                        ),
                        _ => {}
                    }
                },
                (None, None) => {}
            }
        }
        let output = printed(&run(&["--json", "diff", text(&left), text(&right)]), code(!told.is_empty()));
        prop_assert_eq!(lines(&output), told);
        prop_assert_eq!(content(&left).len(), before.len() + 1);
    }
}

/// Proves what people are shown, tables and schemas that differ among it, and that trouble has a code of its own.
#[test]
fn what_people_see() {
    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    #[table(name = "pods", version = 2)]
    struct Newer {
        #[key]
        id: u8,
        node: Option<u64>,
        ready: bool,
    }
    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    struct Other {
        #[key]
        id: u8,
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let db = Database::builder().table::<Pod>().open(path("a")).unwrap();
    let fields = |note: &str| (Some(1), note.to_owned());
    db.write(|tx| tx.put(row(1, &fields("x"))).map(drop))
        .unwrap();
    db.write(|tx| tx.put(row(2, &fields("y"))).map(drop))
        .unwrap();
    db.close().unwrap();
    let db = Database::builder().table::<Newer>().table::<Other>();
    let db = db.open(path("b")).unwrap();
    let newer = |id| Newer {
        id,
        node: Some(1),
        ready: true,
    };
    db.write(|tx| {
        tx.put(newer(1))?;
        tx.put(newer(3))?;
        tx.put(Other { id: 1 }).map(drop)
    })
    .unwrap();
    db.close().unwrap();
    let told = printed(&run(&["diff", text(&path("a")), text(&path("b"))]), 1);
    assert_eq!(
        told,
        "+ table other, 1 row\n\
         - table pods: version 1\n\
         - table pods: struct Pod { id: u8, node: Option<u8>, note: String }\n\
         + table pods: version 2\n\
         + table pods: struct Newer { id: u8, node: Option<u64>, ready: bool }\n\
         ~ pods id=1: note \"x\" -> nothing, ready nothing -> true\n\
         - pods {\"id\":2,\"node\":1,\"note\":\"y\"}\n\
         + pods {\"id\":3,\"node\":1,\"ready\":true}\n"
    );
    let only = printed(
        &run(&[
            "diff",
            "--table",
            "other",
            text(&path("a")),
            text(&path("b")),
        ]),
        1,
    );
    assert_eq!(only, "+ table other, 1 row\n");
    assert_eq!(fine(&["diff", text(&path("a")), text(&path("a"))]), "");
    let trouble = complaint(&["diff", text(&path("a")), text(&path("none"))], 2);
    assert!(trouble.ends_with("there is no such file"), "{trouble}");
    let trouble = complaint(
        &[
            "diff",
            "--table",
            "none",
            text(&path("a")),
            text(&path("b")),
        ],
        2,
    );
    assert!(trouble.contains("no table `none`"), "{trouble}");
    complaint(&["diff", text(&path("a"))], 2);
}

/// Proves that revisions are told which a file has, where another one is asked for; and that the state before the newest is one of them for as long as a meta leads to it.
#[test]
fn revisions_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let left = |name: &str| {
        let to = folder.path().join(name);
        fs::copy(&path, &to).unwrap();
        to
    };
    let build = || Database::builder().table::<Pod>();
    let put = |db: &Database, id: u8| {
        let fields = (None, String::new());
        db.write(|tx| tx.put(row(id, &fields)).map(drop)).unwrap();
    };
    let db = build().open(&path).unwrap();
    for id in 1..=6 {
        put(&db, id);
        if id == 3 {
            db.checkpoint().unwrap();
        }
    }
    let file = left("journal");
    drop(db);
    let refused = complaint(&["diff", text(&file), "--from", "1"], 2);
    assert!(
        refused.ends_with("it does not have revision 1; it has 3 to 6"),
        "{refused}"
    );
    let refused = complaint(&["diff", text(&file), "--to", "9"], 2);
    assert!(
        refused.ends_with("it does not have revision 9; it has 3 to 6"),
        "{refused}"
    );
    let told = printed(&run(&["diff", text(&file), "--from", "5"]), 1);
    assert_eq!(told, "+ pods {\"id\":6,\"node\":null,\"note\":\"\"}\n");
    let told = printed(&run(&["diff", text(&file), "--to", "4"]), 1);
    assert_eq!(told, "+ pods {\"id\":4,\"node\":null,\"note\":\"\"}\n");
    // Without a journal, the metas are written in turn.
    let db = opened(|| build().durability(Durability::Checkpoint).open(&path));
    for id in 7..=9 {
        put(&db, id);
        db.checkpoint().unwrap();
    }
    let file = left("metas");
    drop(db);
    let told = printed(&run(&["diff", text(&file), "--from", "8", "--to", "9"]), 1);
    assert_eq!(told, "+ pods {\"id\":9,\"node\":null,\"note\":\"\"}\n");
    let refused = complaint(&["diff", text(&file), "--from", "7"], 2);
    assert!(refused.ends_with("it has 8 to 9"), "{refused}");
    assert_eq!(json(&["info", text(Path::new(&file))], 0)["closed"], false);
}
