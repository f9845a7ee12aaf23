//! Every byte of every file.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    specimen::{Specimen, specimens},
    verdict::{Verdict, judge},
};

#[derive(Default)]
struct Tally {
    right: usize,
    refused: usize,
    panics: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, verdict: Verdict, what: impl FnOnce() -> String) {
        match verdict {
            Verdict::Right => self.right += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::Wrong(how) => self.wrong.push(format!("{}: {how}", what())),
            Verdict::Panic => {
                self.panics += 1;
                eprintln!("{}: panic", what());
            }
        }
    }
}

/// What a byte becomes: one bit of it flipped, a different one from byte to byte, and others; where it makes no difference, few of them.
fn damaged(at: usize, byte: u8, is_tender: bool) -> impl Iterator<Item = u8> {
    let bit = 1 << (at % 8);
    let all = [
        byte ^ bit,
        !byte,
        byte ^ 0x80,
        byte ^ 1,
        0,
        byte.wrapping_add(1),
    ];
    let count = if is_tender { all.len() } else { 1 };
    let values: std::collections::BTreeSet<u8> = all[..count].iter().copied().collect();
    values.into_iter().filter(move |value| *value != byte)
}

/// Proves that no byte of a file, whichever way it is wrong, gives anything but the right data, or an error where that byte is needed.
#[test]
fn every_flipped_byte_is_right_or_refused() {
    let specimens = specimens();
    for specimen in &specimens {
        let found = judge(specimen.image.clone(), &specimen.allowed, true);
        assert_eq!(found, Verdict::Right, "{}", specimen.name);
    }
    // In pieces, so that no thread is left with a whole file at the end.
    let pieces: Vec<(&Specimen, usize)> = specimens
        .iter()
        .flat_map(|specimen| {
            (0..specimen.image.len())
                .step_by(512)
                .map(move |at| (specimen, at))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Tally::default());
    let work = || {
        while let Some((specimen, start)) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut tally = Tally::default();
            let end = (start + 512).min(specimen.image.len());
            for at in *start..end {
                let byte = specimen.image[at];
                let is_tender =
                    at >= 8192 && at % specimen.page_size < 40 || at < 8192 && at % 4096 < 128;
                for value in damaged(at, byte, is_tender) {
                    let mut image = specimen.image.clone();
                    image[at] = value;
                    let verdict = judge(image, &specimen.allowed, at % 16 == 0);
                    tally.add(verdict, || {
                        format!("{}, byte {at}: {value:#04x} for {byte:#04x}", specimen.name)
                    });
                }
            }
            let mut total = total.lock().unwrap();
            total.right += tally.right;
            total.refused += tally.refused;
            total.panics += tally.panics;
            total.wrong.extend(tally.wrong);
            if total.wrong.len() + total.panics > 50 {
                return;
            }
        }
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let Tally {
        right,
        refused,
        panics,
        wrong,
    } = total.into_inner().unwrap();
    for wrong in wrong.iter().take(10) {
        eprintln!("{wrong}");
    }
    println!(
        "flipped bytes: {}, right: {right}, refused: {refused}, wrong: {}, panics: {panics}",
        right + refused + wrong.len() + panics,
        wrong.len()
    );
    assert!(wrong.is_empty() && panics == 0);
    assert!(
        refused > 10_000 && right > 10_000,
        "all is damaged, or nothing"
    );
}
