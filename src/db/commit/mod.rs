//! The pipeline *stage → persist → publish → notify*, and who has the writer's seat meanwhile.
//!
//! | file | what |
//! |---|---|
//! | `core` | what the handles share, and the steps |
//! | `turnstile`, `hold` | the writer's seat; one hold of it, and their sum |
//! | `group`, `ticket` | commits that wait for the disk together, off the seat; where their threads wait |
//! | `staged` | a commit between the first step and the second |
//! | `persist`, `durable` | what the second step asks of a disk; which commits are durable, and who waits for that |
//! | `current` | the published version |
//! | `wait` | waiting for a revision |

pub(super) mod core;
mod current;
pub(super) mod durable;
mod group;
pub(super) mod hold;
pub(super) mod persist;
pub(super) mod staged;
mod ticket;
pub(super) mod turnstile;
mod wait;

pub use staged::Staged;
