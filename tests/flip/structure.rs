//! Pages that contradict themselves or their parents under right checksums: whoever wrote them, they are refused, and the check tells.

use std::ops::Range;

use sapwood::pagefile::{Error, Options, PageFile};

use super::{
    faults::{disk::Disk, state::read},
    seal::{seal, u16_at, u32_at},
    specimen::{Specimen, specimens},
};

/// A leaf or branch.
struct Node {
    start: usize,
    is_leaf: bool,
    /// Where its entries begin.
    entries: Vec<usize>,
}

/// All nodes in pages of a sound file, by its first slot.
fn nodes(image: &[u8], page_size: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut waiting = Vec::new();
    let inline = 72 + 12 * usize::from(image[60]);
    if u16_at(image, 62) == Some(0) {
        waiting.extend(child(image, page_size, 32));
    } else {
        waiting.extend(below(image, page_size, &node(image, inline)));
    }
    while let Some(start) = waiting.pop() {
        let node = node(image, start);
        waiting.extend(below(image, page_size, &node));
        nodes.push(node);
    }
    nodes
}

fn node(image: &[u8], start: usize) -> Node {
    let count = u32_at(image, start + 4).unwrap();
    let slot = |i| start + u32_at(image, start + 24 + 8 * i).unwrap();
    Node {
        start,
        is_leaf: image[start] == 1,
        entries: (0..count).map(slot).collect(),
    }
}

/// Where the run begins that a reference leads to, if it leads anywhere.
fn child(image: &[u8], page_size: usize, reference: usize) -> Option<usize> {
    let pages = u32_at(image, reference + 8)?;
    (pages > 0).then(|| u32_at(image, reference).unwrap() * page_size)
}

/// The nodes that the entries of one lead to.
fn below(image: &[u8], page_size: usize, node: &Node) -> Vec<usize> {
    let entries = node.entries.iter();
    let references = entries.filter_map(|&at| {
        let is_bucket = node.is_leaf && u16_at(image, at + 2) == Some(0xFFFE);
        let reference = if is_bucket {
            at + 4 + u16_at(image, at).unwrap()
        } else {
            at
        };
        (is_bucket || !node.is_leaf).then_some(reference)
    });
    references
        .filter_map(|at| child(image, page_size, at))
        .collect()
}

/// The file once these bytes are there, under right checksums.
fn with(specimen: &Specimen, places: &[usize], bytes: &[u8]) -> Result<PageFile, Error> {
    let mut image = specimen.image.clone();
    for &at in places {
        image[at..at + bytes.len()].copy_from_slice(bytes);
    }
    seal(&mut image, specimen.page_size);
    Options::new().open_storage(Box::new(Disk::of(image)))
}

/// Whether opening, reading or checking gives an error then.
fn is_refused(specimen: &Specimen, places: &[usize], bytes: &[u8]) -> bool {
    let Ok(file) = with(specimen, places, bytes) else {
        return true;
    };
    let is_clean = file.check().unwrap().is_clean();
    // What is not clean may well contradict itself.
    assert!(
        !is_clean || read(&file).is_ok(),
        "the check has missed something"
    );
    !is_clean
}

fn closed() -> Vec<Specimen> {
    let mut specimens = specimens();
    specimens.retain(|specimen| specimen.name.ends_with(", closed"));
    specimens
}

/// Proves that no byte of a node's header and slots can be another one: kind, level, count, length, prefix, places of entries and the heads of their keys.
#[test]
fn heads_and_slots_cannot_be_otherwise() {
    for specimen in &closed() {
        for node in nodes(&specimen.image, specimen.page_size) {
            let slots = 24..24 + 8 * node.entries.len();
            for at in [0..2, 4..8, 16..22, slots]
                .into_iter()
                .flat_map(Range::into_iter)
            {
                let at = node.start + at;
                let byte = specimen.image[at];
                for value in [0, 1, 2, 3, byte.wrapping_add(1), byte ^ 0x80] {
                    let is_same = value == byte;
                    assert!(
                        is_same || is_refused(specimen, &[at], &[value]),
                        "{}, byte {at}: {value} for {byte}",
                        specimen.name
                    );
                }
            }
        }
    }
}

