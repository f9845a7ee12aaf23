//! Versions that are held, read, cloned and dropped on other threads while the writer goes on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::family::{Model, begin, commit, compare, layout, put, remove};
use crate::radix::{Version, Writer};
use crate::revision::Revision;

/// A small generator (splitmix64, by Sebastiano Vigna), so that a failure can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((word ^ (word >> 31)) % limit as u64) as usize
    }
}

/// Reads what it is sent, holds some of it, and lets go in random order.
fn reader(versions: &mpsc::Receiver<(Version, Arc<Model>)>, seed: u64) {
    let mut random = Random(seed);
    let mut held = Vec::new();
    while let Ok((version, model)) = versions.recv() {
        compare(&version, &model, &[]);
        held.push((version, model));
        while held.len() > 1 && random.below(3) != 0 {
            let (version, model) = held.swap_remove(random.below(held.len()));
            compare(&version, &model, &[]);
        }
    }
    for (version, model) in held {
        compare(&version, &model, &[]);
    }
}

#[test]
fn versions_stay_as_they_were_on_every_thread() {
    let alive: Arc<AtomicUsize> = Arc::default();
    let (mut writer, mut version) = Writer::new(layout(), Revision::ZERO);
    let mut model = Model::new();
    let readers: Vec<_> = (0..3)
        .map(|seed| {
            let (send, receive) = mpsc::sync_channel(4);
            (send, thread::spawn(move || reader(&receive, seed)))
        })
        .collect();
    let mut random = Random(99);
    for round in 0..400u32 {
        let mut draft = begin(&mut writer, &version);
        for _ in 0..random.below(6) {
            let number = random.below(300) as u32;
            let key = number.to_be_bytes();
            if model.contains_key(&key[..]) && random.below(3) == 0 {
                remove(&mut draft, &mut model, &key);
            } else {
                put(
                    &mut draft,
                    &mut model,
                    &alive,
                    (&key, round),
                    (&[vec![number as u8 % 5]], &key),
                );
            }
        }
        version = commit(&mut writer, draft);
        let (send, _) = &readers[random.below(readers.len())];
        send.send((version.clone(), Arc::new(model.clone())))
            .unwrap();
    }
    // The writer goes first; what the readers hold stays.
    drop((version, writer));
    for (send, reader) in readers {
        drop(send);
        reader.join().unwrap();
    }
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}
