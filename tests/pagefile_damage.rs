//! Damaged and hostile files: right data or a typed error, never a wrong answer, a panic or an endless loop.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use sapwood::pagefile::{Error, Options, PageFile};
use twox_hash::XxHash3_64;

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Model, SimDisk, change, contents, filled};

const PAGE: usize = 512;
const SLOTS: [usize; 2] = [0, 4096];

/// A small file with branches, leaves, large values, long keys and buckets in buckets; the states after each commit.
fn small_file(close: bool) -> (Vec<u8>, Vec<Model>) {
    let disk = SimDisk::default();
    let file = Options::new()
        .page_size(512)
        .grow_by(512)
        .open_storage(Box::new(disk.clone()))
        .unwrap();
    let mut model = Model::new();
    let mut models = vec![Model::new()];
    file.update(|tx| {
        let mut bucket = tx.create_bucket("first")?;
        let rows = model.entry(b"first".to_vec()).or_default();
        for key in 0..30u8 {
            bucket.put([key], filled(30, key.into()))?;
            rows.insert(vec![key], filled(30, key.into()));
        }
        bucket.put([9; 700], [1; 600])?;
        rows.insert(vec![9; 700], vec![1; 600]);
        let mut below = bucket.create_bucket("in")?;
        below.put("a", "b")?;
        below.create_bucket("deep")?;
        let row = (b"a".to_vec(), b"b".to_vec());
        model.insert(b"first/in".to_vec(), [row].into());
        model.insert(b"first/in/deep".to_vec(), [].into());
        Ok::<_, Error>(())
    })
    .unwrap();
    models.push(model.clone());
    for seed in 0..3 {
        change(&file, &mut model, seed).unwrap();
        models.push(model.clone());
    }
    if close {
        file.close().unwrap();
    }
    (disk.image(), models)
}

/// Reads a file in every way. What it gives must be right: one of the `allowed` states, as far as there is no error.
fn must_be_right(image: Vec<u8>, allowed: &[Model], what: &str) -> Option<Model> {
    let file = SimDisk::of(image).open().ok()?;
    let found = contents(&file);
    match &found {
        Ok(found) => assert!(allowed.contains(found), "{what}: wrong data"),
        Err(_) => what_can_be_read_must_be_right(&file, allowed, what),
    }
    let report = file.check();
    if report.is_ok_and(|report| report.is_clean()) {
        assert!(found.is_ok(), "{what}: the check has missed something");
        // A file without fault can be written.
        file.update(|tx| tx.bucket_or_create("late")?.put("a", "b"))
            .unwrap();
        assert!(file.check().unwrap().is_clean(), "{what}");
    }
    found.ok()
}

fn what_can_be_read_must_be_right(file: &PageFile, allowed: &[Model], what: &str) {
    let read = file.begin_read();
    let is_right = allowed.iter().any(|model| {
        let path = |name: &[u8]| {
            name.split(|byte| *byte == b'/')
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        };
        model
            .iter()
            .all(|(name, rows)| match read.bucket_at(path(name)) {
                Err(_) => true,
                Ok(None) => false,
                Ok(Some(bucket)) => rows.iter().all(|(key, value)| match bucket.get(key) {
                    Err(_) => true,
                    Ok(found) => found.as_deref() == Some(value),
                }),
            })
    });
    assert!(is_right, "{what}: wrong answer");
}

/// Proves that no flipped byte of a closed file gives anything but its newest state, or an error.
#[test]
fn flipped_bytes_are_seen() {
    let (image, models) = small_file(true);
    let newest = &models[models.len() - 1..];
    assert_eq!(
        must_be_right(image.clone(), newest, "as it is").as_ref(),
        newest.first()
    );
    for at in 0..image.len() {
        // The space behind the slots is not used.
        if at < 8192 && at % 4096 >= 512 && at % 64 != 0 {
            continue;
        }
        // Behind what a page holds, one zero is as good as the next.
        if image[at] == 0 && at % 4 != 0 {
            continue;
        }
        let mut image = image.clone();
        image[at] ^= 1 << (at % 8);
        must_be_right(image, newest, &format!("byte {at}"));
    }
}

