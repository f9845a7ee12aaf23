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

mod program;
#[path = "program/script.rs"]
mod script;

use std::{fmt, net::IpAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use ipnet::IpNet;
use program::{Failure, show, show_json, table};
use sapwood::{Database, Error, Snapshot, Table, watch::WatchSet};
use serde::{Deserialize, Serialize};
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

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "routes")]
struct Route {
    #[key]
    net: IpNet,
    via: String,
}

/// What a service may talk to.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "policies", key(service, net))]
struct Policy {
    service: String,
    net: IpNet,
    allow: bool,
}

enum Command {
    Route(Route),
    Drop(IpNet),
    Policy(Policy),
    Lookup(IpAddr),
    Trace(IpAddr),
    Within(IpNet),
    Verdict(String, IpAddr),
    Follow(IpAddr),
}

impl Command {
    /// The command of a line, or what is wrong with it.
    fn parse(line: &str) -> Result<Self, String> {
        let words: Vec<_> = line.split_whitespace().collect();
        Ok(match words[..] {
            ["route", net, via] => Self::Route(Route {
                net: network(net)?,
                via: via.to_owned(),
            }),
            ["drop", net] => Self::Drop(network(net)?),
            ["policy", service, net, verdict @ ("allow" | "deny")] => Self::Policy(Policy {
                service: service.to_owned(),
                net: network(net)?,
                allow: verdict == "allow",
            }),
            ["lookup", ip] => Self::Lookup(address(ip)?),
            ["trace", ip] => Self::Trace(address(ip)?),
            ["within", net] => Self::Within(network(net)?),
            ["verdict", service, ip] => Self::Verdict(service.to_owned(), address(ip)?),
            ["follow", ip] => Self::Follow(address(ip)?),
            _ => return Err(format!("\"{line}\" is not a command")),
        })
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("\"{text}\" is not an address"))
}

/// A network whose address says no more than its length does: there is one way to write it, and so one key.
fn network(text: &str) -> Result<IpNet, String> {
    let net: IpNet = text
        .parse()
        .map_err(|_| format!("\"{text}\" is not a network"))?;
    if net != net.trunc() {
        return Err(format!(
            "\"{text}\" has bits behind its length; {} has not",
            net.trunc()
        ));
    }
    Ok(net)
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Said(String),
    Routes(Vec<Route>),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(text) => f.write_str(text),
            Self::Routes(routes) => {
                let mut table = table(["network", "gateway"]);
                for route in routes {
                    table.add_row([&route.net.to_string(), &route.via]);
                }
                table.fmt(f)
            }
        }
    }
}

/// An address whose best route somebody wants to know, always.
struct Followed {
    address: IpAddr,
    changes: WatchSet,
}

impl Followed {
    /// Watches the networks that could become the best one, from the address itself down to the one that is it. Shorter ones cannot, as long as it is there.
    fn new(snapshot: &Snapshot, address: IpAddr) -> Self {
        let mut changes = WatchSet::new();
        for could_be in Route::BY_NET.prefixes_of(address) {
            changes.add(snapshot.watch(could_be.clone()));
            if snapshot.contains(could_be) {
                break;
            }
        }
        Self { address, changes }
    }
}

struct Router {
    db: Database,
    followed: Vec<Followed>,
}

impl Router {
    fn answer(&mut self, command: Command) -> Result<Answer, Error> {
        let now = self.db.snapshot();
        let said = match command {
            Command::Route(route) => {
                let net = route.net;
                match self.db.write(|tx| tx.put(route))? {
                    Some(before) => format!("{net} went via {} before", before.via),
                    None => format!("{net} had no route before"),
                }
            }
            Command::Drop(net) => match self.db.write(|tx| tx.remove::<Route>(net))? {
                Some(route) => format!("{net} went via {}", route.via),
                None => format!("{net} has no route"),
            },
            Command::Policy(policy) => match self.db.write(|tx| tx.put(policy))? {
                Some(before) => format!("before: {}", word(before.allow)),
                None => "before: none".to_owned(),
            },
            Command::Lookup(address) => lookup(&now, address),
            Command::Trace(address) => {
                let routes = now.prefixes(Route::BY_NET, address);
                return Ok(Answer::Routes(
                    routes.map(|route| Route::clone(route)).collect(),
                ));
            }
            Command::Within(net) => {
                let routes = now.list(Route::BY_NET.within(net));
                return Ok(Answer::Routes(
                    routes.map(|route| Route::clone(route)).collect(),
                ));
            }
            Command::Verdict(service, address) => {
                let policy = now.longest_prefix(Policy::BY_SERVICE_NET, (&*service, address));
                match policy {
                    Some(policy) => format!("{}, by {}", word(policy.allow), policy.net),
                    None => "deny, by default".to_owned(),
                }
            }
            Command::Follow(address) => {
                self.followed.push(Followed::new(&now, address));
                lookup(&now, address)
            }
        };
        Ok(Answer::Said(said))
    }

    /// What is new for the addresses that are followed.
    fn news(&mut self) -> Result<Vec<String>, Error> {
        let now = self.db.snapshot();
        let mut news = Vec::new();
        for followed in &mut self.followed {
            if !followed.changes.try_fired()?.is_empty() {
                *followed = Followed::new(&now, followed.address);
                news.push(lookup(&now, followed.address));
            }
        }
        Ok(news)
    }
}

fn lookup(snapshot: &Snapshot, address: IpAddr) -> String {
    match snapshot.longest_prefix(Route::BY_NET, address) {
        Some(route) => format!("{address} goes via {}, by {}", route.via, route.net),
        None => format!("{address} has no route"),
    }
}

fn word(allow: bool) -> &'static str {
    if allow { "allow" } else { "deny" }
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
    let db = Database::builder()
        .table::<Route>()
        .table::<Policy>()
        .in_memory()?;
    let mut router = Router {
        db,
        followed: Vec::new(),
    };
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
