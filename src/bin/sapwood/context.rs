//! What holds for every command.

use std::time::Duration;

pub struct Context {
    /// Whether the result is printed for programs.
    pub json: bool,
    /// How long to wait for a file that is in use.
    pub wait: Duration,
}
