//! Points in time and spans of time.

use std::time::{Duration, SystemTime};

use super::{Key, KeyBuf, KeyDecodeError, KeyOf, option::stands_for_some};

/// Appends a point in time: seconds since 1970, rounded down, and the nanoseconds after them.
pub(super) fn encode_instant(seconds: i64, nanoseconds: u32, out: &mut KeyBuf) {
    KeyOf::<(i64, u32)>::encode(&(seconds, nanoseconds), out);
}

/// Reads what [`encode_instant`] wrote.
pub(super) fn decode_instant(input: &mut &[u8]) -> Result<(i64, u32), KeyDecodeError> {
    <(i64, u32)>::decode(input)
}

const NANOSECONDS: u32 = 1_000_000_000;

impl KeyOf<SystemTime> for SystemTime {
    fn encode(&self, out: &mut KeyBuf) {
        let (seconds, nanoseconds) = match self.duration_since(Self::UNIX_EPOCH) {
            Ok(after) => (
                i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                after.subsec_nanos(),
            ),
            Err(error) => {
                let before = error.duration();
                let seconds = 0_i64.saturating_sub_unsigned(before.as_secs());
                match before.subsec_nanos() {
                    0 => (seconds, 0),
                    part => (seconds.saturating_sub(1), NANOSECONDS - part),
                }
            }
        };
        encode_instant(seconds, nanoseconds, out);
    }
}

stands_for_some!(SystemTime as SystemTime);

impl Key for SystemTime {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        let (seconds, nanoseconds) = decode_instant(input)?;
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let second = if seconds < 0 {
            Self::UNIX_EPOCH.checked_sub(whole)
        } else {
            Self::UNIX_EPOCH.checked_add(whole)
        };
        second
            .filter(|_| nanoseconds < NANOSECONDS)
            .and_then(|second| second.checked_add(Duration::from_nanos(nanoseconds.into())))
            .ok_or(KeyDecodeError::Invalid {
                expected: "point in time",
            })
    }
}

impl KeyOf<Duration> for Duration {
    fn encode(&self, out: &mut KeyBuf) {
        KeyOf::<(u64, u32)>::encode(&(self.as_secs(), self.subsec_nanos()), out);
    }
}

stands_for_some!(Duration as Duration);

impl Key for Duration {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        let (seconds, nanoseconds) = <(u64, u32)>::decode(input)?;
        if nanoseconds < NANOSECONDS {
            Ok(Self::new(seconds, nanoseconds))
        } else {
            Err(KeyDecodeError::Invalid {
                expected: "duration",
            })
        }
    }
}
