//! `sapwood check`: whether a file is sound, and what is lost where it is not.

use std::path::PathBuf;

use clap::Args;
use sapwood::pagefile::{Error, Report, Slot, slots};
use serde::Serialize;

use crate::{
    context::Context,
    damage::{self, DamageRow},
    failure::{Failure, Verdict, is_damage},
    journal::{Journal, JournalRow},
    open::to_read,
    output::{Output, print_json},
    progress,
    size::count,
    slots::{SlotRow, findings, rows},
};

/// Read and verify every page; where something is wrong, tell the page, the bucket and the keys that are lost
///
/// What can only be seen as a commit that was not finished, a meta slot that is torn or whose commit is not all there, is told too, and the exit code
/// is 1: a crash leaves it, but so can damage. The next commit of a program puts it right.
#[derive(Args, Debug)]
pub struct Check {
    /// The page file
    file: PathBuf,
}

#[derive(Serialize)]
struct Facts {
    /// Whether nothing was found, in the slots neither.
    sound: bool,
    /// The commit whose state was checked.
    commit: Option<u64>,
    pages: u64,
    branch_pages: u64,
    leaf_pages: u64,
    value_pages: u64,
    /// Not known where the trees are not sound.
    free_pages: Option<u64>,
    held_pages: Option<u64>,
    buckets: u64,
    keys: u64,
    slots: Vec<SlotRow>,
    damage: Vec<DamageRow>,
    problems: Vec<String>,
    journal: Option<JournalRow>,
}

impl Check {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = match to_read(&self.file, context) {
            Ok(file) => file,
            Err(Failure::File { source, .. }) if is_damage(&source) => {
                return self.unreadable(context, &source);
            }
            Err(failure) => return Err(failure),
        };
        let bar = progress::pages();
        let report = file.check_told(&mut progress::show(&bar));
        bar.finish_and_clear();
        let report = report.map_err(Failure::of(&self.file))?;
        let stats = file.stats();
        let slot_findings = findings(&report.slots, Some(stats.commit));
        let journal = Journal::of(&self.file, context)?;
        let mut problems = other_problems(&report);
        problems.extend(journal.problem().map(|why| format!("journal: {why}")));
        let is_sound = slot_findings.is_empty() && report.is_clean() && journal.problem().is_none();
        if context.json {
            print_json(&Facts {
                journal: journal.row(),
                ..facts(&report, stats.commit, is_sound, problems)
            })?;
        } else {
            let mut out = Output::new();
            for line in slot_findings
                .iter()
                .chain(&damage::lines(&report.damage))
                .chain(&problems)
            {
                out.line(line)?;
            }
            let and = journal.described().filter(|_| is_sound);
            let and = and.map_or_else(String::new, |told| format!("; journal: {told}"));
            out.line(summary(&report, is_sound) + &and)?;
            out.finish()?;
        }
        Ok(verdict(is_sound))
    }

    /// A file of which no state can be found.
    fn unreadable(&self, context: &Context, error: &Error) -> Result<Verdict, Failure> {
        let slots = slots(&self.file, context.wait).map_err(Failure::of(&self.file))?;
        if context.json {
            print_json(&no_state(&slots, error))?;
        } else {
            let mut out = Output::new();
            for line in findings(&slots, None) {
                out.line(line)?;
            }
            out.line(format!(
                "nothing can be read: {error}. `sapwood recover --unverified` may save something"
            ))?;
            out.finish()?;
        }
        Ok(Verdict::Problem)
    }
}

fn verdict(is_sound: bool) -> Verdict {
    if is_sound {
        Verdict::Fine
    } else {
        Verdict::Problem
    }
}

/// What is wrong besides the pages that the damage tells of.
fn other_problems(report: &Report) -> Vec<String> {
    let mut pages = report.damage.iter().flat_map(|damage| &damage.pages);
    let is_told = |problem: &Error| match problem {
        Error::Corrupted { page, reason, .. } => {
            pages.any(|told| told.page == *page && told.reason == *reason)
        }
        _ => false,
    };
    let mut is_told = is_told;
    let problems = report.problems.iter().filter(|problem| !is_told(problem));
    problems.map(ToString::to_string).collect()
}

fn summary(report: &Report, is_sound: bool) -> String {
    let free = if report.is_clean() {
        format!(
            ", {} free, {} kept for the state before",
            report.free_pages, report.held_pages
        )
    } else {
        String::new()
    };
    let what = format!(
        "{}: {} of branches, {} of leaves, {} of large values{free}; {}, {}",
        count(report.pages, "page"),
        report.branch_pages,
        report.leaf_pages,
        report.value_pages,
        count(report.buckets, "bucket"),
        count(report.rows, "key"),
    );
    if is_sound {
        format!("sound. {what}")
    } else {
        format!("not sound. What can be read of {what}")
    }
}

fn facts(report: &Report, commit: u64, sound: bool, problems: Vec<String>) -> Facts {
    Facts {
        sound,
        commit: Some(commit),
        pages: report.pages,
        branch_pages: report.branch_pages,
        leaf_pages: report.leaf_pages,
        value_pages: report.value_pages,
        free_pages: report.is_clean().then_some(report.free_pages),
        held_pages: report.is_clean().then_some(report.held_pages),
        buckets: report.buckets,
        keys: report.rows,
        slots: rows(&report.slots),
        damage: damage::rows(&report.damage),
        problems,
        journal: None,
    }
}

fn no_state(slots: &[Slot; 2], error: &Error) -> Facts {
    Facts {
        sound: false,
        commit: None,
        pages: 0,
        branch_pages: 0,
        leaf_pages: 0,
        value_pages: 0,
        free_pages: None,
        held_pages: None,
        buckets: 0,
        keys: 0,
        slots: rows(slots),
        damage: Vec::new(),
        problems: vec![error.to_string()],
        journal: None,
    }
}
