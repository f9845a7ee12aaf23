//! `sapwood recover`: what can be read of a damaged file.

use std::{fs, path::PathBuf};

use clap::Args;
use sapwood::{
    SalvagedJournal,
    pagefile::{RecoverOptions, Recovery, Unverified},
    salvage_journal,
};
use serde::Serialize;

use crate::{
    context::Context,
    damage::{self, DamageRow, kind, pages},
    failure::{Failure, Verdict},
    open::refuse_folder,
    output::{Output, print_json},
    progress,
    size::{count, size},
    slots::{SlotRow, findings, rows},
    target::Target,
    text::{Text, shown},
};

/// Take what can be read of a damaged file into a new one, and tell what is lost
///
/// What is taken is verified, page by page, from a meta slot on; the rest is lost, and told with its pages, buckets and keys. Exit code 1 where anything is
/// lost.
#[derive(Args, Debug)]
pub struct Recover {
    /// The page file; it is not changed
    from: PathBuf,

    /// The new file
    to: PathBuf,

    /// Replace the file that is there
    #[arg(long)]
    force: bool,

    /// Take things too that nothing vouches for but that they make sense
    ///
    /// These are: pages whose checksum is wrong, and pages of older states, where they have keys that may be lost; each in a bucket of its own in the bucket
    /// `unverified`. And if both meta slots are damaged, what one of them says.
    #[arg(long)]
    unverified: bool,

    /// The page size, where neither meta slot tells it
    #[arg(long, value_name = "BYTES", requires = "unverified")]
    page_size: Option<u32>,
}

#[derive(Serialize)]
struct Facts {
    /// Whether nothing is lost.
    complete: bool,
    commit: Option<u64>,
    /// How many commits of the file's log came after it.
    logged_commits: u64,
    /// Whether the meta slot that tells of the state has a right checksum.
    verified: bool,
    keys: u64,
    buckets: u64,
    bytes: u64,
    slots: Vec<SlotRow>,
    damage: Vec<DamageRow>,
    problems: Vec<String>,
    unverified_bucket: Option<Text>,
    unverified: Vec<Row>,
    journal: Option<JournalFacts>,
}

#[derive(Serialize)]
struct JournalFacts {
    revision: u64,
    revisions: u64,
    rows: u64,
    /// Why it ends there; what comes behind is lost.
    problem: Option<String>,
}

#[derive(Serialize)]
struct Row {
    page: u64,
    pages: u64,
    kind: &'static str,
    commit: Option<u64>,
    /// Its name in the bucket of unverified things.
    bucket: Text,
    keys: u64,
    buckets: u64,
}

impl Recover {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        refuse_folder(&self.from)?;
        let mut options = RecoverOptions::new()
            .unverified(self.unverified)
            .lock_timeout(context.wait);
        if let Some(bytes) = self.page_size {
            options = options.page_size(bytes);
        }
        let target = Target::new(&self.to, self.force, Some(&self.from))?;
        let bar = progress::pages();
        let recovered =
            options.recover_told(&self.from, target.temporary(), &mut progress::show(&bar));
        bar.finish_and_clear();
        let mut recovery = recovered.map_err(Failure::of(&self.from))?;
        let mut journal = None;
        if recovery.journal_bytes > 0 {
            journal = salvage_journal(&self.from, target.temporary(), context.wait)
                .map_err(|source| Failure::Database { source })?;
            // What it has is in the new file, which may have grown.
            let len = fs::metadata(target.temporary()).map(|new| new.len());
            recovery.file_bytes = len.map_err(Failure::io(&self.to))?;
        }
        target.publish()?;
        let is_complete = recovery.is_verified
            && recovery.damage.is_empty()
            && recovery.problems.is_empty()
            && journal
                .as_ref()
                .is_none_or(|journal| journal.problem.is_none());
        if context.json {
            print_json(&facts(&recovery, journal.as_ref(), is_complete))?;
        } else {
            self.print(&recovery, journal.as_ref(), is_complete)?;
        }
        Ok(if is_complete {
            Verdict::Fine
        } else {
            Verdict::Problem
        })
    }

    fn print(
        &self,
        recovery: &Recovery,
        journal: Option<&SalvagedJournal>,
        is_complete: bool,
    ) -> Result<(), Failure> {
        let mut out = Output::new();
        let read = recovery.commit.filter(|_| recovery.is_verified);
        for line in findings(&recovery.slots, read) {
            out.line(line)?;
        }
        for line in damage::lines(&recovery.damage) {
            out.line(line)?;
        }
        if recovery.damage.is_empty() {
            for problem in &recovery.problems {
                out.line(problem.to_string())?;
            }
        }
        if let Some(bucket) = &recovery.unverified_bucket {
            for found in &recovery.unverified {
                out.line(unverified(bucket, found))?;
            }
        }
        if let Some(journal) = journal {
            if let Some(problem) = &journal.problem {
                out.line(format!("journal: {problem}"))?;
            }
            out.line(format!(
                "journal: {} of {} taken, up to revision {}",
                count(journal.revisions, "revision"),
                count(journal.rows, "row"),
                journal.revision
            ))?;
        }
        let state = match recovery.commit {
            Some(commit) if recovery.is_verified && recovery.logged_commits > 0 => {
                let logged = count(recovery.logged_commits, "commit");
                format!("commit {commit} and {logged} of the log")
            }
            Some(commit) if recovery.is_verified => format!("commit {commit}"),
            Some(commit) => format!("commit {commit}, by a damaged meta slot"),
            None => "no state".to_owned(),
        };
        let all = if is_complete { "; nothing is lost" } else { "" };
        out.line(format!(
            "{}: {state}, {}, {}, {}{all}",
            self.to.display(),
            count(recovery.buckets, "bucket"),
            count(recovery.keys, "key"),
            size(recovery.file_bytes)
        ))?;
        out.finish()
    }
}

fn unverified(bucket: &[u8], found: &Unverified) -> String {
    let commit = found
        .commit
        .map_or_else(String::new, |commit| format!(", of commit {commit}"));
    format!(
        "unverified, in {}/{}: {}, {}{commit}: {}, {}",
        shown(bucket),
        shown(&found.bucket),
        pages(found.page, found.pages),
        kind(found.kind),
        count(found.keys, "key"),
        count(found.buckets, "bucket"),
    )
}

fn facts(recovery: &Recovery, journal: Option<&SalvagedJournal>, complete: bool) -> Facts {
    let row = |found: &Unverified| Row {
        page: found.page,
        pages: found.pages,
        kind: kind(found.kind),
        commit: found.commit,
        bucket: Text(found.bucket.clone()),
        keys: found.keys,
        buckets: found.buckets,
    };
    Facts {
        complete,
        commit: recovery.commit,
        logged_commits: recovery.logged_commits,
        verified: recovery.is_verified,
        keys: recovery.keys,
        buckets: recovery.buckets,
        bytes: recovery.file_bytes,
        slots: rows(&recovery.slots),
        damage: damage::rows(&recovery.damage),
        problems: recovery.problems.iter().map(ToString::to_string).collect(),
        unverified_bucket: recovery.unverified_bucket.clone().map(Text),
        unverified: recovery.unverified.iter().map(row).collect(),
        journal: journal.map(|journal| JournalFacts {
            revision: journal.revision.get(),
            revisions: journal.revisions,
            rows: journal.rows,
            problem: journal.problem.clone(),
        }),
    }
}
