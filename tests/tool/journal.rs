//! Files with a journal, as a program that was killed leaves them: what is in the journal only is seen, copied and recovered like all else, or its loss is told.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sapwood::{Database, Revision, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use tempfile::TempDir;

use crate::content::{inspected, opened};
use crate::program::{complaint, fine, json, printed, run, text};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "jobs")]
struct Job {
    #[key]
    id: u32,
    state: String,
}

fn open(path: &Path) -> Database {
    opened(|| Database::builder().table::<Job>().open(path))
}

fn put(db: &Database, id: u32, state: &str) {
    let state = state.to_owned();
    db.write(|tx| tx.put(Job { id, state }).map(drop)).unwrap();
}

/// Five rows in the trees, of revision 5; then revision 6 changes one, 7 adds one and 8 removes one.
fn left_by_a_crash() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (path, left) = (
        folder.path().join("open.sap"),
        folder.path().join("left.sap"),
    );
    let db = open(&path);
    for id in 1..=5 {
        put(&db, id, "new");
    }
    db.checkpoint().unwrap();
    put(&db, 2, "done");
    put(&db, 6, "new");
    db.write(|tx| tx.remove::<Job>(&1).map(drop)).unwrap();
    fs::copy(&path, &left).unwrap();
    (folder, left)
}

fn states(path: &Path) -> Vec<(u32, String)> {
    let db = open(path);
    let snapshot = db.snapshot();
    let rows = snapshot.list(Job::ALL);
    rows.map(|row| (row.id, row.state.clone())).collect()
}

fn expected() -> Vec<(u32, String)> {
    let rows = [(2, "done"), (3, "new"), (4, "new"), (5, "new"), (6, "new")];
    rows.map(|(id, state)| (id, state.to_owned())).to_vec()
}

/// Proves that it is told what the journal has, and that no copy of the file is without it.
#[test]
fn copies_have_it() {
    let (folder, left) = left_by_a_crash();
    let before = fs::read(&left).unwrap();
    let info = json(&["info", text(&left)], 0);
    let journal = &info["journal"];
    assert_eq!(
        (
            &journal["trees_revision"],
            &journal["revisions"],
            &journal["rows"],
            &journal["problem"]
        ),
        (&value!(5), &value!(3), &value!(3), &Value::Null)
    );
    assert_eq!(info["closed"], false);
    let shown = fine(&["info", text(&left)]);
    assert!(
        shown.contains("3 revisions of 3 rows that the trees, of revision 5, have not"),
        "{shown}"
    );
    assert!(fine(&["stats", text(&left)]).contains("journal, not counted: 3 revisions"));
    assert!(fine(&["check", text(&left)]).contains("; journal: 3 revisions of 3 rows"));
    let to = |name: &str| folder.path().join(name);
    fine(&["backup", text(&left), text(&to("backup"))]);
    let piped = run(&["backup", text(&left), "-"]);
    assert!(piped.stdout == fs::read(to("backup")).unwrap());
    fine(&["restore", text(&to("backup")), text(&to("restored"))]);
    fine(&["restore", text(&left), text(&to("restored whole"))]);
    fine(&["compact", text(&left), text(&to("compact"))]);
    let recovered = json(&["recover", text(&left), text(&to("recovered"))], 0);
    assert_eq!(recovered["complete"], true);
    assert_eq!(
        recovered["journal"],
        value!({"revision": 8, "revisions": 3, "rows": 3, "problem": null})
    );
    let lines = fine(&["export", text(&left)]);
    let imported = to("imported");
    fs::write(to("lines"), lines).unwrap();
    fine(&["import", "--create", text(&imported), text(&to("lines"))]);
    assert!(fs::read(&left).unwrap() == before, "reading writes nothing");
    for name in [
        "backup",
        "restored",
        "restored whole",
        "compact",
        "recovered",
        "imported",
    ] {
        let path = to(name);
        assert_eq!(inspected(&path).revision(), Revision::new(8), "{name}");
        assert_eq!(fine(&["diff", text(&left), text(&path)]), "", "{name}");
        assert_eq!(states(&path), expected(), "{name}");
    }
}

/// Proves that buckets are shown as the journal makes them, and are not written to beside it; and that a checkpoint brings it into them.
#[test]
fn buckets_are_not_written_beside_it() {
    let (_folder, left) = left_by_a_crash();
    let file = text(&left);
    let keys = fine(&["keys", file, "rows:jobs"]);
    assert_eq!(keys.lines().count(), 5, "{keys}");
    assert!(!keys.contains("hex:00000001\n"), "{keys}");
    let row = "{\"bucket\":[\"b\"],\"key\":\"k\",\"value\":\"v\"}";
    let lines = left.with_file_name("lines");
    fs::write(&lines, row).unwrap();
    let before = fs::read(&left).unwrap();
    for arguments in [
        &["put", file, "rows:jobs", "hex:00000001", "x"][..],
        &["delete", file, "rows:jobs", "hex:00000003"],
        &["import", file, text(&lines)],
    ] {
        let refused = complaint(arguments, 2);
        assert!(
            refused.ends_with("`sapwood checkpoint` brings them up to date"),
            "{refused}"
        );
    }
    assert!(fs::read(&left).unwrap() == before);
    let done = fine(&["checkpoint", file]);
    assert!(
        done.ends_with("revision 8; 3 revisions of 3 rows were in the journal\n"),
        "{done}"
    );
    assert!(json(&["info", file], 0)["journal"].is_null());
    assert_eq!(
        json(&["checkpoint", file], 0),
        value!({"revision": 8, "revisions": 0, "rows": 0})
    );
    fine(&["delete", file, "rows:jobs", "hex:00000003"]);
    let mut rows = expected();
    rows.remove(1);
    assert_eq!(states(&left), rows);
}

/// Proves that damage in the journal is told, that copying is refused then, and that recovery takes what is before it and tells that the rest is lost.
#[test]
fn damage_in_it_is_told() {
    let (folder, left) = left_by_a_crash();
    let mut bytes = fs::read(&left).unwrap();
    // The second of three groups: the page behind that which has the change of row 2.
    let place = bytes.windows(4).rposition(|it| it == b"done").unwrap();
    bytes[(place / 4096 + 1) * 4096 + 60] ^= 1;
    fs::write(&left, &bytes).unwrap();
    let told = printed(&run(&["check", text(&left)]), 1);
    assert!(
        told.contains("the journal has a group that is damaged"),
        "{told}"
    );
    let problem = json(&["info", text(&left)], 0)["journal"]["problem"].clone();
    assert!(
        problem
            .as_str()
            .unwrap()
            .contains("the journal has a group that is damaged")
    );
    let to = folder.path().join("copy");
    for command in ["backup", "compact", "export"] {
        let refused = complaint(&[command, text(&left), text(&to)], 1);
        assert!(
            refused.contains("the journal has a group that is damaged"),
            "{refused}"
        );
        assert!(!to.exists());
    }
    let told = printed(&run(&["recover", text(&left), text(&to)]), 1);
    assert!(
        told.contains("the journal has a group that is damaged"),
        "{told}"
    );
    assert!(
        told.contains("journal: 1 revision of 1 row taken, up to revision 6"),
        "{told}"
    );
    assert!(!told.contains("nothing is lost"), "{told}");
    let rows = [(1, "new"), (2, "done"), (3, "new"), (4, "new"), (5, "new")];
    assert_eq!(states(&to), rows.map(|(id, state)| (id, state.to_owned())));
}
