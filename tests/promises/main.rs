//! What others got wrong, as promises: each test is named after the defect's opposite, and fails if it ever comes back. What is promised of costs is in `promise_costs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

mod constraints;
mod fixture;
mod multi_value;
mod queries;
mod watches;
