//! What is to be said of the meta slots.

use sapwood::pagefile::{Slot, SlotState};
use serde::Serialize;

/// A slot, for JSON.
#[derive(Serialize)]
pub struct SlotRow {
    slot: usize,
    offset: u64,
    /// `whole`, `incomplete`, `damaged`, `foreign` or `newer`.
    state: &'static str,
    commit: Option<u64>,
    page_size: Option<u32>,
    pages: Option<u64>,
    buckets: Option<u64>,
    reason: Option<&'static str>,
}

pub fn rows(slots: &[Slot; 2]) -> Vec<SlotRow> {
    let row = |(slot, read): (usize, &Slot)| {
        let mut row = SlotRow {
            slot,
            offset: read.offset,
            state: state(read),
            commit: None,
            page_size: None,
            pages: None,
            buckets: None,
            reason: None,
        };
        match read.state {
            SlotState::Whole {
                page_size,
                commit,
                pages,
                buckets,
                ..
            } => {
                row.commit = Some(commit);
                row.page_size = Some(page_size);
                row.pages = Some(pages);
                row.buckets = Some(buckets);
            }
            SlotState::Damaged { reason } => row.reason = Some(reason),
            _ => {}
        }
        row
    };
    slots.iter().enumerate().map(row).collect()
}

fn state(slot: &Slot) -> &'static str {
    match slot.state {
        SlotState::Whole {
            is_complete: true, ..
        } => "whole",
        SlotState::Whole { .. } => "incomplete",
        SlotState::Newer { .. } => "newer",
        SlotState::Damaged { .. } => "damaged",
        _ => "foreign",
    }
}

/// A line about a slot, for people.
pub fn described(slot: &Slot) -> String {
    match slot.state {
        SlotState::Whole {
            commit,
            is_complete: true,
            ..
        } => format!("commit {commit}"),
        SlotState::Whole { commit, .. } => {
            format!("commit {commit}, of which not all is there")
        }
        SlotState::Newer { format } => format!("format {format}, which takes a newer sapwood"),
        SlotState::Damaged { reason } => format!("damaged: {reason}"),
        _ => "not a meta slot: it does not begin as one".to_owned(),
    }
}

/// Whether both slots hold the same commit, as closing leaves them.
pub fn is_closed(slots: &[Slot; 2]) -> bool {
    let commit = |slot: &Slot| match slot.state {
        SlotState::Whole {
            commit,
            is_complete: true,
            ..
        } => Some(commit),
        _ => None,
    };
    commit(&slots[0]).is_some_and(|first| commit(&slots[1]) == Some(first))
}

/// What is wrong with the slots, a line for each; where a file is read as of commit `read`.
pub fn findings(slots: &[Slot; 2], read: Option<u64>) -> Vec<String> {
    let page_size = page_size(slots);
    let instead = match read {
        Some(commit) => format!(
            "the file is read by the other slot, as of commit {commit}; the next commit writes this one anew"
        ),
        None => "the other one is of no use either".to_owned(),
    };
    let finding = |(number, slot): (usize, &Slot)| {
        let what = match slot.state {
            SlotState::Whole {
                is_complete: true, ..
            } => return None,
            // It was finished: a later state is read, or the other slot says so. What is missing of that is told as damage.
            SlotState::Whole { commit, .. } if read.is_some_and(|read| commit <= read) => {
                return None;
            }
            SlotState::Whole { commit, .. } => format!(
                "what commit {commit} wrote is not all there: a crash came in the midst of it, or it was damaged since"
            ),
            _ => described(slot),
        };
        let page = page_size.map(|size| format!("page {}, ", slot.offset / u64::from(size)));
        let (page, offset) = (page.unwrap_or_default(), slot.offset);
        Some(format!(
            "{page}offset {offset}, meta slot {number}: {what}; {instead}"
        ))
    };
    slots.iter().enumerate().filter_map(finding).collect()
}

/// As far as a slot tells.
fn page_size(slots: &[Slot; 2]) -> Option<u32> {
    slots.iter().find_map(|slot| match slot.state {
        SlotState::Whole { page_size, .. } => Some(page_size),
        _ => None,
    })
}
