//! `docs/format.md` says enough to read a file, and what it says is so: a reader that was written from it alone, in another language, agrees with the library about
//! every byte of golden files and of new ones. And the library still writes the golden files.
//!
//! After a change of the format, or of where a commit puts its pages: `SAPWOOD_WRITE_GOLDEN=1 cargo test --test format_reader`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sapwood::pagefile::{Options, PageFile, ReadTxn};

mod golden;
#[path = "../pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use golden::GOLDEN;
use sim::{Model, Random, SimDisk, change};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn golden_path(name: &str) -> PathBuf {
    here().join("golden").join(name).with_extension("sap")
}

/// Runs the reader's interpreter, and gives what it printed and whether it succeeded; `None`, with a word about it, where there is none.
fn python(arguments: &[&str]) -> Option<(String, bool)> {
    let reader = here().join("format_reader");
    let outcome = Command::new("python3")
        .args(["-B", "-X", "utf8"])
        .args(arguments)
        .current_dir(reader)
        .output();
    match outcome {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(errors.is_empty(), "{errors}");
            let printed = String::from_utf8(output.stdout).unwrap();
            Some((printed, output.status.success()))
        }
        Err(error) => {
            println!("skipped: python3 does not run here: {error}");
            None
        }
    }
}

fn read(path: &Path) -> Option<(String, bool)> {
    python(&["read.py", path.to_str().unwrap()])
}

/// The part of what the reader printed that is about one state, from its first line to its last.
fn state(printed: &str, commit: u64) -> &str {
    let start = printed.find(&format!("{{\"state\":{commit},")).unwrap();
    let end_mark = format!("{{\"whole\":{commit},");
    let end = start + printed[start..].find(&end_mark).unwrap();
    let end = end + printed[end..].find('\n').unwrap();
    &printed[start..=end]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// What the reader must print about buckets, keys and values.
fn told(tx: &ReadTxn) -> String {
    let mut text = String::new();
    let mut waiting = vec![(Vec::<String>::new(), tx.root())];
    while let Some((path, bucket)) = waiting.pop() {
        if !path.is_empty() {
            let names = path.join("\",\"");
            let (keys, buckets) = (bucket.len(), bucket.bucket_count());
            let sequence = bucket.sequence();
            writeln!(text, "{{\"bucket\":[\"{names}\"],\"keys\":{keys},\"buckets\":{buckets},\"sequence\":{sequence}}}").unwrap();
            for row in &bucket {
                let (key, value) = row.unwrap();
                let (key, value) = (hex(&key), hex(&value));
                writeln!(text, "{{\"key\":\"{key}\",\"value\":\"{value}\"}}").unwrap();
            }
        }
        let names = bucket.buckets().map(|name| name.unwrap().to_vec());
        let mut names: Vec<Vec<u8>> = names.collect();
        names.reverse();
        for name in names {
            let below = bucket.bucket(&name).unwrap().unwrap();
            let path = path.iter().cloned().chain([hex(&name)]).collect();
            waiting.push((path, below));
        }
    }
    text
}

/// Asserts that the reader says of the newest state what the library says of it.
fn assert_agree(printed: &str, file: &PageFile, what: &str) {
    let tx = file.begin_read();
    let state = state(printed, tx.commit_number());
    let (_, body) = state.split_once('\n').unwrap();
    let (body, last) = body
        .trim_end()
        .rsplit_once('\n')
        .map_or(("", body.trim_end()), |(body, last)| (body, last));
    assert!(body.trim_end() == told(&tx).trim_end(), "{what}");
    let report = file.check().unwrap();
    assert!(report.is_clean(), "{what}: {:?}", report.problems);
    let reached = report.branch_pages + report.leaf_pages + report.value_pages;
    assert_eq!(
        last,
        format!("{{\"whole\":{},\"reached\":{reached}}}", tx.commit_number()),
        "{what}"
    );
}

fn open(image: Vec<u8>) -> PageFile {
    Options::new()
        .open_storage(Box::new(SimDisk::of(image)))
        .unwrap()
}

/// Proves that the library writes today what it wrote when the golden files were made: a change of the format cannot go unnoticed.
#[test]
fn golden_files_are_written_again() {
    let is_writing = std::env::var_os("SAPWOOD_WRITE_GOLDEN").is_some();
    for golden in &GOLDEN {
        let path = golden_path(golden.name);
        let bytes = golden.bytes();
        if is_writing {
            fs::write(&path, &bytes).unwrap();
        }
        let kept = fs::read(&path).unwrap();
        let differs = kept.iter().zip(&bytes).position(|(a, b)| a != b);
        assert!(
            kept == bytes,
            "{}: first difference at {differs:?}, lengths {} and {}",
            golden.name,
            kept.len(),
            bytes.len()
        );
    }
}

/// Proves that the reader and the library agree about the golden files, and that no other file lies among them.
#[test]
fn reader_agrees_about_golden_files() {
    let files = fs::read_dir(here().join("golden")).unwrap().count();
    assert_eq!(files, GOLDEN.len());
    for golden in &GOLDEN {
        let path = golden_path(golden.name);
        let Some((printed, is_right)) = read(&path) else {
            return;
        };
        assert!(
            is_right,
            "{}: {}",
            golden.name,
            printed.lines().last().unwrap_or_default()
        );
        let file = open(fs::read(&path).unwrap());
        assert_agree(&printed, &file, golden.name);
    }
}

/// Proves that the reader agrees about new files of all page sizes after random commits, about the newest state and about the one before it, to which the other
/// slot leads.
#[test]
fn reader_agrees_about_new_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for (round, page_size) in (0..).zip([512, 1024, 4096, 16_384, 65_536, 512, 512, 4096]) {
        let disk = SimDisk::default();
        let options = Options::new()
            .page_size(page_size)
            .grow_by(4096)
            .two_phase(round % 4 == 3);
        let file = options.open_storage(Box::new(disk.clone())).unwrap();
        let mut random = Random::new(round);
        let mut model = Model::new();
        let mut before = (0, String::new());
        for _ in 0..=random.below(50) {
            let tx = file.begin_read();
            before = (tx.commit_number(), told(&tx));
            while change(&file, &mut model, random.next()).unwrap() == before.0 {}
        }
        fs::write(&path, disk.image()).unwrap();
        let Some((printed, is_right)) = read(&path) else {
            return;
        };
        let what = format!("round {round}");
        assert!(
            is_right,
            "{what}: {}",
            printed.lines().last().unwrap_or_default()
        );
        assert_agree(&printed, &open(disk.image()), &what);
        assert!(
            state(&printed, before.0).contains(before.1.trim_end()),
            "{what}"
        );
    }
}

