//! A verb wants a table.

use sapwood::Table;

struct Pod;

fn name_of<T: Table>() -> &'static str {
    T::NAME
}

fn main() {
    name_of::<Pod>();
}
