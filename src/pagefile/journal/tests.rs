//! The journal against a model, on bytes that the tests can tear, damage and go back to.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::super::{Error, Journal, MemStorage, Options, PageFile, Storage};
use super::group;

const PAGE: usize = 512;

/// Bytes that the test sees, too.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<MemStorage>>);

impl Shown {
    fn of(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(MemStorage::new(image))))
    }

    fn image(&self) -> Vec<u8> {
        let mut image = vec![0; usize::try_from(self.len().unwrap()).unwrap()];
        self.read_at(0, &mut image).unwrap();
        image
    }
}

impl Storage for Shown {
    fn len(&self) -> io::Result<u64> {
        self.0.lock().unwrap().len()
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.lock().unwrap().read_at(offset, buffer)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().write_at(offset, bytes)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().unwrap().set_len(len)
    }
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A record whose first bytes are its mark.
fn record(mark: u64, len: usize) -> Vec<u8> {
    let mut record = mark.to_le_bytes().to_vec();
    record.extend((0..len).map(|i| (mark as usize * 31 + i) as u8));
    record
}

fn mark(record: &[u8]) -> u64 {
    u64::from_le_bytes(*record.first_chunk().unwrap())
}

type Opened = (PageFile, Journal, Vec<Vec<u8>>);

fn open(storage: &Shown) -> Result<Opened, Error> {
    let file = Options::new()
        .page_size(PAGE as u32)
        .grow_by(1024)
        .open_storage(Box::new(storage.clone()))?;
    let mut records = Vec::new();
    let journal = file.open_journal(|record| -> Result<u64, Error> {
        records.push(record.to_vec());
        Ok(mark(record))
    })?;
    Ok((file, journal, records))
}

/// Moves the beginning behind `mark`, with a change of the trees beside it.
fn pass(file: &PageFile, journal: &Journal, mark: u64, size: u64) {
    let mut txn = file.begin_write().unwrap();
    let mut bucket = txn.bucket_or_create("b").unwrap();
    bucket.put("mark", mark.to_le_bytes()).unwrap();
    journal.commit(txn, mark, size).unwrap();
}

fn passed(file: &PageFile) -> u64 {
    let read = file.begin_read();
    let bucket = read.bucket("b").unwrap();
    bucket.map_or(0, |bucket| mark(&bucket.get("mark").unwrap().unwrap()))
}

/// A journal with room for 16 pages, with groups of 1, 3 and 2 pages, marks 1 to 3.
fn three_groups() -> (Shown, Vec<Vec<u8>>) {
    let storage = Shown::default();
    let (file, journal, _) = open(&storage).unwrap();
    pass(&file, &journal, 0, 16 * PAGE as u64);
    let records = vec![record(1, 50), record(2, 1200), record(3, 600)];
    for record in &records {
        assert!(journal.append(&[record], mark(record)).unwrap());
    }
    (storage, records)
}

/// What the newest meta names as the journal's only stretch: its first page.
fn first_page(storage: &Shown) -> usize {
    let (file, ..) = open(storage).unwrap();
    let snapshot = file.shared.snapshot();
    usize::try_from(snapshot.journal.list[0].run.start).unwrap()
}

/// A group that is cut at any byte ends the journal with the one before it, without a complaint; and the next group goes in its place.
#[test]
fn a_torn_tail_ends_the_journal_at_every_byte() {
    let (storage, records) = three_groups();
    let whole = storage.image();
    let last = (first_page(&storage) + 1 + 3) * PAGE;
    for kept in 0..2 * PAGE {
        let mut image = whole.clone();
        image[last + kept..last + 2 * PAGE].fill(0);
        // Its zeros behind the record are not missed.
        let is_whole = image == whole;
        let storage = Shown::of(image);
        let (_, journal, found) = open(&storage).unwrap();
        let expected = if is_whole { 3 } else { 2 };
        assert_eq!(found, records[..expected], "{kept} bytes");
        if kept % 97 == 0 {
            assert!(journal.append(&[record(4, 9)], 4).unwrap());
            let (.., found) = open(&storage).unwrap();
            assert_eq!(found[expected..], [record(4, 9)]);
        }
    }
}

/// Any damage in a group that has another one behind it is told, with the page where it begins; in the last one it ends the journal. Never is anything else read.
#[test]
fn a_damaged_group_before_others_is_refused() {
    let (storage, records) = three_groups();
    let (whole, first) = (storage.image(), first_page(&storage));
    for at in 0..6 * PAGE {
        let mut image = whole.clone();
        image[first * PAGE + at] ^= 0x40;
        match (at / PAGE, open(&Shown::of(image))) {
            (0, Err(Error::Corrupted { page, offset, .. })) => {
                assert_eq!((page, offset), (first as u64, (first * PAGE) as u64));
            }
            (1..=3, Err(Error::Corrupted { page, .. })) => assert_eq!(page, first as u64 + 1),
            (4.., Ok((.., found))) => assert_eq!(found, records[..2]),
            (_, Ok((.., found))) => panic!("byte {at}: {} records", found.len()),
            (_, Err(error)) => panic!("byte {at}: {error}"),
        }
    }
}

/// A group that is whole, but says another stretch, place or number than the one that is due there, is not read.
#[test]
fn a_group_that_is_not_due_is_not_read() {
    let (storage, records) = three_groups();
    let (whole, first) = (storage.image(), first_page(&storage));
    let journal = {
        let (file, ..) = open(&storage).unwrap();
        file.shared.snapshot().journal.clone()
    };
    let (stretch, number) = (journal.list[0].number, journal.group + 2);
    let forged = [
        ((stretch, 4), number, 3),
        ((stretch.wrapping_add(1), 4), number, 2),
        ((stretch, 5), number, 2),
        ((stretch, 4), number - 1, 2),
    ];
    for (at, number, expected) in forged {
        let mut image = whole.clone();
        let mut bytes = Vec::new();
        group::encode(&records[2..], at, number, 2, PAGE as u32, &mut bytes);
        image[(first + 4) * PAGE..][..2 * PAGE].copy_from_slice(&bytes);
        let (.., found) = open(&Shown::of(image)).unwrap();
        assert_eq!(found, records[..expected], "{at:?}, number {number}");
    }
}

/// Bytes of an earlier journal in the same pages, whole groups of it, are never read as groups of this one.
#[test]
fn stale_groups_are_not_read() {
    let storage = Shown::default();
    let (file, journal, _) = open(&storage).unwrap();
    let size = 8 * PAGE as u64;
    let mut next = 0;
    let mut places = std::collections::BTreeSet::new();
    let mut again = false;
    for _ in 0..12 {
        // Filled, passed and given up, so that pages come again.
        pass(&file, &journal, next, size);
        let place = file.shared.snapshot().journal.list[0].run.start;
        again |= !places.insert(place);
        let (.., found) = open(&storage).unwrap();
        assert_eq!(found, Vec::<Vec<u8>>::new());
        while journal.append(&[record(next + 1, 100)], next + 1).unwrap() {
            next += 1;
        }
        pass(&file, &journal, next, 0);
    }
    assert!(again, "{places:?}");
    assert!(file.check().unwrap().is_clean());
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    /// Passes so many of the groups, and asks for so many pages.
    Pass(usize, u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(0usize..1500, 1..4).prop_map(Step::Append),
        2 => (0usize..40, 1u64..24).prop_map(|(passed, pages)| Step::Pass(passed, pages)),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is appended and passed, a reader of the file finds exactly the groups behind the last one that was passed, in order, also if the newest meta is
    /// damaged; and no page has two uses.
    #[test]
    fn what_is_read_is_what_was_appended(steps in prop::collection::vec(step(), 1..60)) {
        let storage = Shown::default();
        let (mut file, mut journal, _) = open(&storage).unwrap();
        let mut groups: Vec<Vec<Vec<u8>>> = Vec::new();
        let mut past = 0;
        for step in steps {
            match step {
                Step::Append(lens) => {
                    let mark = groups.len() as u64 + 1;
                    let group: Vec<_> = lens.iter().map(|len| record(mark, *len)).collect();
                    let ahead = journal.ahead();
                    if journal.append(&group, mark).unwrap() {
                        groups.push(group);
                    } else {
                        let pages = super::group::pages(&group, PAGE as u32).unwrap();
                        // There may be enough in two halves, and in stretches behind the next one.
                        prop_assert!(ahead < 2 * u64::from(pages) * PAGE as u64 + 48 * PAGE as u64);
                    }
                }
                Step::Pass(more, pages) => {
                    past = groups.len().min(past + more);
                    pass(&file, &journal, past as u64, pages * PAGE as u64);
                }
                Step::Reopen => {
                    drop((file, journal));
                    (file, journal, _) = open(&storage).unwrap();
                }
            }
            let bytes: u64 = groups[past..]
                .iter()
                .map(|group| u64::from(super::group::pages(group, PAGE as u32).unwrap()))
                .sum();
            prop_assert!(journal.bytes() >= bytes * PAGE as u64);
            let (read, _, found) = open(&storage).unwrap();
            prop_assert_eq!(passed(&read), past as u64);
            prop_assert_eq!(found, groups[past..].concat());
            prop_assert!(read.check().unwrap().is_clean());
            // Without the newest meta.
            let mut image = storage.image();
            let newest = file.shared.snapshot().commit;
            let slot = file.shared.turn().writer().slot as usize * 4096;
            prop_assert_eq!(&image[slot + 16..slot + 24], &newest.to_le_bytes());
            image[slot + 100] ^= 1;
            if newest > 0 {
                let (read, _, found) = open(&Shown::of(image)).unwrap();
                prop_assert_eq!(passed(&read), past as u64);
                prop_assert_eq!(found, groups[past..].concat());
            }
        }
    }
}
