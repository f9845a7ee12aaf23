//! Looking into files, sound and damaged: what a check says is lost, what a page holds, and what recovery gets out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeMap,
    fs,
    ops::{Bound, ControlFlow},
    path::Path,
    time::Duration,
};

use proptest::prelude::*;
use sapwood::pagefile::{
    Bucket, EntryContent, Error, MemStorage, Options, PageContent, PageFile, PageKind,
    RecoverOptions, SlotState, slots,
};

const PAGE: usize = 512;

/// Rows, by the path of their bucket and their key.
type Rows = BTreeMap<(Vec<Vec<u8>>, Vec<u8>), Vec<u8>>;

/// Fills a file: a bucket with many rows and a large value, one in it, and an empty one.
fn fill(file: &PageFile) {
    file.update(|tx| {
        let mut pods = tx.create_bucket("pods")?;
        for i in 0..40 {
            pods.put(format!("pod-{i:02}"), [i; 30])?;
        }
        pods.put("large", [7; 2000])?;
        pods.create_bucket("in")?.put("a", "b")?;
        tx.create_bucket("empty")?.set_sequence(9);
        Ok::<_, Error>(())
    })
    .unwrap();
}

fn options() -> Options {
    Options::new().page_size(512).grow_by(512)
}

/// A closed file, as bytes.
fn image() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = options().open(&path).unwrap();
    fill(&file);
    file.close().unwrap();
    fs::read(path).unwrap()
}

fn open(image: Vec<u8>) -> PageFile {
    options()
        .open_storage(Box::new(MemStorage::new(image)))
        .unwrap()
}

/// Every row that can be read.
fn rows(file: &PageFile) -> Rows {
    fn add(path: &[Vec<u8>], bucket: &Bucket<'_>, rows: &mut Rows) {
        for row in bucket {
            let (key, value) = row.unwrap();
            rows.insert((path.to_vec(), key.to_vec()), value.to_vec());
        }
        for name in bucket.buckets().map(Result::unwrap) {
            let below = bucket.bucket(&name).unwrap().unwrap();
            add(&[path, &[name.to_vec()]].concat(), &below, rows);
        }
    }
    let mut rows = Rows::new();
    add(&[], &file.begin_read().root(), &mut rows);
    rows
}

