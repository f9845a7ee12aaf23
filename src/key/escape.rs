//! Byte strings of any length, made prefix-free: `00` becomes `00 FF`, and the end is `00 01`.
//!
//! The end sorts below whatever can follow a shared beginning: below `00 FF`, and below every other byte. One byte would not do for an
//! end: without type tags the next column may begin with `FF`, and `"a"` followed by it would be `"a\0"`.

use super::{KeyBuf, KeyDecodeError};

/// Appends `bytes`, escaped, without an end: the common beginning of all that start with them.
#[inline]
pub(super) fn escape_prefix(bytes: &[u8], out: &mut KeyBuf) {
    if has_zero(bytes) {
        return escape_zeros(bytes, out);
    }
    out.extend_from_slice(bytes);
}

/// Whether any of the bytes is 0. Nearly never, and every string of every key is asked: so words at a time, without a call.
#[inline]
fn has_zero(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    // The highest bit of a byte that is 0, and perhaps of bytes above it.
    let zeros = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        word.wrapping_sub(ONES) & !word & (ONES << 7)
    };
    // The last word covers what the others leave over.
    let Some(last) = bytes.last_chunk() else {
        return bytes.contains(&0);
    };
    let (words, _) = bytes.as_chunks();
    words
        .iter()
        .fold(zeros(last), |any, word| any | zeros(word))
        != 0
}

#[cold]
fn escape_zeros(bytes: &[u8], out: &mut KeyBuf) {
    let mut runs = bytes.split(|&byte| byte == 0);
    if let Some(first) = runs.next() {
        out.extend_from_slice(first);
    }
    for run in runs {
        out.extend_from_slice(&[0, 0xFF]);
        out.extend_from_slice(run);
    }
}

/// Appends `bytes`, escaped, and the end.
#[inline]
pub(super) fn escape(bytes: &[u8], out: &mut KeyBuf) {
    escape_prefix(bytes, out);
    end(out);
}

/// Appends the end.
#[inline]
pub(super) fn end(out: &mut KeyBuf) {
    out.extend_from_slice(&[0, 1]);
}

/// Reads what [`escape`] wrote.
pub(super) fn unescape(input: &mut &[u8]) -> Result<Vec<u8>, KeyDecodeError> {
    let mut bytes = Vec::new();
    loop {
        let zero = input
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(KeyDecodeError::Truncated)?;
        let (run, rest) = input.split_at(zero);
        bytes.extend_from_slice(run);
        match rest {
            [0, 0xFF, rest @ ..] => {
                bytes.push(0);
                *input = rest;
            }
            [0, 1, rest @ ..] => {
                *input = rest;
                return Ok(bytes);
            }
            [_] | [] => return Err(KeyDecodeError::Truncated),
            _ => {
                return Err(KeyDecodeError::Invalid {
                    expected: "byte string",
                });
            }
        }
    }
}

/// How many of `bytes` the string that [`escape`] wrote at the beginning of `input` begins with. O(that number).
pub(super) fn common(bytes: &[u8], input: &[u8]) -> usize {
    let mut input = input.iter();
    let same =
        |&&byte: &&u8| input.next() == Some(&byte) && (byte != 0 || input.next() == Some(&0xFF));
    bytes.iter().take_while(same).count()
}
