//! Files that are cut, or longer than they were.

use sapwood::pagefile::{Error, Options};

use super::{
    faults::disk::Disk,
    specimen::specimens,
    verdict::{Verdict, judge},
};

/// Proves that a file cut at any length is refused, unless only free pages were cut off; one cut to a part of its head is told to be cut.
#[test]
fn truncated_files_are_refused() {
    for specimen in &specimens() {
        let mut refused = 0;
        for len in 1..specimen.image.len() {
            let image = &specimen.image[..len];
            if (8..8192).contains(&len) {
                let disk = Disk::of(image.to_vec());
                let error = Options::new().open_storage(Box::new(disk)).err();
                assert!(
                    matches!(error, Some(Error::Truncated { .. })),
                    "length {len}: {error:?}"
                );
                refused += 1;
            } else if len % specimen.page_size < 2 || len % 64 == 0 {
                match judge(image.to_vec(), &specimen.allowed, true) {
                    Verdict::Right => {}
                    Verdict::Refused => refused += 1,
                    other => panic!("{}, length {len}: {other:?}", specimen.name),
                }
            }
        }
        assert!(refused >= 8184, "{}: {refused}", specimen.name);
    }
}

/// Proves that bytes behind the end of a file, whatever they are, do no harm.
#[test]
fn what_lies_behind_the_end_is_not_used() {
    for specimen in &specimens() {
        for len in [1, 511, 512, 4096, 70_000] {
            for byte in [0, 0xA5] {
                let mut image = specimen.image.clone();
                image.resize(image.len() + len, byte);
                assert_eq!(judge(image, &specimen.allowed, true), Verdict::Right);
            }
        }
    }
}
