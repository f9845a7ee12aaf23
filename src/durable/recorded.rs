//! What a record of the journal says, for those who want to see each commit for itself.

/// A record: see `record`.
pub(super) struct Recorded<'a> {
    pub(super) revision: u64,
    /// The commit before it that changed what is in the file.
    pub(super) behind: u64,
    tables: u32,
    rest: &'a [u8],
}

/// Of a table a key and its value, which is empty where the row was removed.
pub(super) type Change<'a> = (&'a str, &'a [u8], &'a [u8]);

impl<'a> Recorded<'a> {
    /// Reads the beginning of a record; `None` where it is none.
    pub(super) fn read(record: &'a [u8]) -> Option<Self> {
        let (revision, rest) = record.split_first_chunk()?;
        let (behind, rest) = rest.split_first_chunk()?;
        let (tables, rest) = rest.split_first_chunk()?;
        Some(Self {
            revision: u64::from_le_bytes(*revision),
            behind: u64::from_le_bytes(*behind),
            tables: u32::from_le_bytes(*tables),
            rest,
        })
    }

    /// The rows that it changed; `None` where it is not as records are.
    pub(super) fn changes(&self) -> Option<Vec<Change<'a>>> {
        let mut rest = self.rest;
        let mut changes = Vec::new();
        for _ in 0..self.tables {
            let name = std::str::from_utf8(piece(&mut rest)?).ok()?;
            for _ in 0..number(&mut rest)? {
                let key = piece(&mut rest)?;
                changes.push((name, key, piece(&mut rest)?));
            }
        }
        rest.is_empty().then_some(changes)
    }
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(u32::from_le_bytes(*number))
}

fn piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(number(rest)?).ok()?;
    let (piece, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(piece)
}
