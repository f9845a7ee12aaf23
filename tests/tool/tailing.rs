//! Following a file while it is written: each commit once, in order, and as it was, or named as missed.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use proptest::prelude::*;
use sapwood::{Database, Durability, Revision, Table, Tail, Tailed, pagefile::MemStorage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};

use crate::content::opened;
use crate::program::{command, complaint, fine, text};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "steps")]
struct Step {
    #[key]
    id: u32,
    at: u64,
    filler: String,
}

fn open(path: &Path) -> Database {
    let build = || Database::builder().table::<Step>();
    opened(|| build().journal_size(64 << 10).open(path))
}

/// What commit `number` does: puts two rows, and removes one that an earlier one put.
fn commit(db: &Database, number: u64) {
    db.write(|tx| {
        for id in [number * 2, number * 2 + 1] {
            let id = (id % 1000) as u32;
            let filler = "x".repeat((number * 37 % 300) as usize);
            tx.put(Step {
                id,
                at: number,
                filler,
            })?;
        }
        tx.remove::<Step>(&((number * 7 % 1000) as u32)).map(drop)
    })
    .unwrap();
}

/// The changes of a commit, by its own account; `None` for one that is not as it was committed.
fn changes_of(commit: &sapwood::TailedCommit) -> Option<BTreeMap<u32, bool>> {
    let mut changes = BTreeMap::new();
    let number = commit.revision.get();
    for change in &commit.changes {
        let id = u32::from_be_bytes(change.key.clone().try_into().ok()?);
        let row = commit.row(change).ok()?;
        if let Some(row) = &row {
            let row = serde_json::to_value(row.value()).ok()?;
            let is_own = row["id"] == id && row["at"] == number && change.table == "steps";
            if !is_own {
                return None;
            }
        }
        changes.insert(id, row.is_some());
    }
    Some(changes)
}

/// Takes what came, behind revision `last`, and gives the last one then; and how many were missed.
fn follow(events: Vec<Tailed>, last: &mut u64, missed: &mut u64) {
    for event in events {
        match event {
            Tailed::Commit(commit) => {
                assert_eq!(
                    commit.revision.get(),
                    *last + 1,
                    "in order, without a gap that is not named"
                );
                *last += 1;
                let changes = changes_of(&commit).unwrap();
                let removed = (*last * 7 % 1000) as u32;
                for id in [*last * 2, *last * 2 + 1].map(|id| (id % 1000) as u32) {
                    // One that came and went was never there.
                    assert!(id == removed || changes.get(&id) == Some(&true), "{last}");
                }
                assert!(changes.get(&removed).is_none_or(|put| !put));
                assert!(changes.len() <= 3);
            }
            Tailed::Missed { from, to } => {
                assert_eq!(from.get(), *last + 1);
                assert!(to >= from);
                *missed += to.get() - *last;
                *last = to.get();
            }
            _ => unreachable!(),
        }
    }
}

/// Proves that followers that are quick and slow, while commits, checkpoints, closing and opening again go on, get each commit once, in order, as it was committed, or are told that they
/// missed it; and that they get to the last one.
#[test]
fn each_commit_once_or_named() {
    const LAST: u64 = 3000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sap");
    open(&path).close().unwrap();
    let done = AtomicU64::new(0);
    let seen = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for (pause, synced) in [(0, false), (0, true), (3, false), (40, false)] {
            let mut tail = Tail::open_from(&path, Revision::new(1))
                .unwrap()
                .synced(synced);
            let (done, seen) = (&done, &seen);
            scope.spawn(move || {
                let (mut last, mut missed) = (0, 0);
                loop {
                    let is_over = done.load(Ordering::Acquire) == LAST;
                    let events = tail.poll().unwrap();
                    let is_nothing = events.is_empty();
                    follow(events, &mut last, &mut missed);
                    if is_over && is_nothing {
                        break;
                    }
                    thread::sleep(Duration::from_millis(pause));
                }
                seen.lock().unwrap().push((pause, last, missed));
            });
        }
        let mut db = open(&path);
        for number in 1..=LAST {
            commit(&db, number);
            if number % 97 == 0 {
                db.checkpoint().unwrap();
            }
            if number % 800 == 0 {
                db.close().unwrap();
                db = open(&path);
            }
        }
        db.close().unwrap();
        done.store(LAST, Ordering::Release);
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 4);
    for (pause, last, missed) in seen {
        assert_eq!(last, LAST, "{pause}");
        assert!(missed < LAST, "{pause}: {missed}");
    }
}

