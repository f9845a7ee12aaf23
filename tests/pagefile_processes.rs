//! Several processes and one file: killed while they commit, locked out, and with the file cut under their hands.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, SystemTime},
};

use sapwood::pagefile::{Error, Options, PageFile};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Random, filled};

/// A process that does a part of [`child`], and what it says.
struct Process {
    child: Child,
    input: ChildStdin,
    said: Receiver<String>,
}

impl Process {
    fn start(part: &str, path: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env("PROCESS_PART", part)
            .env("PROCESS_PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, said) = channel();
        thread::spawn(move || {
            // A line that was cut by a kill was not said.
            for line in output.lines().map_while(Result::ok) {
                if let Some(word) = line.strip_prefix("> ")
                    && let Some(word) = word.strip_suffix(';')
                {
                    let _ = sender.send(word.to_owned());
                }
            }
        });
        let input = child.stdin.take().unwrap();
        Self { child, input, said }
    }

    fn hear(&self) -> String {
        self.said.recv_timeout(Duration::from_secs(120)).unwrap()
    }

    fn go_on(&mut self) {
        self.input.write_all(b"\n").unwrap();
        self.input.flush().unwrap();
    }
}

fn say(word: &str) {
    let mut output = std::io::stdout().lock();
    output.write_all(format!("> {word};\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

fn wait_to_go_on() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// What the processes of the other tests do; nothing by itself.
#[test]
fn child() {
    let Ok(part) = std::env::var("PROCESS_PART") else {
        return;
    };
    let path = std::env::var("PROCESS_PATH").unwrap();
    // The harness has begun a line.
    println!();
    match part.as_str() {
        "commit" => commit_without_end(Path::new(&path)),
        "read mapped" | "read" => {
            let options = Options::new().memory_map(part == "read mapped");
            let file = options.open(&path).unwrap();
            say("open");
            wait_to_go_on();
            say(match read_all(&file) {
                Ok(_) => "read",
                Err(Error::Io { .. }) => "refused",
                Err(_) => "another error",
            });
        }
        _ => {
            let options = Options::new().read_only(part.contains("read-only"));
            let options = if part.contains("patient") {
                say("waiting");
                options.lock_timeout(Duration::from_secs(120))
            } else {
                options
            };
            say(match options.open(&path) {
                Ok(file) if file.begin_write().is_ok() => "writes",
                Ok(file) => match read_all(&file) {
                    Ok(_) => "reads",
                    Err(_) => "does not read",
                },
                Err(Error::Locked { .. }) => "locked",
                Err(_) => "another error",
            });
        }
    }
}

fn read_all(file: &PageFile) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let read = file.begin_read();
    let Some(bucket) = read.bucket("b")? else {
        return Ok(Vec::new());
    };
    let number = |key: &[u8]| u64::from_be_bytes(key.try_into().unwrap());
    let rows = bucket.iter();
    rows.map(|row| row.map(|(key, value)| (number(&key), value.to_vec())))
        .collect()
}

/// So many of the last numbers are kept.
const KEPT: u64 = 40;

fn value(number: u64) -> Vec<u8> {
    filled([5, 90, 300, 1500, 9000][number as usize % 5], number)
}

/// Commits the next number and deletes an old one, says what is durable, and goes on until it is killed.
fn commit_without_end(path: &Path) {
    let options = Options::new().page_size(512).grow_by(8192);
    let file = options.open(path).unwrap();
    let last = read_all(&file).unwrap().last().map(|(number, _)| *number);
    for number in last.map_or(0, |last| last + 1).. {
        let mut tx = file.begin_write().unwrap();
        let mut bucket = tx.bucket_or_create("b").unwrap();
        bucket.put(number.to_be_bytes(), value(number)).unwrap();
        if let Some(old) = number.checked_sub(KEPT) {
            assert!(bucket.delete(old.to_be_bytes()).unwrap());
        }
        if number % 4 == 3 {
            tx.commit_unsynced().unwrap();
        } else {
            tx.commit().unwrap();
            say(&number.to_string());
        }
    }
}

/// Proves that a process which is killed at any moment loses nothing that it said was committed, and leaves a file that the next one goes on with.
/// `SAPWOOD_KILL_ROUNDS` asks for more rounds than a few; `SIM_SEED` repeats the moments, as far as the machine allows.
#[test]
fn killed_writers_lose_nothing() {
    let rounds = std::env::var("SAPWOOD_KILL_ROUNDS").map_or(12, |rounds| rounds.parse().unwrap());
    let clock = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = std::env::var("SIM_SEED");
    let seed = seed.map_or(u64::from(clock.subsec_nanos()), |seed| {
        seed.parse().unwrap()
    });
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut acked = None;
    let (mut acks, mut beyond) = (0, 0);
    for round in 0..rounds {
        let mut process = Process::start("commit", &path);
        // From the first moment on: while the file is made or opened, too.
        let wait = Duration::from_millis(random.below([3, 30, 200][round % 3]) as u64);
        let mut heard = Vec::new();
        if round % 3 > 0 {
            heard.push(process.hear());
        }
        thread::sleep(wait);
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        heard.extend(process.said.iter());
        acks += heard.len();
        if let Some(last) = heard.last() {
            acked = Some(last.parse::<u64>().unwrap());
        }
        let what = format!("SIM_SEED={seed}, round {round}");
        if !path.exists() {
            assert_eq!(acked, None, "{what}");
            continue;
        }
        let file = PageFile::open(&path).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(file.check().unwrap().is_clean(), "{what}");
        let rows = read_all(&file).unwrap();
        let newest = rows.last().map(|(number, _)| *number);
        assert!(newest >= acked, "{what}: {newest:?} of {acked:?}");
        // One that was not heard of may be there, and an unsynced one before it.
        let most = acked.map_or(0, |acked| acked + 2);
        assert!(newest.is_none_or(|newest| newest <= most), "{what}");
        beyond += usize::from(newest > acked);
        if let Some(newest) = newest {
            let first = (newest + 1).saturating_sub(KEPT);
            let expected: Vec<_> = (first..=newest).map(|n| (n, value(n))).collect();
            assert!(rows == expected, "{what}");
        }
        acked = newest;
    }
    println!("killed {rounds} times, {acks} commits heard of, {beyond} times one more was there");
    assert!(acks > rounds);
}

/// Proves that two processes exclude each other, but for readers among themselves; that who is locked out is told so at once, and changes nothing; and
/// that who waits gets in when the other has gone.
#[test]
fn other_processes_are_locked_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let writer = PageFile::open(&path).unwrap();
    writer
        .update(|tx| tx.create_bucket("b")?.put(1u64.to_be_bytes(), "one"))
        .unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(Process::start("write", &path).hear(), "locked");
    assert_eq!(Process::start("read-only", &path).hear(), "locked");
    let patient = Process::start("patient read-only", &path);
    assert_eq!(patient.hear(), "waiting");
    drop(writer);
    assert_eq!(patient.hear(), "reads");
    let reader = Options::new().read_only(true).open(&path).unwrap();
    assert_eq!(Process::start("read-only", &path).hear(), "reads");
    assert_eq!(Process::start("write", &path).hear(), "locked");
    assert_eq!(fs::read(&path).unwrap(), before);
    let patient = Process::start("patient write", &path);
    assert_eq!(patient.hear(), "waiting");
    drop(reader);
    assert_eq!(patient.hear(), "writes");
}

/// Pins what the documentation of `Options::memory_map` says of a file that somebody cuts in spite of its lock: with a map, reading behind the end
/// kills the process by SIGBUS, and without one it is an error. Whoever opens it later is told that it is cut, and maps nothing behind its end.
#[cfg(target_os = "linux")]
#[test]
fn cut_files_kill_who_maps_them_and_nobody_else() {
    use std::os::unix::process::ExitStatusExt;
    const SIGBUS: i32 = 7;
    let dir = tempfile::tempdir().unwrap();
    for (part, signal) in [("read mapped", Some(SIGBUS)), ("read", None)] {
        let path = dir.path().join(part);
        let file = PageFile::open(&path).unwrap();
        file.update(|tx| {
            let mut bucket = tx.create_bucket("b")?;
            (0..100u64).try_for_each(|key| bucket.put(key.to_be_bytes(), [1; 3000]).map(drop))
        })
        .unwrap();
        file.close().unwrap();
        let mut process = Process::start(part, &path);
        assert_eq!(process.hear(), "open");
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(8192).unwrap();
        process.go_on();
        let status = process.child.wait().unwrap();
        assert_eq!(status.signal(), signal, "{part}");
        if signal.is_none() {
            assert!(status.success());
            assert_eq!(process.hear(), "refused");
        }
        assert!(matches!(
            PageFile::open(&path),
            Err(Error::Truncated { len: 8192, .. })
        ));
    }
}