/// Proves that the reader verifies what it reads: whatever bit of a page in use is flipped, or of a slot, it does not say that both states are whole.
#[test]
fn reader_sees_damage() {
    let name = "churned";
    let kept = fs::read(golden_path(name)).unwrap();
    let Some((sound, _)) = read(&golden_path(name)) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut random = Random::new(1);
    let (mut seen, mut harmless) = (0, 0);
    for i in 0..60 {
        let mut image = kept.clone();
        // A slot first, then anything.
        let at = if i < 8 {
            [0, 4096][i % 2] + random.below(512)
        } else {
            random.below(image.len())
        };
        image[at] ^= 1 << random.below(8);
        fs::write(&path, &image).unwrap();
        let (printed, _) = read(&path).unwrap();
        if printed == sound {
            harmless += 1;
            assert!(i >= 8, "byte {at}");
            let problems = open(image).check().unwrap().problems;
            assert!(problems.is_empty(), "byte {at}: {problems:?}");
        } else {
            seen += 1;
        }
    }
    assert!(seen > 15 && harmless > 5, "{seen} {harmless}");
}

/// Proves that the reader's checksum is XXH3-64 for every length up to where the algorithm repeats itself, and for seeds.
#[test]
fn reader_knows_the_checksum() {
    let script = "import read\nfor n in range(1100):\n  data = bytes((i * i + n) % 251 for i in range(n))\n  print(read.xxh3(data), read.xxh3(data, 2654435761 * n * n))";
    let Some((printed, _)) = python(&["-c", script]) else {
        return;
    };
    let mut lines = printed.lines();
    for n in 0..1100u64 {
        let data: Vec<u8> = (0..n).map(|i| ((i * i + n) % 251) as u8).collect();
        let seeded = twox_hash::XxHash3_64::oneshot_with_seed(2_654_435_761 * n * n, &data);
        let plain = twox_hash::XxHash3_64::oneshot(&data);
        assert_eq!(
            lines.next(),
            Some(&*format!("{plain} {seeded}")),
            "{n} bytes"
        );
    }
}
