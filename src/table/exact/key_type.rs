//! Which types of keys a definition tells for sure: those of the standard library, by the text of the type and by the shape of its values, which must agree.
//!
//! Of a type of the program's own nothing is known: a `derive(Key)` may be about it, or code by hand.

use super::shape::{Content, Field, Node, Place, Shape};

/// A type whose keys are known. Where a value of the shape can be a key in two ways, the type says in which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyType {
    Bool,
    /// Of so many bytes.
    Unsigned(usize),
    Signed(usize),
    Char,
    Float32,
    Float64,
    Text,
    /// A `Vec<u8>`.
    ByteString,
    List(Box<Self>),
    /// A list of which the order and what is there twice does not count.
    Set(Box<Self>),
    Array(Box<Self>),
    Tuple(Vec<Self>),
    Option(Box<Self>),
    Reverse(Box<Self>),
    /// An `IpAddr`.
    Address,
    /// A `SystemTime`.
    Instant,
    /// A `Duration`.
    Span,
}

impl KeyType {
    /// The type that is written so, of values of the shape at `place`; `None` where it is not known.
    pub(super) fn find(text: &str, shape: &Shape, place: Place) -> Option<Self> {
        let text: String = text.split_whitespace().collect();
        Self::parse(&text, shape, place, 32)
    }

    fn parse(text: &str, shape: &Shape, place: Place, depth: u8) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        let inner = |text: &str, place: Place| Self::parse(text, shape, place, depth).map(Box::new);
        let node = shape.node(place);
        if let Some(all) = text.strip_prefix('(') {
            let parts = split(all.strip_suffix(')')?, ',');
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let places = match node {
                Node::Tuple(places) => places.clone(),
                Node::Array(inner, len) if *len == parts.len() as u64 => {
                    vec![*inner; parts.len()]
                }
                _ => return None,
            };
            if parts.is_empty() || parts.len() != places.len() {
                return None;
            }
            let types = parts.into_iter().zip(places);
            let types = types.map(|(part, place)| Self::parse(part, shape, place, depth));
            return types.collect::<Option<_>>().map(Self::Tuple);
        }
        if let Some(all) = text.strip_prefix('[') {
            let parts = split(all.strip_suffix(']')?, ';');
            let [element, _] = parts.as_slice() else {
                return None;
            };
            return match node {
                Node::Array(place, _) => inner(element, *place).map(Self::Array),
                Node::Tuple(places) if places.len() == 1 => {
                    inner(element, places[0]).map(Self::Array)
                }
                _ => None,
            };
        }
        let (path, arguments) = match text.split_once('<') {
            Some((path, rest)) => (path, split(rest.strip_suffix('>')?, ',')),
            None => (text, Vec::new()),
        };
        match (known(path)?, arguments.as_slice(), node) {
            ("bool", [], Node::Bool) => Some(Self::Bool),
            ("char", [], Node::Char) => Some(Self::Char),
            ("u8", [], Node::U8) => Some(Self::Unsigned(1)),
            ("u16", [], Node::U16) => Some(Self::Unsigned(2)),
            ("u32", [], Node::U32) => Some(Self::Unsigned(4)),
            ("u64" | "usize", [], Node::U64) => Some(Self::Unsigned(8)),
            ("u128", [], Node::U128) => Some(Self::Unsigned(16)),
            ("i8", [], Node::I8) => Some(Self::Signed(1)),
            ("i16", [], Node::I16) => Some(Self::Signed(2)),
            ("i32", [], Node::I32) => Some(Self::Signed(4)),
            ("i64" | "isize", [], Node::I64) => Some(Self::Signed(8)),
            ("i128", [], Node::I128) => Some(Self::Signed(16)),
            ("Total", ["f32"], Node::F32) => Some(Self::Float32),
            ("Total", ["f64"], Node::F64) => Some(Self::Float64),
            ("String", [], Node::Text)
            | ("Box" | "Arc", ["str"], Node::Text)
            | ("Cow", ["'static", "str"], Node::Text) => Some(Self::Text),
            ("Box" | "Arc", [held], _) => Self::parse(held, shape, place, depth),
            ("Reverse", [held], _) => inner(held, place).map(Self::Reverse),
            ("Vec", ["u8"], Node::List(element)) if *shape.node(*element) == Node::U8 => {
                Some(Self::ByteString)
            }
            ("Vec", [element], Node::List(place)) => inner(element, *place).map(Self::List),
            ("BTreeSet", [element], Node::List(place)) if *element != "u8" => {
                inner(element, *place).map(Self::Set)
            }
            ("Option", [held], Node::Option(place)) => inner(held, *place).map(Self::Option),
            ("Ipv4Addr", [], _) if is_octets(shape, place, 4) => {
                Some(Self::Array(Box::new(Self::Unsigned(1))))
            }
            ("Ipv6Addr", [], _) if is_octets(shape, place, 16) => {
                Some(Self::Array(Box::new(Self::Unsigned(1))))
            }
            ("IpAddr", [], Node::Enum(name, variants)) if name == "IpAddr" => {
                let octets = |content: &Content, len| match content {
                    Content::One(place) => is_octets(shape, *place, len),
                    _ => false,
                };
                let [v4, v6] = variants.as_slice() else {
                    return None;
                };
                (octets(&v4.content, 4) && octets(&v6.content, 16)).then_some(Self::Address)
            }
            ("SystemTime", [], Node::Struct(name, fields))
                if name == "SystemTime"
                    && is_time(shape, fields, ["secs_since_epoch", "nanos_since_epoch"]) =>
            {
                Some(Self::Instant)
            }
            ("Duration", [], Node::Struct(name, fields))
                if name == "Duration" && is_time(shape, fields, ["secs", "nanos"]) =>
            {
                Some(Self::Span)
            }
            _ => None,
        }
    }
}

/// The last name of a path that is bare, or leads into the standard library or this crate.
fn known(path: &str) -> Option<&str> {
    let path = path.strip_prefix("::").unwrap_or(path);
    let Some((way, last)) = path.rsplit_once("::") else {
        return Some(path);
    };
    let first = way.split("::").next()?;
    matches!(first, "std" | "core" | "alloc" | "sapwood").then_some(last)
}

/// The parts between separators that stand in no brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '<' => depth += 1,
            ')' | ']' | '>' => depth = depth.saturating_sub(1),
            c if c == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn is_octets(shape: &Shape, place: Place, len: u64) -> bool {
    match shape.node(place) {
        Node::Array(inner, found) => *found == len && *shape.node(*inner) == Node::U8,
        _ => false,
    }
}

fn is_time(shape: &Shape, fields: &[Field], names: [&str; 2]) -> bool {
    let [seconds, nanos] = fields else {
        return false;
    };
    [seconds.names.name(), nanos.names.name()] == names
        && *shape.node(seconds.node) == Node::U64
        && *shape.node(nanos.node) == Node::U32
}
