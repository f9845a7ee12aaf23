//! A routing table with policies, as Cilium has them: the smallest network that holds an address decides.
//!
//! Networks are keys. `longest_prefix` finds the smallest one that an address lies in, with a column before it too, so that every service has policies of its
//! own; `prefixes` all of them, `within` what lies in a network. Whoever follows an address watches just the networks that could become its route: it is told
//! when another route is the best one, and of no other change.
//!
//! ```text
//! cargo run --features ipnet --example routing_table
//! cargo run --features ipnet --example routing_table -- commands.txt
//! ```
//!
//! The commands, one a line:
//!
//! ```text
//! route NET GATEWAY                what lies in this network goes there
//! drop NET                         the route is gone
//! policy SERVICE NET allow|deny    whether the service may talk to this network
//! lookup ADDRESS                   its route
//! trace ADDRESS                    all routes that it has, the best one first
//! within NET                       the routes of networks in this one
//! verdict SERVICE ADDRESS          whether it may; what no policy speaks of is denied
//! follow ADDRESS                   its route, and from now on also whenever it is another one
//! ```

#![allow(missing_docs, unreachable_pub)] // a program, not a library

mod command;
#[path = "../program/mod.rs"]
mod program;
mod router;
#[path = "../program/script.rs"]
mod script;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use command::Command;
use program::{Failure, show, show_json};
use router::Router;
use serde_json::json;

/// Routes and policies by network: the smallest network that holds an address decides
#[derive(Parser)]
#[command(name = "routing_table")]
struct Options {
    /// A file of commands, one a line; without it, a tour of what there is
    commands: Option<PathBuf>,

    /// Print the answers as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What a run without a file shows.
const TOUR: &str = "\
route 0.0.0.0/0 internet
route 10.0.0.0/8 core
route 10.1.0.0/16 east
route fd00::/8 core
follow 10.1.2.3
route 10.2.0.0/16 west
route 10.1.2.0/24 rack-7
lookup 10.9.9.9
lookup fd00::1
lookup 2001:db8::1
trace 10.1.2.3
within 10.0.0.0/8
drop 10.1.2.0/24
policy web 10.0.0.0/8 deny
policy web 10.1.0.0/16 allow
verdict web 10.1.2.3
verdict web 10.2.0.1
verdict db 10.1.2.3
";

fn main() -> ExitCode {
    program::run(run)
}

fn run(options: &Options) -> Result<(), Failure> {
    let commands = script::read(options.commands.as_deref(), TOUR, Command::parse)?;
    let mut router = Router::new()?;
    let mut answers = Vec::new();
    for (line, command) in commands {
        let answer = router.answer(command)?;
        let news = router.news()?;
        if options.json {
            answers.push(json!({ "command": line, "answer": answer, "news": news }));
            continue;
        }
        show(format_args!("$ {line}\n{answer}"))?;
        for news in news {
            show(format_args!("! {news}"))?;
        }
    }
    if options.json {
        show_json(&answers)?;
    }
    Ok(())
}