/// A file at three times, each with commits in its journal.
fn images() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sap");
    let db = open(&path);
    let mut images = Vec::new();
    for number in 1..=40 {
        commit(&db, number);
        if number % 9 == 0 {
            db.checkpoint().unwrap();
        }
        if number % 13 == 0 {
            images.push(fs::read(&path).unwrap());
        }
    }
    images
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Proves that whatever bytes a file has, following it does not panic, and gives no commit that was not made.
    #[test]
    fn hostile_bytes_are_no_commits(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..600), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        which in 0usize..3,
    ) {
        static IMAGES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
        let mut image = IMAGES.get_or_init(images)[which].clone();
        for (place, byte, len) in flips {
            let at = place.index(image.len());
            let end = (at + len).min(image.len());
            image[at..end].fill(byte);
        }
        if let Some(cut) = cut {
            image.truncate(cut.index(image.len()));
        }
        let storage = Box::new(MemStorage::new(image));
        if let Ok(mut tail) = Tail::open_storage(storage, Revision::new(1)) {
            for _ in 0..3 {
                let Ok(events) = tail.poll() else { break };
                for event in events {
                    if let Tailed::Commit(commit) = event {
                        prop_assert!(changes_of(&commit).is_some());
                    }
                }
            }
        }
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Proves that the tool follows a file that is open in another process, does not hold it up, and shows what people and programs are to see; with `--once`, what there is.
#[test]
fn the_tool_follows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sap");
    let db = open(&path);
    commit(&db, 1);
    let mut tail = command(&["--json", "tail", text(&path), "--from", "1", "--limit", "3"]);
    let mut tail = Killed(tail.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(tail.0.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["revision"], 1);
    commit(&db, 2);
    commit(&db, 3);
    let rest: Vec<Value> = lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    let revisions: Vec<&Value> = rest.iter().map(|line| &line["revision"]).collect();
    assert_eq!(revisions, [2, 3]);
    let filler = "x".repeat(74);
    assert_eq!(
        rest[0]["changes"][0],
        value!({"table": "steps", "change": "put", "key": "00000004", "row": {"id": 4, "at": 2, "filler": filler}})
    );
    assert!(tail.0.wait().unwrap().success());
    db.write(|tx| tx.remove::<Step>(&3).map(drop)).unwrap();
    let shown = fine(&["tail", "--once", text(&path)]);
    assert_eq!(
        shown
            .lines()
            .filter(|line| line.starts_with("revision "))
            .count(),
        4,
        "{shown}"
    );
    assert!(
        shown.ends_with("revision 4\n  steps remove id=3\n"),
        "{shown}"
    );
    let newest = fine(&["tail", "--once", "--from", "4", text(&path)]);
    assert_eq!(newest, "revision 4\n  steps remove id=3\n");
    // Only what something behind it shows to be durable.
    let synced = fine(&["tail", "--once", "--synced", "--from", "3", text(&path)]);
    assert!(
        synced.starts_with("revision 3\n") && !synced.contains("revision 4"),
        "{synced}"
    );
    db.close().unwrap();
    assert_eq!(
        fine(&["tail", "--once", "--from", "2", text(&path)]),
        "revisions 2 to 4 were not seen: not in the journal, or not any more\n"
    );
    let missed = fine(&["--json", "tail", "--once", "--from", "4", text(&path)]);
    assert_eq!(missed, "{\"missed\":{\"from\":4,\"to\":4}}\n");
    assert_eq!(fine(&["tail", "--once", "--from", "5", text(&path)]), "");
    let refused = complaint(&["tail", "--once", text(folder.path())], 2);
    assert!(refused.contains("it is a folder"), "{refused}");
    let refused = complaint(&["tail", "--once", text(&folder.path().join("none"))], 2);
    assert!(refused.contains("could not open"), "{refused}");
}

/// Proves that commits that go past the journal, into the trees, are named.
#[test]
fn commits_past_the_journal_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sap");
    let build = || Database::builder().table::<Step>();
    let db = opened(|| build().durability(Durability::Checkpoint).open(&path));
    let mut tail = Tail::open(&path).unwrap();
    for number in 1..=3 {
        commit(&db, number);
    }
    db.checkpoint().unwrap();
    let seen = tail.poll().unwrap();
    assert!(
        matches!(&seen[..], [Tailed::Missed { from, to }] if (from.get(), to.get()) == (1, 3)),
        "{seen:?}"
    );
    drop(db);
    let db = open(&path);
    commit(&db, 4);
    // Longer than the journal.
    db.write(|tx| {
        let row = |id| Step {
            id,
            at: 5,
            filler: "y".repeat(200),
        };
        (0..900).try_for_each(|id| tx.put(row(id)).map(drop))
    })
    .unwrap();
    commit(&db, 6);
    let seen = tail.poll().unwrap();
    let told: Vec<(u64, u64)> = seen
        .iter()
        .map(|event| match event {
            Tailed::Commit(commit) => (commit.revision.get(), 0),
            Tailed::Missed { from, to } => (from.get(), to.get()),
            _ => unreachable!(),
        })
        .collect();
    assert!(
        told == [(4, 0), (5, 5), (6, 0)] || told == [(4, 5), (6, 0)],
        "{told:?}"
    );
}
