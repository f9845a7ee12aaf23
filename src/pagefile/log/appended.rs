//! A state of the log as pages: those of its stored state that it still has, and what the log has changed behind them.

use super::{
    super::{
        Error,
        commit::store_to,
        meta::Directory,
        page::PageRef,
        page_set::PageSet,
        shared::Snapshot,
        tree::{Life, Pages, reference},
        work::Work,
    },
    append::Logged,
};

/// See above. In memory are about as many pages as the log has steps.
pub(in super::super) struct Appended {
    /// The pages of the stored state that are still reached.
    pub(in super::super) reached: PageSet,
    pub(in super::super) directory: Directory,
    /// The number of the first page behind them, and the bytes of the pages from there on.
    pub(in super::super) first: u64,
    pub(in super::super) bytes: Vec<u8>,
}

/// O(pages): the trees are gone through once. The stored state must be sound.
pub(in super::super) fn appended(state: &Snapshot, logged: &Logged) -> Result<Appended, Error> {
    let source = &state.source;
    let mut work = Work::begin(state, 0)?;
    debug_assert!(logged.stored.commit < state.commit);
    let mut reached = PageSet::new(source.pages);
    for run in work.pages(source)? {
        reached.insert_run(run);
    }
    let mut behind = Behind {
        commit: state.commit,
        page_size: source.page_size as usize,
        first: source.pages,
        bytes: Vec::new(),
    };
    let directory = store_to(&mut work, source, state.commit, &mut behind)?;
    Ok(Appended {
        reached,
        directory,
        first: behind.first,
        bytes: behind.bytes,
    })
}

/// Pages one behind the other, in memory.
struct Behind {
    commit: u64,
    page_size: usize,
    first: u64,
    bytes: Vec<u8>,
}

impl Pages for Behind {
    fn commit(&self) -> u64 {
        self.commit
    }

    fn write(
        &mut self,
        _: Life,
        pages: u32,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<PageRef, Error> {
        let at = self.bytes.len();
        let page = self.first + (at / self.page_size) as u64;
        self.bytes.resize(at + pages as usize * self.page_size, 0);
        fill(&mut self.bytes[at..]);
        Ok(reference(page, pages, &self.bytes[at..]))
    }

    fn copy(&mut self, _: Life, _: &[u8], from: PageRef) -> Result<PageRef, Error> {
        // Nothing is moved for a copy.
        Ok(from)
    }
}
