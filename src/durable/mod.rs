//! Durability: a database in one page file.
//!
//! The rooms below meet here and nowhere else: `db` asks its [`Persist`](crate::db::Persist) to take a version in, `pagefile` keeps bytes. A commit is the
//! structural difference between the last version in the file and the new one, written in one page transaction: a bucket for each table, from
//! primary keys to rows. Indexes are not on disk; they are built, in bulk, when the file is loaded, and every page is verified on the way.
//!
//! | file | what |
//! |---|---|
//! | `open` | `Builder::open`: creates or loads |
//! | `catalogue` | what the file says of itself: formats, revision, the tables' definitions |
//! | `store` | versions into the file |
//! | `period` | the thread that does so for all commits within a time |

mod catalogue;
mod checkpoints;
mod open;
mod period;
mod record;
mod store;
mod transfer;
