//! Durability: a database in one page file.
//!
//! The rooms below meet here and nowhere else: `db` asks its [`Persist`](crate::db::Persist) to take a version in, `pagefile` keeps bytes. A commit is
//! a record in the file's journal, of the rows that it changed: durable with one write and one sync, together with others that wait at that time. A *checkpoint* brings the trees up
//! to date beside the writers: the structural difference between the version in them and a newer one, into a bucket for each table, from primary keys to rows.
//! Indexes are not on disk; they are built, in bulk, when the file is loaded, and every page is verified on the way. What the journal has goes before what the trees say.
//!
//! Invariants:
//!
//! - A version in the trees, or behind the last record of the journal, is one that was committed, and a checkpoint moves from one such to another.
//! - Records follow one another without a gap, and the journal goes back to the version in the trees of either meta.
//! - All rows in the journal have the shape that the catalogue says: it is changed by a commit that leaves nothing in the journal.
//!
//! | file | what |
//! |---|---|
//! | `open` | `Builder::open`: creates or loads |
//! | `catalogue` | what the file says of itself: formats, revision, the tables' definitions |
//! | `stock` | the rows of a table as they are loaded, in parts |
//! | `evolve` | bringing the file to what the program declares |
//! | `salvage` | what is sound of a damaged file, in a new one |
//! | `inspect` | the file without the program |
//! | `edit`, `unique` | changing it without the program |
//! | `tail`, `recorded` | commits as they come into the journal, seen from another process |
//! | `salvage_journal` | what its journal has |
//! | `store` | commits into the journal, or where that is full into the trees |
//! | `record`, `replay` | a commit as the journal has it; what the journal adds to the trees |
//! | `transfer` | the difference of two versions into the trees |
//! | `checkpoints` | the thread that does so beside the writers |
//! | `unknown` | tables of the file that the program does not declare |
//! | `backup` | a state as a file of its own, or into a stream |
//! | `restore`, `restore_options` | making the rows those of a file, in one commit |
//! | `memory` | a database in memory that begins with the rows of a file |
//! | `period` | when commits go there: at once, or all of a period together by a thread |

mod backup;
mod catalogue;
mod checkpoints;
mod edit;
mod evolve;
mod inspect;
mod memory;
mod open;
mod period;
mod record;
mod recorded;
mod replay;
mod restore;
mod restore_options;
mod salvage;
mod salvage_journal;
mod stock;
mod store;
mod tail;
mod transfer;
mod unique;
mod unknown;

pub use backup::Backup;
pub use edit::Edit;
pub use inspect::{Inspect, JournalStats, StoredEntries, StoredEntry, StoredRow, StoredRows};
pub use restore::Restored;
pub use restore_options::RestoreOptions;
pub use salvage::{Salvage, SalvagedTable};
pub use salvage_journal::{SalvagedJournal, salvage_journal};
pub use tail::{Tail, Tailed, TailedChange, TailedCommit};
