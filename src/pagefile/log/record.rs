//! Reading a record of the log. Its bytes have the checksum of their group; but who made that is not known, so nothing is believed.

use super::{
    super::{
        Error,
        field::{get_u32, get_u64},
        opened::TOP,
        source::Source,
        work::Work,
    },
    recorded::{BUCKET, COMMIT, DELETE, FOLLOWS, KIND, PUT, SEQUENCE, STEPS},
};

/// A commit as the log has it.
pub(super) struct Record<'r> {
    /// The commit that it follows.
    follows: u64,
    pub(super) commit: u64,
    steps: &'r [u8],
}

/// What a commit did.
pub(super) enum Step<'r> {
    /// What comes next is about this bucket.
    Bucket(Vec<&'r [u8]>),
    Put(&'r [u8], &'r [u8]),
    Delete(&'r [u8]),
    Sequence(u64),
}

/// What of a record could not be read.
const CUT: &str = "the log has a commit that ends in the midst of a step";
pub(super) const NO_BUCKET: &str = "the log has a step that is about no bucket";

impl<'r> Record<'r> {
    /// The record as the one behind commit `newest`; `None` if the trees, which have commit `stored`, have what it says.
    pub(super) fn behind(
        bytes: &'r [u8],
        stored: u64,
        newest: u64,
    ) -> Result<Option<Self>, &'static str> {
        let record = Self::decode(bytes)?;
        if record.commit <= stored {
            return Ok(None);
        }
        if record.follows != newest {
            return Err("the log has a commit that follows one which is not there");
        }
        Ok(Some(record))
    }

    fn decode(bytes: &'r [u8]) -> Result<Self, &'static str> {
        let read = || {
            let follows = get_u64(bytes, FOLLOWS)?;
            let commit = get_u64(bytes, COMMIT)?;
            Some((follows, commit, bytes.get(STEPS..)?))
        };
        let (follows, commit, steps) = read().ok_or(CUT)?;
        if bytes[0] != KIND {
            return Err("the log has a record of a kind that is not known");
        }
        // So that there is always a next one.
        if commit <= follows || commit > i64::MAX as u64 {
            return Err("the log has a commit with a number that it cannot have");
        }
        Ok(Self {
            follows,
            commit,
            steps,
        })
    }

    pub(super) fn steps(&self) -> Steps<'r> {
        Steps(self.steps)
    }

    /// Does again what the commit did. `corrupted` makes an error of what is wrong with the record.
    pub(super) fn apply(
        &self,
        work: &mut Work,
        source: &Source,
        corrupted: &dyn Fn(&'static str) -> Error,
    ) -> Result<(), Error> {
        let mut bucket = None;
        for step in self.steps() {
            let step = step.map_err(corrupted)?;
            if let Step::Bucket(path) = step {
                let place = work.open_path(source, TOP, path)?;
                let place = place.filter(|place| *place != TOP);
                let missing = || corrupted("the log changes a bucket that is not there");
                bucket = Some(place.ok_or_else(missing)?);
                continue;
            }
            let at = bucket.ok_or_else(|| corrupted(NO_BUCKET))?;
            match step {
                Step::Put(key, value) => drop(work.put(source, at, key, value)?),
                Step::Delete(key) => drop(work.delete(source, at, key)?),
                Step::Sequence(sequence) => work.set_sequence(at, sequence),
                Step::Bucket(_) => {}
            }
        }
        Ok(())
    }
}

/// The steps of a record. Ends after one that cannot be read.
pub(super) struct Steps<'r>(&'r [u8]);

impl<'r> Steps<'r> {
    fn u32(&mut self) -> Option<u32> {
        let number = get_u32(self.0, 0)?;
        self.0 = &self.0[4..];
        Some(number)
    }

    fn bytes(&mut self, len: u32) -> Option<&'r [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    fn step(&mut self, kind: u8) -> Option<Result<Step<'r>, &'static str>> {
        Some(Ok(match kind {
            BUCKET => {
                let names = self.u32()?;
                // As many as are there, whatever the number says.
                let mut path = Vec::new();
                for _ in 0..names {
                    let len = self.u32()?;
                    path.push(self.bytes(len)?);
                }
                Step::Bucket(path)
            }
            PUT => {
                let (key, value) = (self.u32()?, self.u32()?);
                Step::Put(self.bytes(key)?, self.bytes(value)?)
            }
            DELETE => {
                let len = self.u32()?;
                Step::Delete(self.bytes(len)?)
            }
            SEQUENCE => {
                let sequence = get_u64(self.0, 0)?;
                self.0 = &self.0[8..];
                Step::Sequence(sequence)
            }
            _ => return Some(Err("the log has a step of a kind that is not known")),
        }))
    }
}

impl<'r> Iterator for Steps<'r> {
    type Item = Result<Step<'r>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, rest) = self.0.split_first()?;
        self.0 = rest;
        let step = self.step(kind).unwrap_or(Err(CUT));
        if step.is_err() {
            self.0 = &[];
        }
        Some(step)
    }
}
