//! Each small example shows what it says: its binary is run, and what it prints is checked, as is the line about a mistake.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(unreachable_pub)]

mod blocking_query;
mod container_registry;
mod plan_on_fork;
mod program;
#[cfg(feature = "ipnet")]
mod routing_table;
mod work_queue;
