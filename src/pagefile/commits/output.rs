//! The pages of a commit on their way out.

use super::super::{
    Error,
    checksum::{self, Chain},
    meta::Run,
    page::PageRef,
    placement::Placement,
    shared::Shared,
    source::{Kind, Source},
    storage::PIECE,
    tree::{Life, Pages, reference},
};

/// Fills the runs of a placement. With one phase everything is kept until the end, in the order of the pages, so that what lies side by side is one
/// write; with two a piece goes out when it is full.
pub(in crate::pagefile) struct Output<'o> {
    shared: &'o Shared,
    /// What will read the pages.
    source: &'o Source,
    commit: u64,
    is_one_phase: bool,
    long: Sequence<'o>,
    short: Sequence<'o>,
    /// All runs, ascending.
    runs: Vec<Run>,
    /// With one phase, the pages of `runs`.
    buffer: Vec<u8>,
    /// With one phase, the checksum of each page.
    sums: Vec<(u64, u64)>,
}

struct Sequence<'o> {
    runs: std::slice::Iter<'o, Run>,
    /// What is left of the run that is being filled.
    run: Run,
    /// With one phase, where the next page comes in the buffer.
    at: usize,
    /// With two phases, what is filled before `run` and not yet written.
    piece: Vec<u8>,
}

/// The next page, or pages, to fill.
struct Next<'n> {
    /// The number of the first.
    page: u64,
    bytes: &'n mut [u8],
    /// The checksums of one phase.
    sums: &'n mut Vec<(u64, u64)>,
}

impl<'o> Sequence<'o> {
    fn new(runs: &'o [Run]) -> Self {
        Self {
            runs: runs.iter(),
            run: Run { start: 0, pages: 0 },
            at: 0,
            piece: Vec::new(),
        }
    }

    fn flush(&mut self, shared: &Shared) -> Result<(), Error> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let end = self.run.start * u64::from(shared.medium.page_size);
        shared.write(end - self.piece.len() as u64, &self.piece)?;
        self.piece.clear();
        Ok(())
    }
}

impl<'o> Output<'o> {
    /// `buffer`: that of a commit before, to be used again.
    pub(in crate::pagefile) fn new(
        shared: &'o Shared,
        source: &'o Source,
        commit: u64,
        placement: &'o Placement,
        is_one_phase: bool,
        mut buffer: Vec<u8>,
    ) -> Self {
        let runs = placement.runs();
        if is_one_phase {
            let pages: u64 = runs.iter().map(|run| run.pages).sum();
            let len = pages * u64::from(shared.medium.page_size);
            buffer.resize(usize::try_from(len).unwrap_or_default(), 0);
        }
        Self {
            shared,
            source,
            commit,
            is_one_phase,
            long: Sequence::new(&placement.long),
            short: Sequence::new(&placement.short),
            runs,
            buffer,
            sums: Vec::new(),
        }
    }

    /// Writes what is left, in the order of the pages, and gives the chained checksum, of all pages with one phase, else nothing that counts; and
    /// the buffer.
    pub(in crate::pagefile) fn finish(mut self) -> Result<(u64, Vec<u8>), Error> {
        if !self.is_one_phase {
            self.long.flush(self.shared)?;
            self.short.flush(self.shared)?;
            return Ok((0, self.buffer));
        }
        let page_size = u64::from(self.shared.medium.page_size);
        let mut rest = &self.buffer[..];
        for run in &self.runs {
            let len = usize::try_from(run.pages * page_size).unwrap_or_default();
            let (pages, behind) = rest.split_at(len);
            self.shared.write(run.start * page_size, pages)?;
            rest = behind;
        }
        self.sums.sort_unstable();
        let mut chain = Chain::default();
        for (_, sum) in self.sums {
            chain.add(sum);
        }
        Ok((chain.sum(), self.buffer))
    }
}

/// Where a page of these runs comes when their pages are laid side by side.
fn place(runs: &[Run], page: u64, page_size: usize) -> usize {
    let mut before = 0;
    for run in runs {
        if page < run.start + run.pages {
            before += page - run.start;
            break;
        }
        before += run.pages;
    }
    usize::try_from(before).unwrap_or_default() * page_size
}

impl Output<'_> {
    /// The next pages of a sequence.
    fn next(&mut self, life: Life, pages: u32) -> Result<Next<'_>, Error> {
        let page_size = self.shared.medium.page_size as usize;
        let sequence = match life {
            Life::Long => &mut self.long,
            Life::Short => &mut self.short,
        };
        if sequence.run.pages == 0 {
            sequence.flush(self.shared)?;
            sequence.run = sequence.runs.next().copied().unwrap_or(sequence.run);
            sequence.at = place(&self.runs, sequence.run.start, page_size);
        } else if sequence.piece.len() >= PIECE
            || (sequence.run.start * page_size as u64).is_multiple_of(PIECE as u64)
        {
            sequence.flush(self.shared)?;
        }
        let page = sequence.run.start;
        sequence.run.start += u64::from(pages);
        sequence.run.pages = sequence.run.pages.saturating_sub(u64::from(pages));
        let len = pages as usize * page_size;
        let bytes = if self.is_one_phase {
            let at = sequence.at;
            sequence.at += len;
            &mut self.buffer[at..at + len]
        } else {
            let at = sequence.piece.len();
            sequence.piece.resize(at + len, 0);
            &mut sequence.piece[at..]
        };
        Ok(Next {
            page,
            bytes,
            sums: &mut self.sums,
        })
    }
}

impl Pages for Output<'_> {
    fn commit(&self) -> u64 {
        self.commit
    }

    fn write(
        &mut self,
        life: Life,
        pages: u32,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<PageRef, Error> {
        let is_one_phase = self.is_one_phase;
        let page_size = self.shared.medium.page_size as usize;
        let Next { page, bytes, sums } = self.next(life, pages)?;
        bytes.fill(0);
        fill(bytes);
        let stored = reference(page, pages, bytes);
        if is_one_phase && pages == 1 {
            sums.push((page, stored.checksum));
        } else if is_one_phase {
            let each = bytes.chunks(page_size).map(checksum::of);
            sums.extend((page..).zip(each));
        }
        let kind = Kind::of(bytes);
        self.source.trust(stored, kind);
        Ok(stored)
    }

    fn copy(&mut self, life: Life, bytes: &[u8], from: PageRef) -> Result<PageRef, Error> {
        let is_one_phase = self.is_one_phase;
        let next = self.next(life, 1)?;
        let (page, sums) = (next.page, next.sums);
        next.bytes.copy_from_slice(bytes);
        if is_one_phase {
            sums.push((page, from.checksum));
        }
        let stored = PageRef { page, ..from };
        self.source.trust(stored, Kind::of(bytes));
        Ok(stored)
    }
}
