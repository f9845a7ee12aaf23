//! A line of the script.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::router::{Policy, Route};

pub enum Command {
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
    pub fn parse(line: &str) -> Result<Self, String> {
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
