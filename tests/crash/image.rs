//! What a crash leaves on a disk: any part of what was not synced, whole, torn or garbled, in any order.

use std::sync::Arc;

use super::{
    faults::disk::{Op, put},
    sim::Random,
};

/// What becomes of one sector of a write that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fate {
    Lost,
    Kept,
    Zeros,
    Noise(u16),
    /// One bit is wrong.
    Flipped(u16),
    /// It holds what was meant for another one.
    Misdirected(u16),
    /// Only so many bytes, the first ones, were written.
    Head(u16),
    /// All but so many bytes, the first ones, were written.
    Tail(u16),
}

/// How long the file is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Length {
    /// As long as what has arrived makes it.
    Natural,
    /// As long as it was to become, whether or not the bytes are there.
    Full,
    /// Shorter than what has arrived, but not than what was durable: in so many 256ths.
    Cut(u8),
}

/// All that a crash decides. The same one gives the same image.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Crash {
    pub(crate) fates: Vec<Fate>,
    pub(crate) length: Length,
    /// Where sectors arrive in another order than that in which they were written: the seed of it.
    pub(crate) order: Option<u16>,
}

/// A sector of a write that was not synced, or a new length.
struct Piece {
    offset: usize,
    /// `None` is a new length, which is `offset`.
    bytes: Option<(Arc<[u8]>, usize, usize)>,
    /// Of which operation.
    op: usize,
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Some((bytes, start, end)) => &bytes[*start..*end],
            None => &[],
        }
    }

    fn is_meta(&self) -> bool {
        self.bytes.is_some() && self.offset < 8192
    }
}

/// What was issued since the last sync.
#[derive(Default)]
pub(crate) struct Pending {
    pieces: Vec<Piece>,
    ops: usize,
    sector: usize,
    /// How long the file was to become.
    len: usize,
}

