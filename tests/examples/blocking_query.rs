//! Blocking queries wait for what they ask for, and for nothing else.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    sync::mpsc::{self, TryRecvError},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::program::{example, refuses};

/// A running server, which is stopped at the end.
struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Answer {
    status: u16,
    index: Option<u64>,
    body: Value,
}

impl Answer {
    fn keys(&self) -> Vec<&str> {
        let rows = self.body.as_array().unwrap().iter();
        rows.map(|row| row["key"].as_str().unwrap()).collect()
    }
}

impl Server {
    fn start() -> Self {
        let mut process = example("blocking_query", &["--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .unwrap()
            .to_owned();
        Self { process, address }
    }

    fn ask(&self, method: &str, target: &str, body: &str) -> Answer {
        ask(&self.address, method, target, body)
    }
}

fn ask(address: &str, method: &str, target: &str, body: &str) -> Answer {
    send(
        address,
        &format!(
            "{method} {target} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn send(address: &str, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let index = head.lines().find_map(|line| line.strip_prefix("X-Index: "));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        index: index.map(|index| index.parse().unwrap()),
        body: serde_json::from_str(body).unwrap(),
    }
}

/// A waiting client is not answered for a neighbour's key, and is for its own: one that comes, one that is written anew, one that goes.
#[test]
fn a_client_waits_for_its_own_keys() {
    let server = Server::start();
    let empty = server.ask("GET", "/v1/kv/web/", "");
    assert_eq!(empty.body, json!([]));
    // What was read is waited from, then what was written.
    let mut seen = empty.index.unwrap();
    for (method, value) in [("PUT", "up"), ("PUT", "up"), ("DELETE", "")] {
        let (answered, answers) = mpsc::channel();
        let (address, index) = (server.address.clone(), seen);
        let waiting = thread::spawn(move || {
            let answer = ask(
                &address,
                "GET",
                &format!("/v1/kv/web/?index={index}&wait=60s"),
                "",
            );
            answered.send(answer).unwrap();
        });
        for neighbour in ["web", "web-2/1", "api/1"] {
            server.ask("PUT", &format!("/v1/kv/{neighbour}"), "up");
        }
        // It would be here by now if it were woken by any of these; if it comes later, its index shows below that it was.
        thread::sleep(Duration::from_millis(50));
        assert!(matches!(answers.try_recv(), Err(TryRecvError::Empty)));
        let own = server.ask(method, "/v1/kv/web/1", value);
        let answer = answers.recv().unwrap();
        waiting.join().unwrap();
        assert!(answer.index >= own.index && own.index > Some(seen));
        let expected: &[&str] = if method == "PUT" { &["web/1"] } else { &[] };
        assert_eq!(answer.keys(), expected);
        seen = own.index.unwrap();
    }
}

/// What has changed since the index is answered at once, removals too; and an index that no answer gave, and no index at all.
#[test]
fn what_has_changed_already_is_answered_at_once() {
    let server = Server::start();
    server.ask("PUT", "/v1/kv/web/1", "up");
    let both = server.ask("GET", "/v1/kv/web/", "").index.unwrap();
    server.ask("DELETE", "/v1/kv/web/1", "");
    let gone = server.ask("GET", &format!("/v1/kv/web/?index={both}&wait=60s"), "");
    assert!(gone.keys().is_empty() && gone.index.unwrap() > both);
    let unknown = server.ask("GET", "/v1/kv/web/?index=987654&wait=60s", "");
    assert_eq!(unknown.index, gone.index);
    assert_eq!(server.ask("GET", "/v1/kv/", "").body, json!([]));
}

/// Where nothing changes, the answer comes when the time is over, and the index has not gone back; nor does it ever.
#[test]
fn the_index_never_goes_back() {
    let server = Server::start();
    let mut last = 0;
    for round in 0..10 {
        let method = if round % 3 == 2 { "DELETE" } else { "PUT" };
        let written = server.ask(method, &format!("/v1/kv/web%2F{}", round % 2), "up");
        let read = server.ask("GET", "/v1/kv/api/", "");
        let waited = server.ask("GET", &format!("/v1/kv/web/?index={last}&wait=1ms"), "");
        for answer in [written, read, waited] {
            assert!(answer.index.unwrap() >= last);
            last = answer.index.unwrap();
        }
    }
    let waited = server.ask("GET", &format!("/v1/kv/web/?index={last}&wait=1ms"), "");
    assert_eq!(waited.index, Some(last));
    assert!(waited.keys().iter().all(|key| key.starts_with("web/")));
}

/// What is not a question is told so, and stores nothing.
#[test]
fn bad_requests_are_refused() {
    let server = Server::start();
    for (method, target, status) in [
        ("GET", "/v1/kv/a?index=soon", 400),
        ("GET", "/v1/kv/a?wait=10", 400),
        ("GET", "/v1/kv/a?wait=xs", 400),
        ("GET", "/", 404),
        ("POST", "/v1/kv/a", 405),
    ] {
        let answer = server.ask(method, target, "");
        assert_eq!(
            (answer.status, answer.index),
            (status, None),
            "{method} {target}"
        );
        assert!(answer.body["error"].is_string());
    }
    for request in [
        "hello\r\n\r\n",
        "PUT /v1/kv/a HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf",
    ] {
        assert_eq!(send(&server.address, request).status, 400, "{request}");
    }
    assert_eq!(server.ask("GET", "/v1/kv/", "").body, json!([]));
}

/// Clients side by side: each is woken once for each of its keys, and never for nothing.
#[test]
fn clients_are_not_woken_by_their_neighbours() {
    let seen = crate::program::json("blocking_query", &["--clients", "5", "--writes", "4"]);
    assert_eq!(seen["puts"], 20);
    let clients = seen["clients"].as_array().unwrap();
    assert_eq!(clients.len(), 5);
    for client in clients {
        assert_eq!(client["woken"], 4, "{client}");
        assert_eq!(client["for_nothing"], 0, "{client}");
        assert_eq!(client["keys"], 4, "{client}");
    }
}

/// A mistake is told in one line.
#[test]
fn mistakes_are_told() {
    refuses(
        "blocking_query",
        &["--clients", "0"],
        "invalid value '0' for '--clients <N>'",
    );
    refuses(
        "blocking_query",
        &["--port", "http"],
        "invalid value 'http' for '--port <PORT>'",
    );
    refuses(
        "blocking_query",
        &["--frob"],
        "unexpected argument '--frob' found",
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    refuses(
        "blocking_query",
        &["--port", &port],
        &format!("port {port}: "),
    );
}
