//! A blocking query over HTTP, as Consul has it: a client says which state it has seen, and is answered when its part of the store is no longer so.
//!
//! `GET /v1/kv/PREFIX?index=N&wait=10s` waits until a key with this prefix comes, goes or is written after the state `N`, which an earlier answer gave in
//! its header `X-Index`. Snapshots are free, so the server keeps those whose index it has told: a watch taken from one of them fires at once if
//! something has changed meanwhile, also if that was a removal. No tombstones, no polling, and nobody wakes for the keys beside their own.
//!
//! ```text
//! cargo run --example blocking_query                  # a server, and clients that wait side by side
//! cargo run --example blocking_query -- --port 8500   # a server to talk to
//! curl -i -X PUT --data 1.2.3.4 http://127.0.0.1:8500/v1/kv/web/1
//! curl -i 'http://127.0.0.1:8500/v1/kv/web/?index=1&wait=10s'
//! ```

#![allow(missing_docs, unreachable_pub)] // a program, not a library

mod client;
mod http;
#[path = "../program/mod.rs"]
mod program;
mod server;

use std::{
    net::{Ipv4Addr, TcpListener},
    process::ExitCode,
    sync::{Arc, mpsc},
    thread,
};

use clap::Parser;
use client::{Client, Waited};
use program::{Failure, show, show_json, table};
use serde_json::json;
use server::Server;

/// Blocking queries over HTTP: clients that wait for their keys, and for nothing else
#[derive(Parser)]
#[command(name = "blocking_query")]
struct Options {
    /// Only serve, on this port of 127.0.0.1, until stopped; 0 for any that is free
    #[arg(long)]
    port: Option<u16>,

    /// How many clients wait, each for keys of its own
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    clients: u32,

    /// How many keys each of them waits for, one after the other
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    writes: u32,

    /// Print what the clients saw as one line of JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    program::run(run)
}

fn run(options: &Options) -> Result<(), Failure> {
    let port = options.port.unwrap_or(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(|error| Failure::Input(format!("port {port}: {error}")))?;
    let address = listener.local_addr()?;
    let server = Arc::new(Server::new()?);
    if options.port.is_some() {
        show(format_args!("listening on http://{address}"))?;
        return Ok(server.serve(&listener)?);
    }
    thread::spawn(move || server.serve(&listener));

    // Each client reports every answer; the writer goes on when the one that it wrote for has reported.
    let (reporter, reports) = mpsc::channel();
    let waiting: Vec<_> = (1..=options.clients)
        .map(|number| {
            let (reporter, writes) = (reporter.clone(), options.writes as usize);
            let client = Client::new(address);
            thread::spawn(move || client.wait_for(&format!("team-{number}/"), writes, &reporter))
        })
        .collect();
    drop(reporter);
    for _ in 1..=options.clients {
        reports.recv()?;
    }
    let writer = Client::new(address);
    let mut puts = 0;
    for write in 1..=options.writes {
        for number in 1..=options.clients {
            let key = format!("team-{number}/{write}");
            let index = writer.put(&key, "up")?;
            puts += 1;
            let woken = reports.recv()?;
            if !options.json {
                show(format_args!("PUT {key}: index {index}, woke {woken}"))?;
            }
        }
    }
    let seen = waiting.into_iter().map(|client| match client.join() {
        Ok(seen) => seen,
        Err(panic) => std::panic::resume_unwind(panic),
    });
    let seen = seen.collect::<Result<Vec<Waited>, _>>()?;
    report(options, puts, &seen)
}

fn report(options: &Options, puts: u32, seen: &[Waited]) -> Result<(), Failure> {
    if options.json {
        return show_json(&json!({ "puts": puts, "clients": seen }));
    }
    let mut table = table(["waited for", "keys", "woken", "for nothing", "last index"]);
    for client in seen {
        table.add_row([
            &client.prefix,
            &client.keys.to_string(),
            &client.woken.to_string(),
            &client.for_nothing.to_string(),
            &client.index.to_string(),
        ]);
    }
    show(table)
}
