//! What a damaged file gives: right data, a typed error, or neither.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sapwood::pagefile::{Bucket, Options, PageFile};

use super::faults::{
    disk::Disk,
    state::{Rows, State, lies_in, path_of, read},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything is there, and as it should be.
    Right,
    /// Something gave an error, and nothing a wrong answer.
    Refused,
    Wrong(String),
    Panic,
}

/// What a file of these suites may take of memory at a time, for each of its bytes, and beside them.
const MEMORY: (u64, u64) = (24, 1 << 20);

/// Reads and checks the file, and where that fails, or it `is_thorough`, does everything else with it, too. `allowed` are the states that it may hold.
pub(crate) fn judge(image: Vec<u8>, allowed: &[State], is_thorough: bool) -> Verdict {
    let most = image.len() as u64 * MEMORY.0 + MEMORY.1;
    let mut verdict = Verdict::Panic;
    let used = allocation_counter::measure(|| {
        let outcome = catch_unwind(AssertUnwindSafe(|| all_of_it(image, allowed, is_thorough)));
        if let Ok(outcome) = outcome {
            verdict = outcome.unwrap_or_else(Verdict::Wrong);
        }
    });
    if used.bytes_max > most {
        return Verdict::Wrong(format!("{} bytes of memory", used.bytes_max));
    }
    verdict
}

fn all_of_it(image: Vec<u8>, allowed: &[State], is_thorough: bool) -> Result<Verdict, String> {
    let disk = Disk::of(image);
    let Ok(file) = Options::new().open_storage(Box::new(disk)) else {
        return Ok(Verdict::Refused);
    };
    let found = read(&file);
    let state = match &found {
        Ok(found) if allowed.contains(found) => Some(found),
        Ok(_) => return Err("the content is wrong".to_owned()),
        Err(_) if allowed.iter().any(|state| gives_no_other(&file, state)) => None,
        Err(_) => return Err("an answer is wrong".to_owned()),
    };
    let is_clean = file.check().is_ok_and(|report| report.is_clean());
    match state {
        None if is_clean => Err("the check has missed something".to_owned()),
        None => {
            // Writing is refused, or harms nothing.
            let written = write(&file);
            let mut allowed = allowed.iter();
            if written && !allowed.any(|state| gives_no_other(&file, &with_late(state))) {
                return Err("an answer is wrong after a commit".to_owned());
            }
            Ok(Verdict::Refused)
        }
        Some(_) if is_clean && !is_thorough => Ok(Verdict::Right),
        Some(state) => {
            if !gives_no_other(&file, state) {
                return Err("what iterators give is not what gets give".to_owned());
            }
            let written = write(&file);
            if is_clean && (!written || read(&file).ok().as_ref() != Some(&with_late(state))) {
                return Err("a clean file cannot be written".to_owned());
            }
            if is_clean {
                Ok(Verdict::Right)
            } else {
                Ok(Verdict::Refused)
            }
        }
    }
}

fn write(file: &PageFile) -> bool {
    file.update(|tx| tx.bucket_or_create("late")?.put("key", "value"))
        .is_ok()
}

fn with_late(state: &State) -> State {
    let mut state = state.clone();
    let rows = &mut state.entry(b"late".to_vec()).or_default().rows;
    rows.insert(b"key".to_vec(), b"value".to_vec());
    state
}

/// Whether every answer that is no error is that of the state: of gets, and of iterators both ways, up to where they fail.
fn gives_no_other(file: &PageFile, state: &State) -> bool {
    let txn = file.begin_read();
    state
        .iter()
        .all(|(name, rows)| match txn.bucket_at(path_of(name)) {
            Err(_) => true,
            Ok(None) => false,
            Ok(Some(bucket)) => {
                gets_no_other(&bucket, rows) && iterates_no_other(&bucket, state, name)
            }
        })
}

fn gets_no_other(bucket: &Bucket<'_>, rows: &Rows) -> bool {
    let figures = (bucket.len(), bucket.sequence());
    figures == (rows.rows.len() as u64, rows.sequence)
        && matches!(bucket.get("no such key"), Err(_) | Ok(None))
        && rows.rows.iter().all(|(key, value)| match bucket.get(key) {
            Err(_) => true,
            Ok(found) => found.as_deref() == Some(value),
        })
}

fn iterates_no_other(bucket: &Bucket<'_>, state: &State, name: &[u8]) -> bool {
    let prefix = [name, b"/"].concat();
    let below = state.keys().filter(|other| lies_in(other, name));
    let below = below.filter_map(|other| other.strip_prefix(&*prefix));
    let direct = below
        .filter(|rest| !rest.contains(&b'/'))
        .map(<[u8]>::to_vec);
    let mut keys: Vec<Vec<u8>> = state[name].rows.keys().cloned().chain(direct).collect();
    keys.sort();
    let agrees = |is_forward: bool, keys: &mut dyn Iterator<Item = &Vec<u8>>| {
        let mut items = bucket.items();
        loop {
            let item = if is_forward {
                items.next()
            } else {
                items.next_back()
            };
            match (item, keys.next()) {
                (None, None) | (Some(Err(_)), _) => return true,
                (Some(Ok(item)), Some(key)) if *item.key() == key => {
                    let right = state[name].rows.get(key);
                    if item.value().map(|value| &**value) != right.map(Vec::as_slice) {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    };
    agrees(true, &mut keys.iter()) && agrees(false, &mut keys.iter().rev())
}
