//! Looking into a page file, also one that is damaged: its slots, its pages, what damage has taken, and what can be got out of it all the same.
//!
//! Nothing here writes to the file that it looks into. What is told of a page is marked by how far it can be trusted: verified against the checksum in
//! its parent, or merely decoded. Imports what the page file imports; `walk` tells it what it meets.

mod chosen;
mod damage;
mod orphans;
mod page_info;
mod page_view;
mod paths;
mod recover;
mod remains;
mod salvage;
mod slot;
mod states;

pub use damage::{Damage, DamagedPage, PageKind};
pub use orphans::Unverified;
pub use page_info::PageInfo;
pub use page_view::{EntryContent, PageContent, PageEntry, PageView};
pub use recover::{RecoverOptions, Recovery};
pub(crate) use remains::Remains;
pub use slot::{Slot, SlotState, slots};

pub(super) use damage::{Damages, Span};
pub(super) use paths::{Paths, Place};
pub(super) use slot::read as read_slots;
