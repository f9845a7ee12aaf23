//! Bytes that are wrong under right checksums: what is read must be bounded and in order, whatever it is.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::{
    faults::disk::Disk,
    seal::{SLOTS, seal, seal_groups, seal_slot},
    specimen::{Specimen, logged, specimens},
    use_all::use_all_of,
};

/// Does everything with a file that cannot be trusted. It must come back, with little memory, and what a clean check has passed must hold together.
fn must_come_back(image: Vec<u8>, what: &str) {
    let most = image.len() as u64 * 32 + (2 << 20);
    let mut outcome = Ok(());
    let used = allocation_counter::measure(|| {
        outcome = catch_unwind(AssertUnwindSafe(|| use_all_of(Box::new(Disk::of(image)))));
    });
    assert!(outcome.is_ok(), "{what}");
    assert!(used.bytes_max <= most, "{what}: {} bytes", used.bytes_max);
}

/// Proves that every byte of every page and slot can be wrong in several ways under right checksums: nothing panics, loops or fills memory, keys
/// ascend, and what a clean check has passed can be read, written, and is clean again.
#[test]
fn every_sealed_byte_is_borne() {
    for specimen in &specimens()[..3] {
        let Specimen {
            name, page_size, ..
        } = *specimen;
        for at in 0..specimen.image.len() {
            let byte = specimen.image[at];
            let is_head = at < 8192;
            // Bytes of keys and values are as good as any others.
            let is_tender = !is_head || at % 4096 < 120;
            if !is_tender || (at % page_size > 60 && at % 7 > 0) {
                continue;
            }
            for value in [0, 0xFF, byte.wrapping_add(1)] {
                if value == byte {
                    continue;
                }
                let mut image = specimen.image.clone();
                image[at] = value;
                if is_head {
                    // In both slots: else the other one is taken.
                    image[(at + 4096) % 8192] = value;
                }
                seal(&mut image, page_size);
                must_come_back(image, &format!("{name}, byte {at}: {value}"));
            }
        }
    }
}

/// Proves that every byte of a log can be wrong in several ways under right checksums: what its commits say is done, or refused, and nothing else happens.
#[test]
fn every_sealed_byte_of_a_log_is_borne() {
    let Specimen {
        page_size, image, ..
    } = logged();
    let mut tried = 0;
    for at in 8192..image.len() {
        let group = at / page_size * page_size;
        if image[group] != 4 {
            continue;
        }
        let byte = image[at];
        for value in [0, 1, 3, 0x7F, 0xFF, byte.wrapping_add(1), byte ^ 0x80] {
            let mut image = image.clone();
            image[at] = value;
            seal_groups(&mut image, page_size);
            must_come_back(image, &format!("byte {at}: {value}"));
            tried += 1;
        }
    }
    assert!(tried > 5 * page_size, "{tried}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Proves that several bytes changed at once under right checksums, in metas, branches, leaves and values, are borne too.
    #[test]
    fn hostile_files_are_borne(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..80, prop_oneof![any::<u8>(), Just(0), Just(1), Just(0xFF)]), 1..4),
        in_meta in 0u8..8,
        random in any::<[u8; 8]>(),
    ) {
        use std::sync::LazyLock;
        static FILES: LazyLock<Vec<Specimen>> = LazyLock::new(specimens);
        let Specimen { page_size, ref image, .. } = FILES[which];
        let mut image = image.clone();
        for (page, offset, byte) in changes {
            let first = 8192 / page_size;
            let page = first + page.index(image.len() / page_size - first);
            // Headers, slots and the first entries are the tender places.
            image[page * page_size + offset] = byte;
        }
        if in_meta < 2 {
            for slot in SLOTS {
                let at = slot + 12 + usize::from(random[0] % 70);
                image[at] = random[1];
            }
        }
        seal(&mut image, page_size);
        must_come_back(image, "hostile");
    }

    /// Proves that any bytes, also behind a right magic and with a right checksum, are refused or borne.
    #[test]
    fn garbage_is_borne(bytes in prop::collection::vec(any::<u8>(), 0..400), len in 0usize..20_000, sealed in any::<bool>()) {
        let mut image: Vec<u8> = bytes.iter().copied().cycle().take(if bytes.is_empty() { 0 } else { len }).collect();
        if sealed && image.len() >= 8192 {
            for slot in SLOTS {
                image[slot..slot + 16].copy_from_slice(b"\x89SAPWOOD\x01\0\0\0\0\x02\0\0");
                seal_slot(&mut image[slot..slot + 512]);
            }
        }
        must_come_back(image, "garbage");
    }
}
