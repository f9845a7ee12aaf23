//! Values that are made up, for types that do not take every one: the plainest first.

/// Strings that types with a syntax of their own take: times, addresses, versions, names.
const TEXTS: &[&str] = &[
    "",
    "a",
    "0",
    "1",
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00",
    "2000-01-01",
    "00:00:00",
    "2000-01-01T00:00:00+00:00[UTC]",
    "PT1S",
    "1s",
    "+00:00",
    "UTC",
    "127.0.0.1",
    "::1",
    "127.0.0.0/8",
    "::/0",
    "127.0.0.1:80",
    "00:00:00:00:00:00",
    "00000000-0000-0000-0000-000000000000",
    "http://localhost/",
    "a@localhost",
    "a/b",
    "a=b",
    "a:b",
    "localhost",
    "1.0.0",
    "1.0",
    "*",
    "/",
    "true",
    "A",
    "aa",
    "aaaaaaaa",
    "00000000000000000000000000000000",
    "0000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "100m",
    "1Gi",
    "{}",
    "Mon",
    "en",
    "info",
];

/// Lengths that types of bytes take: of ids, addresses, hashes.
const BYTE_LENGTHS: &[usize] = &[
    0, 16, 4, 8, 32, 20, 12, 24, 64, 6, 1, 2, 3, 5, 28, 33, 48, 128,
];

const INTEGERS: &[u8] = &[0, 1, 2, 3, 10, 100];

const FLOATS: &[f32] = &[0.0, 1.0, 0.5];

const CHARS: &[char] = &['a', 'A', '0'];

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    One,
    Bool,
    Integer,
    Float,
    Char,
    Text,
    Bytes,
    /// A sequence or map, of so many elements.
    Length,
}

impl Kind {
    /// How many different ones there are to try.
    pub(super) fn tries(self) -> usize {
        match self {
            Self::One => 1,
            Self::Bool => 2,
            Self::Integer => INTEGERS.len(),
            Self::Float => FLOATS.len(),
            Self::Char => CHARS.len(),
            Self::Text => TEXTS.len(),
            Self::Bytes => BYTE_LENGTHS.len(),
            Self::Length => 4,
        }
    }
}

fn nth<T: Copy>(all: &[T], place: usize) -> T {
    all[place.min(all.len() - 1)]
}

pub(super) fn text(place: usize) -> &'static str {
    nth(TEXTS, place)
}

pub(super) fn bytes(place: usize) -> Vec<u8> {
    vec![0; nth(BYTE_LENGTHS, place)]
}

pub(super) fn integer(place: usize) -> u8 {
    nth(INTEGERS, place)
}

pub(super) fn float(place: usize) -> f32 {
    nth(FLOATS, place)
}

pub(super) fn char(place: usize) -> char {
    nth(CHARS, place)
}
