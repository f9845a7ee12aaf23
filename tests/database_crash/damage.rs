//! Damage in the file of a database that has a journal, with groups of one commit and of several.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sapwood::pagefile::Storage;
use sapwood::{Durability, Revision};

use super::sim::{Crash, SimDisk};
use super::tables::{Event, State};
use super::workload::{builder, open};

/// A disk whose syncs take their time, so that commits meet, and that keeps what each of them has made durable.
#[derive(Clone)]
struct Slow {
    disk: SimDisk,
    synced: Arc<Mutex<Vec<SimDisk>>>,
}

impl Storage for Slow {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, buffer)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_at(offset, bytes)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }
    fn sync(&self) -> io::Result<()> {
        thread::sleep(Duration::from_millis(4));
        self.disk.sync()?;
        let synced = self.disk.crash(Crash::None, 0);
        self.synced.lock().unwrap().push(synced);
        Ok(())
    }
}

/// What the file holds.
fn found(disk: SimDisk) -> Option<(Revision, State)> {
    let db = open(disk, Durability::Immediate, 16 << 10).ok()?;
    let snapshot = db.snapshot();
    Some((snapshot.revision(), State::of(&snapshot)))
}

/// A file whose journal ends with a group of several commits, and the states behind that group and before it.
fn specimen() -> (Vec<u8>, [(Revision, State); 2]) {
    loop {
        let disk = SimDisk::default();
        drop(disk.open().unwrap());
        let slow = Slow {
            disk: disk.clone(),
            synced: Arc::default(),
        };
        let db = builder(Durability::Immediate, 16 << 10);
        let db = db.open_storage(Box::new(slow.clone())).unwrap();
        let put = |pod: u32| {
            let event = Event {
                pod,
                number: 1,
                weight: 5,
            };
            db.write(|tx| tx.put(event)).unwrap();
        };
        (0..4).for_each(put);
        thread::scope(|scope| {
            for pod in 4..9 {
                scope.spawn(move || put(pod));
            }
        });
        let mut states: Vec<_> = slow.synced.lock().unwrap().drain(..).collect();
        let image = states.last().unwrap().image();
        let newest = found(states.pop().unwrap()).unwrap();
        let before = states.into_iter().rev().filter_map(found);
        let before = before.filter(|(revision, _)| *revision < newest.0).next();
        let before = before.unwrap();
        if newest.0.get() >= before.0.get() + 2 {
            return (image, [newest, before]);
        }
    }
}

/// Proves that each byte of the file can be wrong: it opens to the state that it held, or to that before the last group, which cannot be told from one that a crash has torn, with
/// all commits of that group or none; or it is refused.
#[test]
fn every_flipped_byte_is_right_or_refused() {
    let (image, allowed) = specimen();
    let next = AtomicUsize::new(0);
    let counts = [const { AtomicUsize::new(0) }; 3];
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= image.len() {
                return;
            }
            let mut image = image.clone();
            // Also what makes a number smaller by one, or greater.
            image[at] ^= if image[at] < 8 { 1 } else { 1 << (at % 8) };
            let which = match found(SimDisk::of(image)) {
                None => 2,
                Some(found) => allowed.iter().position(|state| *state == found).unwrap(),
            };
            counts[which].fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let [right, before, refused] = counts.map(AtomicUsize::into_inner);
    println!(
        "flipped bytes: {}, right: {right}, as before the last group: {before}, refused: {refused}",
        image.len()
    );
    assert!(before > 40 && before <= 2048 && refused > 1000);
}
