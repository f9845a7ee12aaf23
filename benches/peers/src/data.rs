//! The same random rows for all.

/// A row's key.
pub(crate) type Key = [u8; 24];
/// A row's value.
pub(crate) type Value = [u8; 150];

/// A small generator with a fixed seed (splitmix64, by Sebastiano Vigna).
#[derive(Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    pub(crate) fn key(&mut self) -> Key {
        let mut key = [0; 24];
        self.fill(&mut key);
        key
    }

    pub(crate) fn value(&mut self) -> Value {
        let mut value = [0; 150];
        self.fill(&mut value);
        value
    }

    /// 36 characters, as a UUID is written.
    pub(crate) fn id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xFFFF,
            a & 0xFFFF,
            b >> 48,
            b & 0xFFFF_FFFF_FFFF
        )
    }
}
