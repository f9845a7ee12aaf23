//! Keys of the crate `chrono`.
#![cfg(feature = "chrono")]

use chrono::{DateTime, Utc};

use super::{
    Key, KeyBuf, KeyDecodeError, KeyOf,
    option::stands_for_some,
    time::{decode_instant, encode_instant},
};

impl KeyOf<DateTime<Utc>> for DateTime<Utc> {
    fn encode(&self, out: &mut KeyBuf) {
        encode_instant(self.timestamp(), self.timestamp_subsec_nanos(), out);
    }
}

stands_for_some!(DateTime<Utc> as DateTime<Utc>);

impl Key for DateTime<Utc> {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        let (seconds, nanoseconds) = decode_instant(input)?;
        Self::from_timestamp(seconds, nanoseconds).ok_or(KeyDecodeError::Invalid {
            expected: "point in time",
        })
    }
}
