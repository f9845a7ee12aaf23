//! Routes, policies, and addresses that are followed.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;
use sapwood::{Database, Error, Snapshot, Table, watch::WatchSet};
use serde::{Deserialize, Serialize};

use crate::{command::Command, program::table};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "routes")]
pub struct Route {
    #[key]
    pub net: IpNet,
    pub via: String,
}

/// What a service may talk to.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "policies", key(service, net))]
pub struct Policy {
    pub service: String,
    pub net: IpNet,
    pub allow: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Answer {
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

pub struct Router {
    db: Database,
    followed: Vec<Followed>,
}

impl Router {
    pub fn new() -> Result<Self, Error> {
        let tables = Database::builder().table::<Route>().table::<Policy>();
        Ok(Self {
            db: tables.in_memory()?,
            followed: Vec::new(),
        })
    }

    pub fn answer(&mut self, command: Command) -> Result<Answer, Error> {
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
    pub fn news(&mut self) -> Result<Vec<String>, Error> {
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
