//! Models of the radix room. Bucket and node sizes are small under test, so that every kind of split and merge happens at once.

mod added;
mod bulk;
mod family;
mod keys;
mod model;
mod shape;
mod threads;
