//! As much of HTTP/1.1 as the example needs: one request and one answer for each connection.

use std::{
    io::{self, BufRead, Read, Write},
    time::Duration,
};

use sapwood::Revision;
use serde_json::{Value, json};

/// The longest head of a request, and the longest body, in bytes.
const LONGEST: u64 = 1 << 20;

pub struct Request {
    pub method: String,
    pub path: String,
    parameters: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        Some(&parameters.find(|(found, _)| found == name)?.1)
    }
}

pub struct Response {
    status: u16,
    index: Option<Revision>,
    body: Value,
}

impl Response {
    /// The state that it shows, and what it says.
    pub fn new(index: Revision, body: Value) -> Self {
        Self {
            status: 200,
            index: Some(index),
            body,
        }
    }

    pub fn refusal(status: u16, problem: &str) -> Self {
        Self {
            status,
            index: None,
            body: json!({ "error": problem }),
        }
    }
}

/// Reads a request; the inner error is the answer to one that is none.
pub fn read(stream: &mut impl BufRead) -> io::Result<Result<Request, Response>> {
    let mut head = stream.take(LONGEST);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0")) =
        (words.next(), words.next(), words.next())
    else {
        return Ok(Err(Response::refusal(400, "not a request of HTTP/1.1")));
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parameters = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut request = Request {
        method: method.to_owned(),
        path: decode(path),
        parameters: parameters
            .map(|(name, value)| (decode(name), decode(value)))
            .collect(),
        body: String::new(),
    };
    let mut length = 0;
    loop {
        let mut header = String::new();
        head.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(u64::MAX);
        }
    }
    if length > LONGEST {
        return Ok(Err(Response::refusal(413, "the value is too long")));
    }
    let mut body = Vec::new();
    head.into_inner().take(length).read_to_end(&mut body)?;
    if body.len() as u64 != length {
        return Ok(Err(Response::refusal(400, "the value is cut off")));
    }
    match String::from_utf8(body) {
        Ok(body) => request.body = body,
        Err(_) => return Ok(Err(Response::refusal(400, "the value is not UTF-8"))),
    }
    Ok(Ok(request))
}

pub fn write(mut stream: impl Write, response: &Response) -> io::Result<()> {
    let Response {
        status,
        index,
        body,
    } = response;
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        _ => "Internal Server Error",
    };
    let index = index.map_or(String::new(), |index| format!("X-Index: {index}\r\n"));
    let body = format!("{body}\n");
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         {index}Connection: close\r\n\r\n{body}"
    )
}

/// A time such as `500ms`, `10s` or `5m`.
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number = digits.parse().ok()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}

/// Replaces `%2F` and the like by the bytes that they stand for.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
        let escaped = (first == b'%').then(|| Some(16 * digit(0)? + digit(1)?));
        let byte;
        (byte, rest) = match escaped.flatten() {
            Some(byte) => (byte as u8, &behind[2..]),
            None => (first, behind),
        };
        bytes.push(byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
