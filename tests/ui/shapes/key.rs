//! A key has something to encode, in one way.

use sapwood::Key;

#[derive(Key, Debug)]
enum Never {}

#[derive(Key, Debug)]
struct Nothing;

#[derive(Key)]
union Either {
    a: u8,
}

#[derive(Key, Debug)]
struct Generic<T> {
    key: T,
}

fn main() {}
