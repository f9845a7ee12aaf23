//! The pages of a commit on their way out.

use super::{
    Error,
    checksum::Chain,
    meta::Run,
    page::PageRef,
    placement::Placement,
    shared::Shared,
    tree::{Life, Pages, reference},
};

/// The most that goes out as one write, in bytes.
const PIECE: usize = 1 << 20;

/// Fills the runs of a placement. With one phase everything is kept until the end, for the chained checksum goes through the pages in their
/// order; with two there is none, and a piece goes out when it is full.
pub(super) struct Output<'o> {
    shared: &'o Shared,
    commit: u64,
    is_one_phase: bool,
    long: Sequence<'o>,
    short: Sequence<'o>,
    /// What is complete and not yet written.
    pieces: Vec<Piece>,
}

/// Pages side by side.
struct Piece {
    start: u64,
    bytes: Vec<u8>,
}

struct Sequence<'o> {
    runs: std::slice::Iter<'o, Run>,
    /// What is left of the run that is being filled.
    run: Run,
    /// What is filled of it.
    piece: Piece,
}

impl<'o> Sequence<'o> {
    fn new(runs: &'o [Run]) -> Self {
        Self {
            runs: runs.iter(),
            run: Run { start: 0, pages: 0 },
            piece: Piece {
                start: 0,
                bytes: Vec::new(),
            },
        }
    }

    /// What is filled; what comes next begins a new piece.
    fn cut(&mut self) -> Option<Piece> {
        let bytes = std::mem::take(&mut self.piece.bytes);
        let start = self.piece.start;
        self.piece.start = self.run.start;
        (!bytes.is_empty()).then_some(Piece { start, bytes })
    }

    fn begin_run(&mut self) -> Option<Piece> {
        self.run = self.runs.next().copied().unwrap_or(self.run);
        self.cut()
    }
}

impl<'o> Output<'o> {
    pub(super) fn new(
        shared: &'o Shared,
        commit: u64,
        placement: &'o Placement,
        is_one_phase: bool,
    ) -> Self {
        Self {
            shared,
            commit,
            is_one_phase,
            long: Sequence::new(&placement.long),
            short: Sequence::new(&placement.short),
            pieces: Vec::new(),
        }
    }

    /// Writes what is left, in the order of the pages, and gives the chained checksum: of all pages with one phase, else nothing that counts.
    pub(super) fn finish(mut self) -> Result<u64, Error> {
        let last = [self.long.cut(), self.short.cut()];
        self.pieces.extend(last.into_iter().flatten());
        self.pieces.sort_by_key(|piece| piece.start);
        let page_size = u64::from(self.shared.medium.page_size);
        let mut chain = Chain::new(self.shared.medium.page_size as usize);
        let mut pieces = self.pieces.into_iter().peekable();
        while let Some(Piece { start, mut bytes }) = pieces.next() {
            let offset = start * page_size;
            while let Some(next) =
                pieces.next_if(|next| offset + bytes.len() as u64 == next.start * page_size)
            {
                bytes.extend(next.bytes);
            }
            if self.is_one_phase {
                chain.add(&bytes);
            }
            self.shared.write(offset, &bytes)?;
        }
        Ok(if self.is_one_phase { chain.sum() } else { 0 })
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
        let page_size = self.shared.medium.page_size as usize;
        let sequence = match life {
            Life::Long => &mut self.long,
            Life::Short => &mut self.short,
        };
        let complete = if sequence.run.pages == 0 {
            sequence.begin_run()
        } else if sequence.piece.bytes.len() >= PIECE {
            sequence.cut()
        } else {
            None
        };
        let page = sequence.run.start;
        let bytes = &mut sequence.piece.bytes;
        let at = bytes.len();
        bytes.resize(at + pages as usize * page_size, 0);
        fill(&mut bytes[at..]);
        let stored = reference(page, pages, &bytes[at..]);
        sequence.run.start += u64::from(pages);
        sequence.run.pages = sequence.run.pages.saturating_sub(u64::from(pages));
        if let Some(piece) = complete {
            if self.is_one_phase {
                self.pieces.push(piece);
            } else {
                let offset = piece.start * page_size as u64;
                self.shared.write(offset, &piece.bytes)?;
            }
        }
        Ok(stored)
    }
}
