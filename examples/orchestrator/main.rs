//! A small cluster manager, with all of its state in sapwood.
//!
//! A *driver* replays a trace in which pods come and go, a *scheduler* puts each pod on a node, and a *reaper* takes ended pods away. They are three
//! threads that know nothing of each other: each acts on what it sees in the store, by watches and change streams, and each of its steps is one commit.
//! So the whole can be killed at any moment and go on from its file.
//!
//! ```text
//! cargo run --release --example orchestrator -- --db cluster.sap
//! ```
//!
//! Begin to read at `tables.rs`; then `turn.rs`, `driver.rs`, `reaper.rs` and `scheduler.rs` are the cluster, and `store.rs` is how it starts and
//! goes on. The rest reads traces and prints.

#![allow(
    missing_docs, // a program, not a library
    unreachable_pub,
    clippy::cast_precision_loss, // figures for people
    clippy::cast_sign_loss
)]

mod chart;
mod cluster;
mod driver;
mod failure;
mod first_fit;
mod generate;
mod inputs;
mod options;
mod progress;
mod reaper;
mod report;
mod scheduler;
mod sheet;
mod store;
mod tables;
mod trace;
mod turn;
mod usage;

use std::{
    io::{Write, stderr},
    process::ExitCode,
};

use clap::Parser;

use crate::{failure::Failure, options::Options, report::Report};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where it cannot be said, the exit code says it.
            let _ = writeln!(stderr(), "orchestrator: {failure}");
            failure.exit_code()
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let trace = match (&options.nodes, &options.pods) {
        (Some(nodes), Some(pods)) => inputs::read(nodes, pods, options.stretch)?,
        _ => generate::trace(options.seed, options.size, options.stretch),
    };
    let db = store::open(options, &trace)?;
    let outcome = cluster::run(&db, &trace)?;
    let report = Report::new(&trace, &outcome)?;
    if options.json {
        report.print_json()
    } else {
        report.print(&outcome.last)
    }
}
