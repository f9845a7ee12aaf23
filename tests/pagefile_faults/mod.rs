//! What the suites of crashes and of damage share: random transactions with their model, and a disk that writes down what is asked of it.

pub(crate) mod change;
pub(crate) mod disk;
pub(crate) mod state;
