//! What `fuzz/` fuzzes, with random bytes that are the same each time: so that the targets go on to build and to hold. For as long as one likes:
//! `cargo +nightly fuzz run page_file`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

#[path = "../fuzz/src/key.rs"]
#[allow(unreachable_pub, missing_docs, reason = "a module of another crate")]
mod key;
#[path = "../fuzz/src/page_file.rs"]
#[allow(unreachable_pub, missing_docs, reason = "a module of another crate")]
mod page_file;
#[path = "../fuzz/src/row.rs"]
#[allow(unreachable_pub, missing_docs, reason = "a module of another crate")]
mod row;
#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Random, filled};

/// Random bytes, of which many are small: short lengths, first variants.
fn bytes(random: &mut Random, most: usize) -> Vec<u8> {
    let mut bytes = filled(random.below(most), random.next());
    let mask = [0xFF, 0x07, 0x01][random.below(3)];
    for byte in &mut bytes {
        if random.below(4) > 0 {
            *byte &= mask;
        }
    }
    bytes
}

/// Proves that changed and arbitrary files are borne, as `fuzz/src/page_file.rs` says.
#[test]
fn page_files() {
    let mut random = Random::new(1);
    for _ in 0..800 {
        let mut bytes = bytes(&mut random, 40);
        if let Some(choice) = bytes.first_mut() {
            *choice = random.next() as u8;
        }
        page_file::run(&bytes);
    }
}

/// Proves that whatever decodes as a key comes back and keeps its order, as `fuzz/src/key.rs` says.
#[test]
fn keys() {
    let mut random = Random::new(2);
    for _ in 0..3000 {
        key::run(&bytes(&mut random, 60));
    }
}

/// Proves that whatever decodes as a row comes back, as `fuzz/src/row.rs` says.
#[test]
fn rows() {
    let mut random = Random::new(3);
    for _ in 0..5000 {
        row::run(&bytes(&mut random, 80));
    }
}
