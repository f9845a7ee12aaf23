//! The files that are damaged: small ones, of several page sizes and contents, with what is in them.

use std::ops::Range;

use sapwood::pagefile::{Options, PageFile};

use super::{
    faults::{
        change::{Shape, change},
        disk::Disk,
        state::State,
    },
    sim::filled,
};

#[derive(Clone)]
pub(crate) struct Specimen {
    pub(crate) name: &'static str,
    pub(crate) page_size: usize,
    pub(crate) image: Vec<u8>,
    /// The states that may be found, the newest one last. A file that was closed has one of them; in one that was not, damage in the last commit looks
    /// like a crash in the midst of it.
    pub(crate) allowed: Vec<State>,
    /// Those that may be found where several pages are damaged at once: of a log, the end can be gone as if it had never been written.
    pub(crate) allowed_of_many: Vec<State>,
    /// What it held after each commit.
    pub(crate) states: Vec<State>,
    /// The file as it was after each commit.
    pub(crate) history: Vec<Vec<u8>>,
}

const SHAPE: Shape = Shape {
    keys: 24,
    longest: 700,
    most: 6,
    structure: true,
};

fn specimen(
    name: &'static str,
    page_size: u32,
    is_closed: bool,
    seeds: Range<u64>,
    prepare: impl Fn(&PageFile, &mut State),
) -> Specimen {
    let options = Options::new()
        .page_size(page_size)
        .grow_by(page_size.into());
    let shape = Shape {
        longest: page_size as usize * 7 / 5,
        ..SHAPE
    };
    with(
        name,
        (&options, page_size, shape),
        is_closed,
        seeds,
        prepare,
    )
}

/// A file whose newest commits are in its log.
pub(crate) fn logged() -> Specimen {
    let options = Options::new().page_size(512).grow_by(512);
    let options = options.log_size(2048).initial_size(66_000);
    let shape = Shape {
        longest: 60,
        most: 1,
        structure: false,
        ..SHAPE
    };
    let prepare = |file: &PageFile, state: &mut State| {
        rows(file, state);
        for name in ["b0", "b1", "b2"] {
            file.update(|tx| tx.create_bucket(name).map(drop)).unwrap();
            state.entry(name.as_bytes().to_vec()).or_default();
        }
    };
    let name = "commits in the log, not closed";
    let specimen = with(name, (&options, 512, shape), false, 60..65, prepare);
    Specimen {
        allowed_of_many: specimen.states.clone(),
        ..specimen
    }
}

fn with(
    name: &'static str,
    (options, page_size, shape): (&Options, u32, Shape),
    is_closed: bool,
    seeds: Range<u64>,
    prepare: impl Fn(&PageFile, &mut State),
) -> Specimen {
    let disk = Disk::default();
    let file = options.open_storage(Box::new(disk.clone())).unwrap();
    let mut states = vec![State::new()];
    let mut state = State::new();
    prepare(&file, &mut state);
    states.push(state.clone());
    let mut history = vec![disk.image()];
    for seed in seeds {
        let mut tx = file.begin_write().unwrap();
        let (mut next, before) = (state.clone(), file.begin_read().commit_number());
        change(&mut tx, &mut next, shape, seed).unwrap();
        if tx.commit().unwrap() == before {
            continue;
        }
        state = next;
        states.push(state.clone());
        history.push(disk.image());
    }
    if is_closed {
        file.close().unwrap();
    } else {
        drop(file);
    }
    let newest = states.len() - if is_closed { 1 } else { 2 };
    let allowed = states[newest..].to_vec();
    Specimen {
        name,
        page_size: page_size as usize,
        image: disk.image(),
        allowed_of_many: allowed.clone(),
        allowed,
        states,
        history,
    }
}

/// A bucket of two levels, with a long key, and buckets that lie deep.
fn rows(file: &PageFile, state: &mut State) {
    let mut tx = file.begin_write().unwrap();
    let mut bucket = tx.create_bucket("rows").unwrap();
    let mut model = std::collections::BTreeMap::new();
    for key in 0..30u8 {
        model.insert(vec![key], filled(30, key.into()));
    }
    model.insert(vec![9; 700], filled(600, 1));
    for (key, value) in &model {
        bucket.put(key, value).unwrap();
    }
    state.entry(b"rows".to_vec()).or_default().rows = model;
    bucket
        .create_bucket("in")
        .unwrap()
        .create_bucket("deep")
        .unwrap();
    state.entry(b"rows/in".to_vec()).or_default();
    state.entry(b"rows/in/deep".to_vec()).or_default();
    tx.commit().unwrap();
}

/// Values that fill pages, and a run of them.
fn large(file: &PageFile, state: &mut State) {
    let mut tx = file.begin_write().unwrap();
    let mut bucket = tx.create_bucket("large").unwrap();
    let model = &mut state.entry(b"large".to_vec()).or_default().rows;
    for (key, len) in (0..9u8).zip([900, 900, 900, 900, 900, 900, 10, 5000, 0]) {
        let value = filled(len, key.into());
        bucket.put([key], &value).unwrap();
        model.insert(vec![key], value);
    }
    tx.commit().unwrap();
}

/// So many buckets that the tree of buckets has pages of its own.
fn buckets(file: &PageFile, state: &mut State) {
    let mut tx = file.begin_write().unwrap();
    for number in 0..24u8 {
        let name = format!("bucket-{number:02}").into_bytes();
        let mut bucket = tx.create_bucket(&name).unwrap();
        let model = state.entry(name).or_default();
        if number % 3 == 0 {
            bucket.put([number], [number; 20]).unwrap();
            bucket.set_sequence(number.into());
            model.sequence = number.into();
            model.rows.insert(vec![number], vec![number; 20]);
        }
    }
    tx.commit().unwrap();
}

pub(crate) fn specimens() -> Vec<Specimen> {
    vec![
        specimen("rows and deep buckets, closed", 512, true, 0..3, rows),
        specimen("rows and deep buckets, not closed", 512, false, 3..7, rows),
        specimen(
            "a tree of buckets in pages, closed",
            512,
            true,
            0..0,
            buckets,
        ),
        specimen("pages of 1 KiB, not closed", 1024, false, 20..28, |_, _| ()),
        specimen("pages of 4 KiB, closed", 4096, true, 0..0, large),
        specimen("nothing at all", 512, true, 0..0, |_, _| ()),
        logged(),
    ]
}

/// A file that has seen many commits: of many pages there was an earlier version in the same place.
pub(crate) fn worn() -> Specimen {
    specimen("worn", 512, true, 0..40, rows)
}
