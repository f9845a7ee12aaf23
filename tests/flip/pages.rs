//! Whole pages that are in the wrong place, of the wrong time, or gone. Each is sound in itself: only its parent knows that it is not the one.

use super::{
    faults::state::State,
    specimen::{Specimen, specimens, worn},
    verdict::{Verdict, judge},
};

/// Judges the file with some pages changed, and gives whether it was refused.
fn is_refused(specimen: &Specimen, what: &str, damage: impl FnOnce(&mut [u8])) -> bool {
    is_refused_but(specimen, &specimen.allowed, what, damage)
}

/// The same, for damage of several pages.
fn are_refused(specimen: &Specimen, what: &str, damage: impl FnOnce(&mut [u8])) -> bool {
    is_refused_but(specimen, &specimen.allowed_of_many, what, damage)
}

fn is_refused_but(
    specimen: &Specimen,
    allowed: &[State],
    what: &str,
    damage: impl FnOnce(&mut [u8]),
) -> bool {
    let mut image = specimen.image.clone();
    damage(&mut image);
    match judge(image, allowed, true) {
        Verdict::Right => false,
        Verdict::Refused => true,
        other => panic!("{}, {what}: {other:?}", specimen.name),
    }
}

/// The numbers of the pages for data.
fn pages(specimen: &Specimen) -> std::ops::Range<usize> {
    let first = 8192_usize.div_ceil(specimen.page_size);
    first..specimen.image.len() / specimen.page_size
}

fn bytes(specimen: &Specimen, page: usize) -> std::ops::Range<usize> {
    page * specimen.page_size..(page + 1) * specimen.page_size
}

/// Proves that pages in each other's place are seen, and a page that was written to the place of another one.
#[test]
fn swapped_and_misdirected_pages_are_seen() {
    for specimen in &specimens() {
        let mut refused = 0;
        for one in pages(specimen) {
            for two in pages(specimen).filter(|two| *two != one) {
                let what = format!("page {one} at {two}");
                refused += usize::from(is_refused(specimen, &what, |image| {
                    image.copy_within(bytes(specimen, one), bytes(specimen, two).start);
                }));
                if one < two {
                    let what = format!("pages {one} and {two} swapped");
                    refused += usize::from(are_refused(specimen, &what, |image| {
                        let (left, right) = image.split_at_mut(bytes(specimen, two).start);
                        let right = &mut right[..specimen.page_size];
                        left[bytes(specimen, one)].swap_with_slice(right);
                    }));
                }
            }
        }
        let is_empty = specimen.history[0] == specimen.image;
        assert!(refused > 10 || is_empty, "{}: {refused}", specimen.name);
    }
}

/// Proves that a page which holds what it held at an earlier time, as after a write that never reached the medium, is seen; also where the
/// meta is the old one, which then is passed by, or leads to the state that may be found.
#[test]
fn stale_pages_are_seen() {
    let mut refused = 0;
    for specimen in specimens().iter().chain([&worn()]) {
        for old in &specimen.history {
            let slots = [0..512, 4096..4608];
            let pages = pages(specimen).map(|page| bytes(specimen, page));
            for place in pages.chain(slots) {
                let what = format!("bytes {place:?} as they were");
                let Some(stale) = old.get(place.clone()) else {
                    continue;
                };
                if specimen.image[place.clone()] == *stale {
                    continue;
                }
                refused += usize::from(is_refused(specimen, &what, |image| {
                    image[place].copy_from_slice(stale);
                }));
            }
        }
    }
    assert!(refused > 30, "{refused}");
}

/// Proves that pages, sectors and slots of zeros are seen, and of ones, alone and several side by side.
#[test]
fn erased_pages_are_seen() {
    let mut refused = 0;
    for specimen in &specimens() {
        let sectors = specimen.image.len() / 512;
        for len in [1, 2, 8, sectors] {
            for start in (0..sectors).step_by(len) {
                let place = start * 512..((start + len) * 512).min(specimen.image.len());
                for byte in [0, 0xFF].into_iter().take(3 - len.min(2)) {
                    let what = format!("bytes {place:?} are {byte}");
                    refused += usize::from(are_refused(specimen, &what, |image| {
                        image[place.clone()].fill(byte);
                    }));
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