/// Proves the same of a file that is read through a map.
#[test]
fn flipped_bytes_are_seen_through_a_map() {
    let (image, models) = small_file(true);
    let newest = models.last().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut seen = 0;
    for at in (8192..image.len()).step_by(29) {
        let mut image = image.clone();
        image[at] ^= 1 << (at % 8);
        std::fs::write(&path, image).unwrap();
        let file = PageFile::open(&path).unwrap();
        match contents(&file) {
            Ok(found) => assert_eq!(&found, newest, "byte {at}"),
            Err(Error::Corrupted { .. }) => seen += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(seen > 100, "{seen}");
}

/// Proves that in a file that was not closed, a flipped byte gives the newest state, the one before, or an error.
#[test]
fn flipped_bytes_of_an_open_file_are_seen() {
    let (image, models) = small_file(false);
    let newest = &models[models.len() - 2..];
    for at in (0..image.len()).step_by(5) {
        let mut image = image.clone();
        image[at] ^= 0x80;
        must_be_right(image, newest, &format!("byte {at}"));
    }
}

/// Proves that pages in each other's place, and old versions of pages, are seen: each is sound in itself.
#[test]
fn swapped_and_stale_pages_are_seen() {
    let (image, models) = small_file(true);
    let newest = &models[models.len() - 1..];
    let pages = image.len() / PAGE;
    for one in 16..pages {
        for two in one + 1..pages {
            let mut image = image.clone();
            let (left, right) = image.split_at_mut(two * PAGE);
            left[one * PAGE..(one + 1) * PAGE].swap_with_slice(&mut right[..PAGE]);
            must_be_right(image, newest, &format!("pages {one} and {two}"));
        }
    }
}

/// Proves that a file cut at any length is refused, unless only free pages were cut off.
#[test]
fn truncated_files_are_refused() {
    let (image, models) = small_file(true);
    let newest = &models[models.len() - 1..];
    let mut refused = 0;
    for len in (1..image.len())
        .step_by(97)
        .chain([511, 512, 513, 4095, 4096, 4608, 8191, 8192])
    {
        let found = must_be_right(image[..len].to_vec(), newest, &format!("length {len}"));
        refused += usize::from(found.is_none());
        // Empty storage is made a page file; a file cut to a part of its head is told to be cut.
        if (8..8192).contains(&len) {
            let error = SimDisk::of(image[..len].to_vec()).open().err();
            assert!(
                matches!(error, Some(Error::Truncated { .. })),
                "length {len}: {error:?}"
            );
        }
    }
    assert!(refused > 50);
}

/// Proves that the errors tell what is wrong, and where.
#[test]
fn errors_name_the_place() {
    let (image, _) = small_file(true);
    let error = |image: Vec<u8>| SimDisk::of(image).open().unwrap_err();
    assert!(matches!(error(vec![b'x'; 20_000]), Error::NotAPageFile));
    assert!(matches!(error(b"short".to_vec()), Error::NotAPageFile));
    let mut damaged = image.clone();
    damaged[100] ^= 1;
    damaged[4096 + 100] ^= 1;
    assert!(matches!(
        error(damaged),
        Error::DamagedMeta { offset: 4096, .. }
    ));
    let mut newer = image.clone();
    newer[8] = 9;
    seal_slot(&mut newer[..512]);
    assert!(matches!(
        error(newer),
        Error::NewerFormat {
            found: 9,
            supported: 1
        }
    ));
    let mut damaged = image;
    let root = first_bucket(&damaged[..512]);
    damaged[root as usize * PAGE + 100] ^= 1;
    let file = SimDisk::of(damaged).open().unwrap();
    match contents(&file) {
        Err(Error::Corrupted { page, offset, .. }) => {
            assert_eq!((page, offset), (root, root * 512));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(file.begin_write(), Err(Error::Corrupted { .. })));
    assert!(!file.check().unwrap().is_clean());
}

/// The root page of the first bucket, by a slot that holds the tree of buckets.
fn first_bucket(slot: &[u8]) -> u64 {
    let runs = usize::from(u16::from_le_bytes([slot[60], slot[61]]));
    let leaf = &slot[72 + 12 * runs..];
    let entry = &leaf[u32::from_le_bytes(leaf[24..28].try_into().unwrap()) as usize..];
    let name = usize::from(u16::from_le_bytes(entry[..2].try_into().unwrap()));
    u64::from_le_bytes(entry[4 + name..12 + name].try_into().unwrap())
}

fn seal_slot(slot: &mut [u8]) {
    let sum = XxHash3_64::oneshot(&slot[..504]);
    slot[504..512].copy_from_slice(&sum.to_le_bytes());
}

fn get<const N: usize>(image: &[u8], at: usize) -> Option<[u8; N]> {
    image.get(at..at + N)?.try_into().ok()
}

/// Writes right checksums for whatever the references lead to, as far as they lead anywhere: an attacker's work.
fn seal_tree(image: &mut [u8], reference: usize, depth: usize) -> Option<()> {
    let page = u64::from_le_bytes(get(image, reference)?) as usize;
    let pages = u32::from_le_bytes(get(image, reference + 8)?) as usize;
    let start = page.checked_mul(PAGE)?;
    let end = start.checked_add(pages.checked_mul(PAGE)?)?;
    if pages == 0 || pages > 64 || end > image.len() || depth > 8 {
        return None;
    }
    let kind = image[start];
    if kind == 1 || kind == 2 {
        let count = u32::from_le_bytes(get(image, start + 4)?).min(60);
        for i in 0..count as usize {
            let at = start + u32::from_le_bytes(get(image, start + 24 + i * 4)?) as usize;
            if kind == 2 {
                seal_tree(image, at, depth + 1);
                continue;
            }
            let key = usize::from(u16::from_le_bytes(get(image, at)?));
            match u16::from_le_bytes(get(image, at + 2)?) {
                0xFFFF => seal_tree(image, at + 4 + key + 8, depth + 1),
                0xFFFE => seal_tree(image, at + 4 + key, depth + 1),
                _ => None,
            };
        }
    }
    let sum = XxHash3_64::oneshot(&image[start..end]);
    image
        .get_mut(reference + 12..reference + 20)?
        .copy_from_slice(&sum.to_le_bytes());
    Some(())
}

fn seal(image: &mut [u8]) {
    for slot in SLOTS {
        seal_tree(image, slot + 32, 0);
        seal_slot(&mut image[slot..slot + 512]);
    }
}

/// Does everything with a file that cannot be trusted. It must come back.
fn must_come_back(file: &PageFile) {
    let _ = contents_of_hostile(file);
    let clean = file.check().is_ok_and(|report| report.is_clean());
    let written = file.update(|tx| {
        let names = tx.buckets().collect::<Result<Vec<_>, _>>()?;
        let names: Vec<Vec<u8>> = names.iter().map(|name| name.to_vec()).collect();
        for name in &names {
            if let Some(mut bucket) = tx.bucket_mut(name)? {
                for key in 0..30u8 {
                    bucket.put([key], [key; 200])?;
                    bucket.delete([key / 2])?;
                }
            }
        }
        if let [first, last, ..] = names.as_slice() {
            let _ = tx.move_bucket([first.as_slice()], [last, b"moved".as_slice()]);
        }
        if let Some(name) = names.last() {
            tx.delete_bucket(name)?;
        }
        Ok::<_, Error>(())
    });
    assert!(written.is_ok() || !clean, "{written:?}");
    let _ = contents_of_hostile(file);
}

fn contents_of_hostile(file: &PageFile) -> Result<(), Error> {
    let read = file.begin_read();
    let _ = read.root().stats_of_all();
    let mut waiting = vec![read.root()];
    // A bucket could be made to lie in itself.
    for _ in 0..1000 {
        let Some(bucket) = waiting.pop() else { break };
        let mut previous: Option<Vec<u8>> = None;
        for item in bucket.items() {
            let item = item?;
            let key = item.key().to_vec();
            assert!(
                previous.is_none_or(|previous| previous < key),
                "keys do not ascend"
            );
            if item.value().is_none() {
                waiting.extend(bucket.bucket(&key)?);
            }
            previous = Some(key);
        }
        for item in bucket.items().rev() {
            item?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Proves that changed bytes under right checksums, in metas, branches, leaves and values, neither panic nor loop, and that keys ascend.
    #[test]
    fn hostile_files_are_borne(changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..80, prop_oneof![any::<u8>(), Just(0), Just(1), Just(0xFF)]), 1..4), in_meta in 0u8..8, random in any::<[u8; 8]>()) {
        use std::sync::LazyLock;
        static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| small_file(true).0);
        let mut image = FILE.clone();
        for (page, offset, byte) in changes {
            let page = 16 + page.index(image.len() / PAGE - 16);
            // Headers, slots and the first entries are the tender places.
            image[page * PAGE + offset] = byte;
        }
        if in_meta < 2 {
            for slot in SLOTS {
                let at = slot + 12 + usize::from(random[0] % 70);
                image[at] = random[1];
            }
        }
        seal(&mut image);
        if let Ok(file) = SimDisk::of(image).open() {
            must_come_back(&file);
        }
    }

    /// Proves that random bytes, also behind a right magic and with a right checksum, are refused or borne.
    #[test]
    fn garbage_is_borne(bytes in prop::collection::vec(any::<u8>(), 0..400), len in 0usize..20_000, sealed in any::<bool>()) {
        let mut image: Vec<u8> = bytes.iter().copied().cycle().take(if bytes.is_empty() { 0 } else { len }).collect();
        if sealed && image.len() >= 8192 {
            for slot in SLOTS {
                image[slot..slot + 16].copy_from_slice(b"\x89SAPWOOD\x01\0\0\0\0\x02\0\0");
                seal_slot(&mut image[slot..slot + 512]);
            }
        }
        if let Ok(file) = SimDisk::of(image).open() {
            must_come_back(&file);
        }
    }
}
