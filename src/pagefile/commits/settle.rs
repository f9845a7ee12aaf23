//! What opening has found, made sure of before anything is built upon it.
//!
//! Opening reads, and does not know what of it is durable: a process that was killed has left its last writes in the caches of the system, meta and all. And a meta of
//! a commit that was lost lies there and waits for its pages: any write to these could bring what it lacks, for within a page or a run only the first sector
//! tells one commit from another.

use super::super::{Error, shared::Shared, tail::seal, writer::Writer};

/// Whether what opening has found is known to be durable, and no meta of a commit that was lost is there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pagefile) enum Settled {
    Is,
    Not {
        /// Whether a slot holds the meta of a commit that was lost.
        has_lost: bool,
    },
}

/// Before the first write after opening: makes the state that was found durable, and then puts it in the place of a newer meta, if there was one that
/// did not hold. One sync, or two. A new file has nothing to be made sure of.
pub(in crate::pagefile) fn settle_found(shared: &Shared, writer: &mut Writer) -> Result<(), Error> {
    let Settled::Not { has_lost } = writer.settled else {
        return Ok(());
    };
    if shared.medium.read_only {
        return Ok(());
    }
    shared.refuse_poisoned()?;
    shared.set_poisoned(true);
    shared.sync()?;
    shared.set_poisoned(false);
    writer.settled = Settled::Is;
    if has_lost {
        seal(shared, writer)?;
    }
    Ok(())
}
