//! Every field of a key is a key.

use sapwood::Key;

#[derive(Key, Debug)]
struct Place {
    node: String,
    load: f32,
}

fn main() {}
