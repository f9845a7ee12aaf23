//! A client: asks, waits, and counts how often it was woken.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::mpsc::Sender,
};

use serde::Serialize;
use serde_json::Value;

use crate::program::Failure;

pub struct Client {
    server: SocketAddr,
}

/// What a client saw of its prefix.
#[derive(Serialize)]
pub struct Waited {
    pub prefix: String,
    pub keys: usize,
    /// How many answers it waited for.
    pub woken: usize,
    /// How many of them showed nothing that the one before had not.
    pub for_nothing: usize,
    pub index: u64,
}

impl Client {
    pub fn new(server: SocketAddr) -> Self {
        Self { server }
    }

    /// Writes a key, and says which index has it.
    pub fn put(&self, key: &str, value: &str) -> Result<u64, Failure> {
        Ok(self.ask("PUT", key, value)?.0)
    }

    /// Waits until there are so many keys below a prefix, and reports its own name at each answer.
    pub fn wait_for(
        &self,
        prefix: &str,
        keys: usize,
        reporter: &Sender<String>,
    ) -> Result<Waited, Failure> {
        let (mut index, mut rows) = self.ask("GET", prefix, "")?;
        let mut waited = Waited {
            prefix: prefix.to_owned(),
            keys: rows.as_array().map_or(0, Vec::len),
            woken: 0,
            for_nothing: 0,
            index,
        };
        reporter.send(prefix.to_owned())?;
        while waited.keys < keys {
            let answer = self.ask("GET", &format!("{prefix}?index={index}&wait=1m"), "")?;
            waited.woken += 1;
            waited.for_nothing += usize::from(answer.1 == rows);
            (index, rows) = answer;
            waited.index = index;
            waited.keys = rows.as_array().map_or(0, Vec::len);
            reporter.send(prefix.to_owned())?;
        }
        Ok(waited)
    }

    /// The index and the body of an answer.
    fn ask(&self, method: &str, key: &str, body: &str) -> Result<(u64, Value), Failure> {
        let mut stream = TcpStream::connect(self.server)?;
        let (server, length) = (self.server, body.len());
        write!(
            stream,
            "{method} /v1/kv/{key} HTTP/1.1\r\nHost: {server}\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let mut headers = head
            .lines()
            .filter_map(|line| line.strip_prefix("X-Index: "));
        let index = headers.next().and_then(|index| index.parse().ok());
        let index = index.ok_or_else(|| io::Error::other(format!("no index in {head}")))?;
        Ok((index, serde_json::from_str(body)?))
    }
}
