//! The server: a table of keys and values, and the snapshots that clients know the index of.

use std::{
    collections::BTreeMap,
    io::{self, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use sapwood::{Database, Error, Revision, Snapshot, Table};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::{self, Request, Response};

/// How many states a client can wait from. One that comes with an older one is answered at once.
const KEPT: usize = 1024;

/// How long a request waits where it does not say, and at most.
const WAIT: Duration = Duration::from_secs(300);

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "entries")]
struct Entry {
    #[key]
    key: String,
    value: String,
}

pub struct Server {
    db: Database,
    /// The newest states whose index was told, by that index.
    answered: Mutex<BTreeMap<Revision, Snapshot>>,
}

impl Server {
    pub fn new() -> Result<Self, Error> {
        Ok(Self {
            db: Database::builder().table::<Entry>().in_memory()?,
            answered: Mutex::default(),
        })
    }

    /// Answers every connection in a thread of its own: most of them wait.
    pub fn serve(self: &Arc<Self>, listener: &TcpListener) -> io::Result<()> {
        for stream in listener.incoming() {
            let (server, stream) = (Arc::clone(self), stream?);
            // A client that hangs up has its answer lost, and nobody else has.
            thread::spawn(move || server.converse(&stream));
        }
        Ok(())
    }

    fn converse(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let response = match http::read(&mut BufReader::new(stream))? {
            Ok(request) => self.answer(&request),
            Err(response) => response,
        };
        http::write(stream, &response)
    }

    fn answer(&self, request: &Request) -> Response {
        let Some(key) = request.path.strip_prefix("/v1/kv/") else {
            return Response::refusal(404, "there is /v1/kv/KEY only");
        };
        let answer = match request.method.as_str() {
            "GET" => match question(request) {
                Ok((index, wait)) => self.get(key, index, wait),
                Err(problem) => return Response::refusal(400, &problem),
            },
            "PUT" => self.put(key, &request.body),
            "DELETE" => self.delete(key),
            _ => return Response::refusal(405, "there are GET, PUT and DELETE only"),
        };
        answer.unwrap_or_else(|error| Response::refusal(500, &error.to_string()))
    }

    /// The entries below a prefix, once they are not what `index` showed, or `wait` is over.
    fn get(
        &self,
        prefix: &str,
        index: Option<Revision>,
        wait: Duration,
    ) -> Result<Response, Error> {
        let entries = Entry::BY_KEY.starts_with(prefix);
        if let Some(seen) = index.and_then(|index| self.seen(index)) {
            seen.watch(entries.clone()).wait_timeout(wait)?;
        }
        // Newer than what the client has seen, or the same: the index does not go backwards.
        let now = self.db.snapshot();
        let rows = now.list(entries).map(
            |entry| json!({ "key": entry.key, "value": entry.value, "modified": entry.modified() }),
        );
        let response = Response::new(now.revision(), rows.collect::<Vec<_>>().into());
        self.remember(now);
        Ok(response)
    }

    fn put(&self, key: &str, value: &str) -> Result<Response, Error> {
        let mut tx = self.db.begin_write()?;
        let (key, value) = (key.to_owned(), value.to_owned());
        let created = tx.put(Entry { key, value })?.is_none();
        let revision = tx.commit()?;
        // Who wrote can wait from there.
        self.remember(self.db.snapshot());
        Ok(Response::new(revision, json!({ "created": created })))
    }

    fn delete(&self, key: &str) -> Result<Response, Error> {
        let mut tx = self.db.begin_write()?;
        let removed = tx.remove::<Entry>(key)?.is_some();
        let revision = tx.commit()?;
        self.remember(self.db.snapshot());
        Ok(Response::new(revision, json!({ "removed": removed })))
    }

    /// The state with this index, if it is one of those that are kept.
    fn seen(&self, index: Revision) -> Option<Snapshot> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.get(&index).cloned()
    }

    fn remember(&self, snapshot: Snapshot) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.insert(snapshot.revision(), snapshot);
        if answered.len() > KEPT {
            answered.pop_first();
        }
    }
}

/// The index and the time to wait that a request asks for.
fn question(request: &Request) -> Result<(Option<Revision>, Duration), String> {
    let index = match request.parameter("index") {
        Some(index) => {
            let number = index.parse();
            Some(number.map_err(|_| format!("index={index} is not a number"))?)
        }
        None => None,
    };
    let wait = match request.parameter("wait") {
        Some(wait) => http::duration(wait)
            .ok_or_else(|| format!("wait={wait} is not a time such as 500ms, 10s or 5m"))?,
        None => WAIT,
    };
    Ok((index.map(Revision::new), wait.min(WAIT)))
}