/// Proves that the fields of entries must be in their bounds: lengths of keys and values, references into the head, behind the end, of no page, of
/// another page that is in use, or of another kind; figures of buckets; keys out of order, and out of the bounds of their parents.
#[test]
fn entries_cannot_be_otherwise() {
    for specimen in &closed() {
        let Specimen {
            image, page_size, ..
        } = specimen;
        let nodes = nodes(image, *page_size);
        let used: Vec<u64> = nodes
            .iter()
            .map(|node| (node.start / page_size) as u64)
            .collect();
        let refused = |what: &str, at: usize, bytes: &[u8]| {
            let is_same = image[at..at + bytes.len()] == *bytes;
            assert!(
                is_same || is_refused(specimen, &[at], bytes),
                "{}, {what} at {at}: {bytes:?}",
                specimen.name
            );
        };
        let reference = |at: usize| {
            for page in [0, 8191 / *page_size as u64, 1 << 20, 1 << 50, u64::MAX] {
                refused("page", at, &page.to_le_bytes());
            }
            for page in &used {
                refused("page", at, &page.to_le_bytes());
            }
            for pages in [0u32, 1 << 20, u32::MAX] {
                refused("pages", at + 8, &pages.to_le_bytes());
            }
        };
        for node in &nodes {
            for (i, &at) in node.entries.iter().enumerate() {
                if !node.is_leaf {
                    reference(at);
                    refused(
                        "length",
                        at + 20,
                        &(u16_at(image, at + 20).unwrap() as u16 + 1).to_le_bytes(),
                    );
                    refused("length", at + 20, &u16::MAX.to_le_bytes());
                    if i > 0 {
                        refused("separator", at + 22, &[0xFF]);
                    }
                    continue;
                }
                let key = u16_at(image, at).unwrap();
                let len = u16_at(image, at + 2).unwrap();
                for len in [key as u16 + 1, u16::MAX] {
                    refused("length of a key", at, &len.to_le_bytes());
                }
                let longest = (*page_size - 24) as u16;
                for len in [len.min(0xFFF0) as u16 + 1, longest, 0xFFFD] {
                    refused("length of a value", at + 2, &len.to_le_bytes());
                }
                if key > 0 && i > 0 {
                    refused("key", at + 4, &[0]);
                }
                if key > 0 && i + 1 < node.entries.len() {
                    refused("key", at + 4, &[0xFF]);
                }
                match len {
                    0xFFFF => {
                        for len in [1u64 << 20, u64::MAX, u64::MAX - 16] {
                            refused("length of a run", at + 4 + key, &len.to_le_bytes());
                        }
                        reference(at + 4 + key + 8);
                    }
                    0xFFFE => {
                        if child(image, *page_size, at + 4 + key).is_some() {
                            reference(at + 4 + key);
                        }
                        for figure in [24, 32] {
                            let at = at + 4 + key + figure - 4;
                            for number in [99u64, u64::MAX] {
                                refused("figure", at, &number.to_le_bytes());
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Where the references to children and to values in runs of their own lie in a node; those to the roots of buckets say what no page is by having none.
fn references(image: &[u8], node: &Node) -> Vec<usize> {
    let entries = node.entries.iter();
    let references = entries.filter_map(|&at| {
        if !node.is_leaf {
            return Some(at);
        }
        let is_run = u16_at(image, at + 2) == Some(0xFFFF);
        is_run.then(|| at + 4 + u16_at(image, at).unwrap() + 8)
    });
    references.collect()
}

/// Proves that a reference to what can be no page is refused for that, before anything is read there: what lies in the head, behind the end, and runs of no page.
#[test]
fn references_to_no_page_are_told() {
    let mut told = 0;
    for specimen in &closed() {
        let Specimen {
            image, page_size, ..
        } = specimen;
        let nodes = nodes(image, *page_size);
        for at in nodes.iter().flat_map(|node| references(image, node)) {
            let pages = (image.len() / page_size) as u64;
            let head =
                [0, 1, 8191 / *page_size as u64].map(|page| (at, page.to_le_bytes().to_vec()));
            let behind = [pages, u64::MAX].map(|page| (at, page.to_le_bytes().to_vec()));
            let lengths = [0, pages as u32].map(|pages| (at + 8, pages.to_le_bytes().to_vec()));
            for (at, bytes) in head.into_iter().chain(behind).chain(lengths) {
                let report = with(specimen, &[at], &bytes).unwrap().check().unwrap();
                let is_told = report.problems.iter().any(|problem| {
                    matches!(problem, Error::Corrupted { reason, .. } if *reason == "its parent names it, and no such page can be")
                });
                assert!(
                    is_told,
                    "{}, {at}: {bytes:?}: {:?}",
                    specimen.name, report.problems
                );
                told += 1;
            }
        }
    }
    assert!(told > 50, "{told}");
}

/// Proves that no value is read out of a page that is a node, though nothing else leads there and its checksum is right.
#[test]
fn a_node_is_no_value() {
    let mut tried = 0;
    for specimen in &mut closed() {
        let page_size = specimen.page_size;
        let page = (specimen.image.len() / page_size) as u64;
        let nodes = nodes(&specimen.image, page_size);
        let leaves = nodes.iter().filter(|node| node.is_leaf);
        let runs: Vec<usize> = leaves
            .flat_map(|node| references(&specimen.image, node))
            .collect();
        let copy = nodes[0].start..nodes[0].start + page_size;
        specimen.image.resize((page as usize + 1) * page_size, 0);
        specimen.image.copy_within(copy, page as usize * page_size);
        for slot in [0, 4096] {
            specimen.image[slot + 24..slot + 32].copy_from_slice(&(page + 1).to_le_bytes());
        }
        for at in runs {
            let len = 100u64.to_le_bytes();
            let bytes = [&len[..], &page.to_le_bytes(), &1u32.to_le_bytes()].concat();
            assert!(is_refused(specimen, &[at - 8], &bytes), "{at}");
            // It is for its kind alone.
            let mut value = specimen.clone();
            value.image[page as usize * page_size] = 3;
            assert!(!is_refused(&value, &[at - 8], &bytes), "{at}");
            tried += 1;
        }
    }
    assert!(tried > 1, "{tried}");
}

/// Proves the same of the figures in the slots: the number of buckets, the length of the file, the reference to the tree of buckets.
#[test]
fn slots_cannot_be_otherwise() {
    for specimen in &closed() {
        for (at, number) in [(52, 99u64), (52, u64::MAX), (24, 1 << 20), (24, 1 << 60)] {
            let places = [at, 4096 + at];
            assert!(
                is_refused(specimen, &places, &number.to_le_bytes()),
                "{at}: {number}"
            );
        }
        if u16_at(&specimen.image, 62) == Some(0) {
            for page in [1u64, 1 << 20, u64::MAX] {
                assert!(
                    is_refused(specimen, &[32, 4128], &page.to_le_bytes()),
                    "{page}"
                );
            }
        }
    }
}
