//! Keys of the crate `jiff`.
#![cfg(feature = "jiff")]

use jiff::Timestamp;

use super::{
    Key, KeyBuf, KeyDecodeError, KeyOf,
    option::stands_for_some,
    time::{decode_instant, encode_instant},
};

impl KeyOf<Timestamp> for Timestamp {
    fn encode(&self, out: &mut KeyBuf) {
        // Before 1970 both parts are negative.
        let (seconds, nanoseconds) = (self.as_second(), self.subsec_nanosecond());
        let borrow = i64::from(nanoseconds < 0);
        let nanoseconds = nanoseconds.rem_euclid(1_000_000_000).cast_unsigned();
        encode_instant(seconds - borrow, nanoseconds, out);
    }
}

stands_for_some!(Timestamp as Timestamp);

impl Key for Timestamp {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        let (seconds, nanoseconds) = decode_instant(input)?;
        i32::try_from(nanoseconds)
            .ok()
            .filter(|&nanoseconds| nanoseconds < 1_000_000_000)
            .and_then(|nanoseconds| Self::new(seconds, nanoseconds).ok())
            .ok_or(KeyDecodeError::Invalid {
                expected: "timestamp",
            })
    }
}
