//! What opening has found, made sure of before anything is built upon it.
//!
//! Opening reads, and does not know what of it is durable: a process that was killed has left its last writes in the caches of the system, meta and all. And a meta of
//! a commit that was lost lies there and waits for its pages: any write to these could bring what it lacks, for within a page or a run only the first sector
//! tells one commit from another.

use super::{Error, shared::Shared, tail::seal, writer::Writer};

/// Before the first write after opening: makes the state that was found durable, and then puts it in the place of a newer meta, if there was one that
/// did not hold. One sync, or two. A new file has nothing to be made sure of.
pub(super) fn settle_found(shared: &Shared, writer: &mut Writer) -> Result<(), Error> {
    if writer.is_settled || shared.medium.read_only {
        return Ok(());
    }
    shared.refuse_poisoned()?;
    shared.set_poisoned(true);
    shared.sync()?;
    shared.set_poisoned(false);
    writer.is_settled = true;
    if writer.highest > writer.durable() {
        seal(shared, writer)?;
    }
    Ok(())
}