impl Pending {
    pub(crate) fn new(sector: usize, durable_len: usize) -> Self {
        Self {
            sector,
            len: durable_len,
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, op: &Op) {
        self.ops += 1;
        let op_number = self.ops;
        match op {
            Op::Write { offset, bytes } => {
                let end = offset + bytes.len();
                let mut at = *offset;
                while at < end {
                    let next = ((at / self.sector + 1) * self.sector).min(end);
                    self.pieces.push(Piece {
                        offset: at,
                        bytes: Some((Arc::clone(bytes), at - offset, next - offset)),
                        op: op_number,
                    });
                    at = next;
                }
                self.len = self.len.max(end);
            }
            Op::SetLen(len) => {
                self.pieces.push(Piece {
                    offset: *len,
                    bytes: None,
                    op: op_number,
                });
                self.len = *len;
            }
            Op::Sync => {}
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    fn all(&self, fate: Fate) -> Vec<Fate> {
        vec![fate; self.pieces.len()]
    }

    fn kept_where(&self, keep: impl Fn(&Piece) -> bool) -> Vec<Fate> {
        let fates = self.pieces.iter();
        let fates = fates.map(|piece| if keep(piece) { Fate::Kept } else { Fate::Lost });
        fates.collect()
    }

    /// The crashes that are always tried: nothing and everything, the metas alone and all but them, the last operation lost, alone, or cut at each
    /// sector, and each of these with the file as long as it was to become.
    pub(crate) fn plain(&self) -> Vec<Crash> {
        let mut plans = vec![
            self.all(Fate::Lost),
            self.all(Fate::Kept),
            self.kept_where(Piece::is_meta),
            self.kept_where(|piece| !piece.is_meta()),
            self.kept_where(|piece| piece.op == self.ops),
        ];
        let of_last = |piece: &&Piece| piece.op == self.ops;
        let last = self.pieces.iter().filter(of_last).count();
        let first = self.pieces.len() - last;
        plans.extend((0..last.min(64)).map(|cut| {
            let mut fates = self.all(Fate::Kept);
            fates[first + cut..].fill(Fate::Lost);
            fates
        }));
        let lengths = [Length::Natural, Length::Full];
        let plans = lengths
            .into_iter()
            .flat_map(|length| plans.iter().map(move |fates| (fates.clone(), length)));
        plans
            .map(|(fates, length)| Crash {
                fates,
                length,
                order: None,
            })
            .collect()
    }

    /// Some of the sectors and not the others: the one of the 2^n crashes of this kind that has this number.
    pub(crate) fn subset(&self, number: usize) -> Crash {
        let fate = |i| {
            if number >> i & 1 == 1 {
                Fate::Kept
            } else {
                Fate::Lost
            }
        };
        Crash {
            fates: (0..self.pieces.len()).map(fate).collect(),
            length: Length::Natural,
            order: None,
        }
    }

    /// Any crash.
    pub(crate) fn random(&self, random: &mut Random) -> Crash {
        // Mostly lost, mostly kept, or half; mostly whole, for one wrong byte is as good as many.
        let kept = [1, 8, 12, 15][random.below(4)];
        let odd = [0, 0, 1, 4][random.below(4)];
        let mut fates = self.all(Fate::Lost);
        for (i, fate) in fates.iter_mut().enumerate() {
            if random.below(16) < kept {
                *fate = Fate::Kept;
            }
            if random.below(32) < odd {
                *fate = self.odd(i, random);
            }
        }
        // Often one sector alone is wrong.
        if random.below(4) == 0 && !fates.is_empty() {
            fates.fill(Fate::Kept);
            let i = random.below(fates.len());
            fates[i] = self.odd(i, random);
        }
        let length = match random.below(8) {
            0 => Length::Full,
            1 => Length::Cut(random.below(256) as u8),
            _ => Length::Natural,
        };
        let order = (random.below(3) == 0).then(|| random.below(65_536) as u16);
        Crash {
            fates,
            length,
            order,
        }
    }

    fn odd(&self, i: usize, random: &mut Random) -> Fate {
        let len = self.pieces[i].bytes().len();
        match random.below(8) {
            0 => Fate::Lost,
            1 => Fate::Zeros,
            2 => Fate::Noise(random.below(65_536) as u16),
            3 => Fate::Flipped(random.below(len * 8) as u16),
            4 => Fate::Misdirected(random.below(self.pieces.len()) as u16),
            5 | 6 => Fate::Head(random.below(len) as u16),
            _ => Fate::Tail(random.below(len) as u16),
        }
    }

    /// The disk as it is found: `durable`, and what the crash left of the rest.
    pub(crate) fn image(&self, durable: &[u8], crash: &Crash) -> Vec<u8> {
        let mut image = durable.to_vec();
        let mut order: Vec<usize> = (0..self.pieces.len()).collect();
        if let Some(seed) = crash.order {
            let mut random = Random::new(u64::from(seed) + 1);
            for i in (1..order.len()).rev() {
                order.swap(i, random.below(i + 1));
            }
        }
        for i in order {
            self.arrive(&mut image, &self.pieces[i], crash.fates[i]);
        }
        match crash.length {
            Length::Natural => {}
            Length::Full => image.resize(self.len, 0),
            Length::Cut(share) => {
                let more = image.len().saturating_sub(durable.len());
                image.truncate(durable.len() + more * usize::from(share) / 256);
            }
        }
        image
    }

    fn arrive(&self, image: &mut Vec<u8>, piece: &Piece, fate: Fate) {
        let Some((_, _, _)) = &piece.bytes else {
            if fate != Fate::Lost {
                image.resize(piece.offset, 0);
            }
            return;
        };
        let bytes = piece.bytes();
        match fate {
            Fate::Lost => {}
            Fate::Kept => put(image, piece.offset, bytes),
            Fate::Zeros => self.garble(image, piece, |_| 0),
            Fate::Noise(seed) => {
                let mut random = Random::new(u64::from(seed) + 1);
                self.garble(image, piece, |_| random.next() as u8);
            }
            Fate::Flipped(bit) => {
                put(image, piece.offset, bytes);
                let bit = usize::from(bit) % (bytes.len() * 8);
                image[piece.offset + bit / 8] ^= 1 << (bit % 8);
            }
            Fate::Misdirected(other) => {
                let other = self.pieces[usize::from(other)].bytes();
                let len = bytes.len().min(other.len());
                put(image, piece.offset, &other[..len]);
            }
            Fate::Head(len) => {
                put(
                    image,
                    piece.offset,
                    &bytes[..usize::from(len).min(bytes.len())],
                );
            }
            Fate::Tail(from) => {
                let from = usize::from(from).min(bytes.len());
                put(image, piece.offset + from, &bytes[from..]);
            }
        }
    }

    /// Fills the whole sector that the piece lies in, also what of it was not to be written.
    fn garble(&self, image: &mut Vec<u8>, piece: &Piece, mut byte: impl FnMut(usize) -> u8) {
        let start = piece.offset / self.sector * self.sector;
        let end = (start + self.sector).min(image.len().max(piece.offset + piece.bytes().len()));
        let bytes: Vec<u8> = (start..end).map(&mut byte).collect();
        put(image, start, &bytes);
    }
}
