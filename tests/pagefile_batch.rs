//! Changes that share a commit: each is made once or not at all, and none sees another one's failure.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
};

use sapwood::pagefile::{Error, Options, PageFile, WriteTxn};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Crash, Failure, SimDisk, contents, options};

const THREADS: u8 = 8;

#[derive(Debug)]
enum Failed {
    File(Error),
    Own(u64),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::File(error)
    }
}

/// Adds one to the counter of a thread, and puts a mark that the thread has not put before.
fn count(tx: &mut WriteTxn, thread: u8, number: u64) -> Result<u64, Error> {
    let mut bucket = tx.bucket_or_create("counters")?;
    let before = bucket.get([thread])?;
    let before = before.map_or(0, |bytes| {
        u64::from_le_bytes(bytes[..8].try_into().unwrap())
    });
    bucket.put([thread], (before + 1).to_le_bytes())?;
    let mut marks = tx.bucket_or_create("marks")?;
    marks.put([&[thread][..], &number.to_be_bytes()].concat(), "")?;
    Ok(before + 1)
}

fn counter(file: &PageFile, thread: u8) -> u64 {
    let read = file.begin_read();
    let counters = read.bucket("counters").unwrap();
    let bytes = counters.and_then(|bucket| bucket.get([thread]).unwrap());
    bytes.map_or(0, |bytes| {
        u64::from_le_bytes(bytes[..8].try_into().unwrap())
    })
}

/// Proves that each change is made exactly once and durably, that callers share commits, that one that fails or panics gets its own error or
/// panic and leaves nothing, and that all others are not touched by it.
#[test]
fn each_change_is_made_once() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let calls = AtomicU64::new(0);
    let mut rounds = 0;
    // Sharing depends on who comes when; so until it has been seen.
    while rounds == 0 || file.stats().commit >= calls.load(Ordering::Relaxed) {
        let first = rounds * 30;
        let barrier = Barrier::new(usize::from(THREADS));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (file, calls, barrier) = (&file, &calls, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for number in first..first + 30 {
                        let fate = (number + u64::from(thread)) % 10;
                        let before = counter(file, thread);
                        let outcome = catch_unwind(AssertUnwindSafe(|| {
                            file.batch(|tx| {
                                let count = count(tx, thread, number)?;
                                match fate {
                                    8 => Err(Failed::Own(number)),
                                    9 => panic!("{thread} {number}"),
                                    _ => Ok(count),
                                }
                            })
                        }));
                        match outcome {
                            Ok(Ok(count)) if fate < 8 => {
                                assert_eq!(count, before + 1);
                                calls.fetch_add(1, Ordering::Relaxed);
                            }
                            Ok(Err(Failed::Own(own))) => assert!(fate == 8 && own == number),
                            Err(panic) => {
                                let text = panic.downcast_ref::<String>().unwrap();
                                assert_eq!(*text, format!("{thread} {number}"));
                            }
                            Ok(Err(Failed::File(error))) => panic!("{error}"),
                            Ok(Ok(count)) => panic!("{count} in spite of its error"),
                        }
                    }
                });
            }
        });
        rounds += 1;
    }
    let state = contents(&file).unwrap();
    let done = calls.load(Ordering::Relaxed);
    assert_eq!(done, rounds * 24 * u64::from(THREADS));
    assert_eq!(state[&b"marks"[..]].len() as u64, done);
    assert!((0..THREADS).all(|thread| counter(&file, thread) == rounds * 24));
    assert!(file.check().unwrap().is_clean());
    // What was acknowledged is there after a crash.
    let found = disk.crash(Crash::None, 1).open().unwrap();
    assert_eq!(contents(&found).unwrap(), state);
}

/// Proves that a change that meets nobody runs once, and that its error is its own.
#[test]
fn lonely_change_runs_once() {
    let file = PageFile::in_memory().unwrap();
    let mut runs = 0;
    let failed = file.batch(|_| {
        runs += 1;
        Err::<(), _>(Failed::Own(7))
    });
    assert!(matches!(failed, Err(Failed::Own(7))));
    let number = file.batch(|tx| {
        runs += 1;
        count(tx, 1, 1)
    });
    assert_eq!(number.unwrap(), 1);
    assert_eq!(runs, 2);
}

/// Proves that where the changes of several threads are too large together or alone, each that fits is committed, and each that does not gets
/// its error.
#[test]
fn full_file_refuses_only_what_is_too_large() {
    for round in 0..20 {
        let limited = options().max_size(150_000);
        let file = limited.in_memory().unwrap();
        let barrier = Barrier::new(usize::from(THREADS));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (file, barrier) = (&file, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let is_large = (round + thread) % 4 == 0;
                    let len = if is_large { 200_000 } else { 10_000 };
                    let outcome =
                        file.batch(|tx| tx.bucket_or_create("b")?.put([thread], vec![thread; len]));
                    match outcome {
                        Ok(_) => assert!(!is_large),
                        Err(Error::MaxSize { .. }) => assert!(is_large),
                        Err(error) => panic!("{error}"),
                    }
                });
            }
        });
        assert_eq!(contents(&file).unwrap()[&b"b"[..]].len(), 6);
        assert!(file.check().unwrap().is_clean());
    }
}

/// Proves that after a failed sync nobody is told that his change is durable, and nobody waits for ever.
#[test]
fn failed_sync_is_told_to_everybody() {
    for at in 0..30 {
        let disk = SimDisk::default();
        let file = disk.open().unwrap();
        disk.fail(Some(Failure {
            at: disk.ops() + at,
            forever: false,
        }));
        let acknowledged: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let file = &file;
                    scope.spawn(move || {
                        let done = (0..5).take_while(|&number| {
                            file.batch(|tx| count(tx, thread, number)).is_ok()
                        });
                        done.collect()
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let found = disk.crash(Crash::None, at as u64).open().unwrap();
        for (thread, done) in (0..THREADS).zip(acknowledged) {
            assert!(counter(&found, thread) >= done.len() as u64);
        }
    }
}

/// Proves that a reader's handle refuses, all callers.
#[test]
fn read_only_refuses_batches() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    drop(PageFile::open(&path).unwrap());
    let file = Options::new().read_only(true).open(&path).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let file = &file;
            scope.spawn(move || {
                let refused = file.batch(|tx| count(tx, thread, 0));
                assert!(matches!(refused, Err(Error::ReadOnly)));
            });
        }
    });
}
