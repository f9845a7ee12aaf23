//! What the facade `metrics` is told of a database: everything under the names in the guide, and nothing twice.
#![cfg(feature = "metrics")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use sapwood::pagefile::MemStorage;
use sapwood::{Database, Error, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Node {
    #[key]
    name: String,
}

fn node(name: &str) -> Node {
    Node { name: name.into() }
}

/// Values by the name of the metric and the database that they are of.
type Values = BTreeMap<(String, String), Vec<f64>>;

/// Everything that was recorded.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Values>>);

/// One metric of the book.
struct Line {
    book: Book,
    key: (String, String),
}

impl Line {
    fn write(&self, value: f64) {
        let mut book = self.book.0.lock().unwrap();
        book.entry(self.key.clone()).or_default().push(value);
    }
}

impl CounterFn for Line {
    fn increment(&self, value: u64) {
        self.write(f64::from(u32::try_from(value).unwrap()));
    }

    fn absolute(&self, _: u64) {
        panic!("counters are only incremented");
    }
}

impl GaugeFn for Line {
    fn increment(&self, _: f64) {
        panic!("gauges are only set");
    }

    fn decrement(&self, _: f64) {
        panic!("gauges are only set");
    }

    fn set(&self, value: f64) {
        self.write(value);
    }
}

impl HistogramFn for Line {
    fn record(&self, value: f64) {
        self.write(value);
    }
}

impl Book {
    fn line(&self, key: &Key) -> Arc<Line> {
        let database = key.labels().find(|label| label.key() == "database");
        Arc::new(Line {
            book: self.clone(),
            key: (key.name().to_owned(), database.unwrap().value().to_owned()),
        })
    }

    fn values(&self, name: &str, database: &str) -> Vec<f64> {
        let key = (name.to_owned(), database.to_owned());
        self.0
            .lock()
            .unwrap()
            .get(&key)
            .cloned()
            .unwrap_or_default()
    }

    fn sum(&self, name: &str, database: &str) -> f64 {
        self.values(name, database).iter().sum()
    }
}

impl Recorder for Book {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, unit: Option<Unit>, _: SharedString) {
        assert_eq!(unit, Some(Unit::Seconds));
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.line(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.line(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.line(key))
    }
}

/// Each event is told once, to the recorder that was there when the database was opened, and nothing of a fork.
#[test]
#[allow(clippy::float_cmp, reason = "small integers")]
fn every_event_is_recorded_once() {
    let book = Book::default();
    let db = metrics::with_local_recorder(&book, || {
        let builder = Database::builder().table::<Node>();
        builder
            .warn_after(Duration::ZERO)
            .open_storage(Box::new(MemStorage::default()))
            .unwrap()
    });
    let sum = |name| book.sum(name, "storage");
    let last = |name| *book.values(name, "storage").last().unwrap();
    let at_first = last("sapwood_file_bytes");
    assert!(at_first > 0.0);

    let watch = db.snapshot().watch(Node::ALL);
    db.write(|tx| {
        tx.insert(node("a"))?;
        tx.insert(node("b"))
    })
    .unwrap();
    assert!(watch.is_fired());
    let held = db.snapshot();
    db.write(|tx| tx.remove::<Node>("a")).unwrap();
    let refused = db.write(|tx| tx.insert(node("b")));
    assert!(matches!(refused, Err(Error::Duplicate { .. })));
    db.write(|_| Ok::<_, Error>(())).unwrap();

    assert_eq!(sum("sapwood_commits_total"), 2.0);
    assert_eq!(sum("sapwood_rows_written_total"), 3.0);
    assert_eq!(sum("sapwood_aborts_total"), 1.0);
    assert_eq!(sum("sapwood_watches_fired_total"), 1.0);
    assert_eq!(sum("sapwood_slow_writes_total"), 4.0);
    // The snapshot's, and the one that the trees in the file have; the journal has the rest.
    assert_eq!(last("sapwood_versions_held"), 2.0);
    assert!(last("sapwood_file_bytes") >= at_first);
    for (name, times) in [
        ("sapwood_seat_held_seconds", 4),
        ("sapwood_seat_waited_seconds", 4),
        ("sapwood_persist_seconds", 2),
    ] {
        let values = book.values(name, "storage");
        assert_eq!(values.len(), times, "{name}");
        assert!(values.iter().all(|&seconds| (0.0..60.0).contains(&seconds)));
    }
    assert_eq!(sum("sapwood_refused_commits_total"), 0.0);

    let before = book.0.lock().unwrap().clone();
    let fork = metrics::with_local_recorder(&book, || held.fork());
    fork.write(|tx| tx.insert(node("c"))).unwrap();
    assert_eq!(*book.0.lock().unwrap(), before);

    let mut tx = db.begin_write().unwrap();
    tx.insert(node("d")).unwrap();
    db.close().unwrap();
    assert!(tx.commit().is_err());
    assert_eq!(sum("sapwood_refused_commits_total"), 1.0);
    assert_eq!(sum("sapwood_commits_total"), 2.0);
}
