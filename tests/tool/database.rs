//! Commands about databases: their tables, shapes and rows, without their program.

use std::path::PathBuf;

use sapwood::{Database, Table};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    content::Sample,
    program::{complaint, fine, json, text},
};

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Phase {
    Pending,
    Running { since: u64 },
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "pods", version = 2)]
struct Pod {
    #[key]
    id: u32,
    #[index]
    node: Option<String>,
    phase: Phase,
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "empty")]
struct Empty {
    #[key]
    id: u32,
}

fn database() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sap");
    let db = Database::builder().table::<Pod>().table::<Empty>();
    let db = db.open(&path).unwrap();
    let pod = |id, node: Option<&str>, phase| Pod {
        id,
        node: node.map(str::to_owned),
        phase,
    };
    db.write(|tx| tx.insert(pod(1, None, Phase::Pending)))
        .unwrap();
    let running = Phase::Running { since: 7 };
    db.write(|tx| tx.insert(pod(2, Some("n1"), running)))
        .unwrap();
    db.close().unwrap();
    (folder, path)
}

/// Proves that tables are listed with what they are, for people and for programs.
#[test]
fn tables_and_their_shapes() {
    let (_folder, path) = database();
    let path = text(&path);
    let shown = fine(&["tables", path]);
    assert!(
        shown.contains("│ pods  ┆ 2       ┆ on(id) ┆ by_node ┆    2 │"),
        "{shown}"
    );
    let lines = fine(&["--json", "tables", path]);
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(
        last,
        json!({"table": "pods", "version": 2, "rows": 2, "key": "on(id)", "indexes": ["by_node"]})
    );
    assert_eq!(
        fine(&["schema", path]),
        "table empty, version 1\n    by_id on(id) unique\n    struct Empty { id: u32 }\n\n\
         table pods, version 2\n    by_id on(id) unique\n    by_node on(node)\n    \
         struct Pod { id: u32, node: Option<String>, phase: Phase }\n    enum Phase { Pending, Running { since: u64 } }\n"
    );
    let schema = json(&["schema", path, "empty"], 0);
    assert_eq!(schema["types"], json!(["struct Empty { id: u32 }"]));
    assert_eq!(
        schema["indexes"],
        json!([{"name": "by_id", "made": "on(id) unique"}])
    );
}

/// Proves that rows are shown as JSON, and as a table, from both ends.
#[test]
fn rows() {
    let (_folder, path) = database();
    let path = text(&path);
    assert_eq!(
        fine(&["--json", "rows", path, "pods"]),
        "{\"id\":1,\"node\":null,\"phase\":\"Pending\"}\n{\"id\":2,\"node\":\"n1\",\"phase\":{\"Running\":{\"since\":7}}}\n"
    );
    assert_eq!(
        json(
            &[
                "rows",
                path,
                "pods",
                "--reverse",
                "--limit",
                "1",
                "--revisions"
            ],
            0
        ),
        json!({"created": 2, "modified": 2, "row": {"id": 2, "node": "n1", "phase": {"Running": {"since": 7}}}})
    );
    let shown = fine(&["rows", path, "pods", "--revisions"]);
    assert!(shown.contains("id ┆ node ┆ phase"), "{shown}");
    assert!(
        shown.contains(r#"│ 2  ┆ n1   ┆ {"Running":{"since":7}} ┆ 2       ┆ 2        │"#),
        "{shown}"
    );
    assert_eq!(fine(&["--json", "rows", path, "empty"]), "");
}

/// Proves that a table that is not there, and a file that is no database, are told in one line.
#[test]
fn what_is_not_there() {
    let (_folder, path) = database();
    let path = text(&path);
    for arguments in [&["rows", path, "pots"][..], &["schema", path, "pots"]] {
        let line = complaint(arguments, 1);
        assert!(
            line.ends_with("the file has no table `pots`. `sapwood tables` lists them"),
            "{line}"
        );
    }
    let sample = Sample::small();
    let file = sample.file();
    let line = complaint(&["tables", text(&file)], 2);
    assert!(
        line.ends_with("a page file, but not of a database"),
        "{line}"
    );
}