fn names(path: &[&str]) -> Vec<Vec<u8>> {
    path.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// Proves that the pages that a state reaches are told once each, with what they hold, and that the visit ends when it is told to.
#[test]
fn pages_are_told_once_each() {
    let file = open(image());
    let report = file.check().unwrap();
    let mut told = BTreeMap::new();
    let mut counts = BTreeMap::new();
    let mut entries = 0;
    let damage = file.begin_read().pages(&mut |page| {
        assert!(told.insert(page.page, page.pages).is_none());
        *counts.entry(page.kind).or_insert(0) += page.pages;
        assert!(page.used_bytes <= page.pages * PAGE as u64);
        if page.kind == PageKind::Value {
            assert_eq!(page.keys.0, Bound::Included(&b"large"[..]));
            assert_eq!(page.used_bytes, 2016);
        } else if page.kind == PageKind::Leaf && page.bucket == names(&["pods"]) {
            entries += page.entries;
        }
        ControlFlow::Continue(())
    });
    assert!(damage.is_empty());
    let of = |kind| counts.get(&kind).copied().unwrap_or_default();
    assert_eq!(of(PageKind::Leaf), report.leaf_pages);
    assert_eq!(of(PageKind::Branch), report.branch_pages);
    assert_eq!(of(PageKind::Value), report.value_pages);
    assert_eq!(entries, 42, "40 rows, the large value, and the bucket");
    let mut seen = 0;
    file.begin_read().pages(&mut |_| {
        seen += 1;
        if seen < 3 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    assert_eq!(seen, 3);
}

/// Proves that two damaged pages of one bucket are told as two pages, with the number of keys that are lost together, and one of another bucket apart.
#[test]
fn damage_is_told_by_buckets() {
    let image = image();
    let file = open(image.clone());
    let before = rows(&file);
    let mut leaves = Vec::new();
    let mut below = 0;
    file.begin_read().pages(&mut |page| {
        let keys = (
            page.keys.0.map(<[u8]>::to_vec),
            page.keys.1.map(<[u8]>::to_vec),
        );
        match (page.kind, page.bucket.len()) {
            (PageKind::Leaf, 1) => leaves.push((page.page, keys, page.entries)),
            (PageKind::Leaf, 2) => below = page.page,
            _ => {}
        }
        ControlFlow::Continue(())
    });
    // The first one has the large value and the bucket in it.
    let (second, third) = (leaves[1].clone(), leaves[2].clone());
    let mut damaged = image;
    for page in [second.0, third.0, below] {
        damaged[page as usize * PAGE + 77] ^= 4;
    }
    let file = open(damaged);
    let mut steps = Vec::new();
    let report = file
        .check_told(&mut |done, pages| steps.push((done, pages)))
        .unwrap();
    assert!(
        steps.is_sorted()
            && steps
                .iter()
                .all(|(done, pages)| done <= pages && *pages == report.pages)
    );
    assert!(!report.is_clean());
    assert_eq!(report.problems.len(), 3, "{:?}", report.problems);
    assert_eq!(report.damage.len(), 2);
    let pods = &report.damage[0];
    assert_eq!(pods.bucket, names(&["pods"]));
    assert_eq!((pods.keys_lost, pods.buckets_lost), (second.2 + third.2, 0));
    let told: Vec<_> = pods
        .pages
        .iter()
        .map(|page| (page.page, page.keys.clone()))
        .collect();
    assert_eq!(told, [(second.0, second.1), (third.0, third.1)]);
    assert!(pods.pages.iter().all(|page| page.kind == PageKind::Leaf));
    assert_eq!(pods.pages[0].offset, second.0 * PAGE as u64);
    let inner = &report.damage[1];
    assert_eq!(inner.bucket, names(&["pods", "in"]));
    assert_eq!((inner.keys_lost, inner.buckets_lost), (1, 0));
    assert_eq!(inner.pages[0].kind, PageKind::Root);
    assert_eq!(
        report.rows + pods.keys_lost + inner.keys_lost,
        before.len() as u64
    );
    assert_eq!(
        file.begin_read().pages(&mut |_| ControlFlow::Continue(())),
        report.damage
    );
}

/// Proves that what lies in a page is shown as it is there, entry by entry, reached or not.
#[test]
fn pages_are_shown_as_they_are() {
    let file = open(image());
    let read = file.begin_read();
    let mut found = (0, 0, 0, 0);
    for number in 0..file.stats().pages {
        let Some(page) = read.page(number).unwrap() else {
            continue;
        };
        assert_eq!(page.offset, number * PAGE as u64);
        match page.content {
            PageContent::Slots => assert!(number < 16),
            PageContent::Node { entries, .. } => {
                for entry in entries {
                    match entry.content {
                        EntryContent::Value(value) if entry.key.starts_with(b"pod") => {
                            assert_eq!(value.len(), 30);
                            found.0 += 1;
                        }
                        EntryContent::Run { len, pages, .. } => {
                            assert_eq!((len, pages), (2000, 4));
                            found.1 += 1;
                        }
                        EntryContent::Bucket { keys, .. } => {
                            assert_eq!((entry.key.as_slice(), keys), (&b"in"[..], 1));
                            found.2 += 1;
                        }
                        EntryContent::Child { pages, .. } => {
                            assert_eq!(pages, 1);
                            found.3 += 1;
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    assert_eq!((found.0, found.1, found.2), (40, 1, 1));
    assert!(found.3 > 2);
    assert!(read.page(1 << 40).unwrap().is_none());
}

/// Proves that slots are told as they are: whole, torn, of an unfinished commit, of a newer format, or none at all.
#[test]
fn slots_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let told = || slots(&path, Duration::ZERO).unwrap().map(|slot| slot.state);
    let image = image();
    fs::write(&path, &image).unwrap();
    assert!(matches!(
        told()[0],
        SlotState::Whole {
            commit: 1,
            page_size: 512,
            buckets: 2,
            is_complete: true,
            ..
        }
    ));
    let mut damaged = image.clone();
    damaged[30] ^= 1;
    damaged[4096] ^= 1;
    fs::write(&path, &damaged).unwrap();
    assert!(matches!(
        told(),
        [SlotState::Damaged { .. }, SlotState::Foreign]
    ));
    fs::write(&path, &image[..100]).unwrap();
    assert!(matches!(
        told(),
        [SlotState::Damaged { .. }, SlotState::Foreign]
    ));
    fs::write(&path, "").unwrap();
    assert_eq!(told(), [SlotState::Foreign; 2]);
    let missing = slots(dir.path().join("none"), Duration::ZERO);
    assert!(
        matches!(missing, Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound)
    );

    // A commit whose pages did not arrive.
    let path = dir.path().join("open");
    let file = options().open(&path).unwrap();
    fill(&file);
    drop(file);
    let mut bytes = fs::read(&path).unwrap();
    let report = options().open(&path).unwrap().check().unwrap();
    assert!(report.slots.iter().all(|slot| matches!(
        slot.state,
        SlotState::Whole {
            is_complete: true,
            ..
        }
    )));
    bytes[17 * PAGE] ^= 1;
    fs::write(&path, bytes).unwrap();
    let found = slots(&path, Duration::ZERO).unwrap();
    let incomplete = found.iter().filter(|slot| {
        matches!(
            slot.state,
            SlotState::Whole {
                is_complete: false,
                commit: 1,
                ..
            }
        )
    });
    assert_eq!(incomplete.count(), 1);
    assert!(
        options().open(&path).unwrap().check().unwrap().is_clean(),
        "a crash is no damage"
    );
}

/// Proves that recovery makes no file where it fails, and replaces none.
#[test]
fn recovery_is_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    let recover = |from: &Path| RecoverOptions::new().recover(from, &to);
    assert!(matches!(recover(&from), Err(Error::Io { .. })));
    let mut image = image();
    fs::write(&from, &image).unwrap();
    fs::write(&to, "precious").unwrap();
    assert!(
        matches!(recover(&from), Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists)
    );
    assert_eq!(fs::read(&to).unwrap(), b"precious");
    fs::remove_file(&to).unwrap();
    let writer = PageFile::open(&from).unwrap();
    assert!(matches!(recover(&from), Err(Error::Locked { .. })));
    drop(writer);
    let wrong = RecoverOptions::new().page_size(1000).recover(&from, &to);
    assert!(matches!(wrong, Err(Error::BadPageSize { size: 1000 })));
    let found = recover(&from).unwrap();
    assert_eq!((found.keys, found.buckets, found.commit), (42, 3, Some(1)));
    assert!(found.is_verified && found.damage.is_empty() && found.problems.is_empty());
    let recovered = PageFile::open(&to).unwrap();
    assert_eq!(
        recovered
            .begin_read()
            .bucket("empty")
            .unwrap()
            .unwrap()
            .sequence(),
        9
    );
    assert!(recovered.check().unwrap().is_clean());
    drop(recovered);
    fs::remove_file(&to).unwrap();
    image[20] ^= 1;
    image[4116] ^= 1;
    fs::write(&from, &image).unwrap();
    assert!(matches!(
        recover(&from),
        Err(Error::DamagedMeta { offset: 4096, .. })
    ));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Proves that more rows than one transaction takes are recovered.
#[test]
fn large_files_are_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    let file = PageFile::open(&from).unwrap();
    file.update(|tx| {
        let mut bucket = tx.create_bucket("b")?;
        for i in 0..20_u32 {
            bucket.put(i.to_be_bytes(), vec![i as u8; 1 << 20])?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    file.close().unwrap();
    let found = RecoverOptions::new().recover(&from, &to).unwrap();
    assert_eq!(found.keys, 20);
    let recovered = PageFile::open(&to).unwrap();
    assert_eq!(rows(&recovered), rows(&PageFile::open(&from).unwrap()));
    assert!(recovered.check().unwrap().is_clean());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Proves that a file with any bytes changed is recovered without a panic or a wrong row: what is verified is a part of what was there, nothing that is not told to be lost is
    /// missing, and the new file is sound.
    #[test]
    fn what_is_recovered_is_right(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), unverified in any::<bool>()) {
        use std::sync::LazyLock;
        static IMAGE: LazyLock<(Vec<u8>, Rows)> = LazyLock::new(|| {
            let image = image();
            let rows = rows(&open(image.clone()));
            (image, rows)
        });
        let (image, before) = &*IMAGE;
        let mut damaged = image.clone();
        for (at, byte) in changes {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, damaged).unwrap();
        match RecoverOptions::new().unverified(unverified).recover(&from, &to) {
            Err(Error::DamagedMeta { .. } | Error::NotAPageFile) => prop_assert!(!unverified && !to.exists()),
            Err(error) => panic!("{error}"),
            Ok(found) => {
                let file = PageFile::open(&to).unwrap();
                prop_assert!(file.check().unwrap().is_clean());
                let mut after = rows(&file);
                after.retain(|(path, _), _| path[0] != b"unverified");
                prop_assert_eq!(after.len() as u64, found.keys);
                // What a damaged slot says can be anything.
                if !found.is_verified {
                    return Ok(());
                }
                for (place, value) in &after {
                    prop_assert_eq!(before.get(place), Some(value));
                }
                let lost: u64 = found.damage.iter().map(|damage| damage.keys_lost).sum();
                let below: u64 = found.damage.iter().map(|damage| damage.buckets_lost).sum();
                // A lost bucket has one key here.
                if found.commit == Some(1) && found.damage.iter().all(|damage| !damage.bucket.is_empty()) {
                    prop_assert_eq!(found.keys + lost + below, before.len() as u64);
                }
            }
        }
    }
}
