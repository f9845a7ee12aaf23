//! The errors that damage is told with: what is wrong, and where.

use sapwood::pagefile::{Error, Options, PageFile};

use super::{
    faults::{disk::Disk, state::read},
    seal::{seal_slot, u16_at, u32_at},
    specimen::specimens,
    verdict::{Verdict, judge},
};

fn open(image: Vec<u8>) -> Result<PageFile, Error> {
    Options::new().open_storage(Box::new(Disk::of(image)))
}

/// Proves that the errors tell what is wrong, and where.
#[test]
fn errors_name_the_place() {
    let image = specimens().swap_remove(0).image;
    let error = |image: Vec<u8>| open(image).unwrap_err();
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
    damaged[root as usize * 512 + 100] ^= 1;
    let file = open(damaged).unwrap();
    match read(&file) {
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
    let leaf = &slot[72 + 12 * usize::from(slot[60])..];
    let entry = &leaf[u32_at(leaf, 24).unwrap()..];
    let name = u16_at(entry, 0).unwrap();
    u64::from_le_bytes(entry[4 + name..12 + name].try_into().unwrap())
}

/// Proves that metas with right checksums and fields that cannot be are refused, each field by itself: page sizes, numbers of pages, commits and runs, and
/// the length of the tree of buckets.
#[test]
fn metas_that_cannot_be_are_refused() {
    let specimen = specimens().swap_remove(0);
    let fields: [(usize, &[u8]); 12] = [
        (8, &0u32.to_le_bytes()),
        (12, &0u32.to_le_bytes()),
        (12, &256u32.to_le_bytes()),
        (12, &513u32.to_le_bytes()),
        (12, &131_072u32.to_le_bytes()),
        (12, &u32::MAX.to_le_bytes()),
        (16, &(1u64 << 63).to_le_bytes()),
        (24, &15u64.to_le_bytes()),
        (24, &(i64::MAX as u64 / 512 + 1).to_le_bytes()),
        (60, &37u16.to_le_bytes()),
        (62, &433u16.to_le_bytes()),
        (62, &1u16.to_le_bytes()),
    ];
    for (at, bytes) in fields {
        let mut image = specimen.image.clone();
        for slot in [0, 4096] {
            image[slot + at..slot + at + bytes.len()].copy_from_slice(bytes);
            seal_slot(&mut image[slot..slot + 512]);
        }
        let error = open(image).unwrap_err();
        assert!(
            matches!(error, Error::DamagedMeta { offset: 4096, .. }),
            "{at}: {error}"
        );
    }
    // A page size that could be, but is not that of the file, is seen as soon as a page is read.
    for page_size in [1024u32, 4096, 65_536] {
        let mut image = specimen.image.clone();
        for slot in [0, 4096] {
            image[slot + 12..slot + 16].copy_from_slice(&page_size.to_le_bytes());
            seal_slot(&mut image[slot..slot + 512]);
        }
        let verdict = judge(image, &specimen.allowed, true);
        assert_eq!(verdict, Verdict::Refused, "page size {page_size}");
    }
}

/// Proves that damage is seen through a memory map as it is without one, on a page's first read and whatever is read first.
#[test]
fn damage_is_seen_through_a_map() {
    let specimen = specimens().swap_remove(0);
    let newest = specimen.allowed.last().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut seen = 0;
    for at in (8192..specimen.image.len()).step_by(29) {
        let mut image = specimen.image.clone();
        image[at] ^= 1 << (at % 8);
        std::fs::write(&path, image).unwrap();
        let file = PageFile::open(&path).unwrap();
        match read(&file) {
            Ok(found) => assert_eq!(&found, newest, "byte {at}"),
            Err(Error::Corrupted { .. }) => seen += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(seen > 100, "{seen}");
}
