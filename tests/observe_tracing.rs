//! What `tracing` is told of a database: its events with their levels and fields.
#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sapwood::pagefile::{MemStorage, Storage};
use sapwood::{Database, Durability, Error, Table};
use serde::{Deserialize, Serialize};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Node {
    #[key]
    name: String,
}

fn node(name: &str) -> Node {
    Node { name: name.into() }
}

/// An event: its level, its message, and its fields.
#[derive(Clone, Debug)]
struct Told {
    level: Level,
    message: String,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            name => drop(self.fields.insert(name, text)),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<Told>>>);

impl Listener {
    /// The events since the last call, by level and message.
    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sapwood"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut told = Told {
            level: *event.metadata().level(),
            message: String::new(),
            fields: BTreeMap::new(),
        };
        event.record(&mut told);
        self.0.lock().unwrap().push(told);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A storage whose syncs fail once it is told so.
#[derive(Default)]
struct Disk {
    bytes: MemStorage,
    broken: Arc<AtomicBool>,
}

impl Storage for Disk {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.bytes.write_at(offset, bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(io::Error::other("the disk is broken"));
        }
        self.bytes.sync()
    }
}

fn levels(told: &[Told]) -> Vec<(Level, &str)> {
    told.iter()
        .map(|told| (told.level, told.message.as_str()))
        .collect()
}

/// Opening, commits, aborts and closing, each with its fields; what changes nothing says nothing, and neither does a fork.
#[test]
fn the_life_of_a_database_is_told() {
    let listener = Listener::default();
    let _guard = tracing::subscriber::set_default(listener.clone());
    let db = Database::builder().table::<Node>().in_memory().unwrap();
    let told = listener.take();
    assert_eq!(levels(&told), [(Level::INFO, "opened")]);
    assert_eq!(told[0].fields["database"], "memory");

    db.write(|tx| {
        tx.insert(node("a"))?;
        tx.insert(node("b"))
    })
    .unwrap();
    let told = listener.take();
    assert_eq!(levels(&told), [(Level::DEBUG, "commit")]);
    assert_eq!(
        (&*told[0].fields["revision"], &*told[0].fields["rows"]),
        ("1", "2")
    );
    for time in ["held_us", "waited_us", "persist_us"] {
        assert!(told[0].fields[time].parse::<u64>().is_ok(), "{time}");
    }

    let refused = db.write(|tx| tx.insert(node("a")));
    assert!(matches!(refused, Err(Error::Duplicate { .. })));
    assert_eq!(levels(&listener.take()), [(Level::TRACE, "abort")]);
    db.write(|_| Ok::<_, Error>(())).unwrap();
    db.snapshot()
        .fork()
        .write(|tx| tx.insert(node("c")))
        .unwrap();
    assert!(listener.take().is_empty());
    db.close().unwrap();
    db.close().unwrap();
    assert_eq!(levels(&listener.take()), [(Level::INFO, "closed")]);
}

/// A slow write is a warning, with the place where it began.
#[test]
fn a_slow_write_is_a_warning() {
    let listener = Listener::default();
    let _guard = tracing::subscriber::set_default(listener.clone());
    let builder = Database::builder().table::<Node>();
    let db = builder.warn_after(Duration::ZERO).in_memory().unwrap();
    listener.take();
    db.write(|tx| {
        thread::sleep(Duration::from_millis(1));
        tx.insert(node("a"))
    })
    .unwrap();
    let told = listener.take();
    assert_eq!(
        levels(&told),
        [(Level::DEBUG, "commit"), (Level::WARN, "slow write")]
    );
    assert!(told[1].fields["began"].starts_with(file!()));
    assert_eq!(told[1].fields["revision"], "1");
    assert!(told[1].fields["held_us"].parse::<u64>().unwrap() >= 1000);
}

/// A commit that the disk refuses is an error that says whether the database is poisoned, and closing it then is one too.
#[test]
fn a_failing_disk_is_an_error() {
    let listener = Listener::default();
    let _guard = tracing::subscriber::set_default(listener.clone());
    let disk = Disk::default();
    let broken = Arc::clone(&disk.broken);
    let db = Database::builder()
        .table::<Node>()
        .open_storage(Box::new(disk))
        .unwrap();
    broken.store(true, Ordering::Relaxed);
    listener.take();
    let refused = db.write(|tx| tx.insert(node("a")));
    assert!(matches!(refused, Err(Error::File { .. })));
    let told = listener.take();
    assert_eq!(levels(&told), [(Level::ERROR, "commit refused")]);
    assert_eq!(told[0].fields["database"], "storage");
    assert_eq!(told[0].fields["poisoned"], "true");
    assert!(
        told[0].fields["error"].contains("the disk is broken"),
        "{told:?}"
    );
    assert!(db.close().is_err());
    let told = listener.take();
    assert_eq!(
        levels(&told),
        [(Level::ERROR, "closed, but not everything is in the file")]
    );
}

/// Commits that were published before the disk refuses them are told when somebody asks for them to be written.
#[test]
fn unwritten_commits_are_an_error() {
    let listener = Listener::default();
    let _guard = tracing::subscriber::set_default(listener.clone());
    let disk = Disk::default();
    let broken = Arc::clone(&disk.broken);
    let db = Database::builder()
        .table::<Node>()
        .durability(Durability::Checkpoint)
        .open_storage(Box::new(disk))
        .unwrap();
    db.write(|tx| tx.insert(node("a"))).unwrap();
    broken.store(true, Ordering::Relaxed);
    listener.take();
    assert!(matches!(db.sync(), Err(Error::File { .. })));
    let told = listener.take();
    let event = (Level::ERROR, "published commits could not be written");
    assert_eq!(levels(&told), [event]);
    assert_eq!(told[0].fields["poisoned"], "true");
    assert!(db.snapshot().get::<Node>("a").is_some());
}
