//! Values of leaves in memory.

use std::sync::Arc;

use super::super::super::page::{BucketRecord, PageRef, ValueBytes, ValueRun};

/// A value to put.
#[derive(Clone, Copy)]
pub(in super::super::super) enum NewValue<'a> {
    Bytes(&'a [u8]),
    Bucket(BucketRecord),
}

impl NewValue<'_> {
    pub(in super::super) fn is_bucket(&self) -> bool {
        matches!(self, Self::Bucket(_))
    }
}

/// A value of a leaf in memory.
pub(in super::super) enum Value<'n> {
    Inline(&'n [u8]),
    /// Not yet stored.
    Large(&'n [u8]),
    Run(ValueRun),
    Bucket(BucketRecord),
}

impl Value<'_> {
    pub(in super::super) fn is_bucket(&self) -> bool {
        matches!(self, Self::Bucket(_))
    }

    /// The pages that it has.
    pub(super) fn run(&self) -> Option<PageRef> {
        match self {
            Self::Run(value) => Some(value.run),
            Self::Inline(_) | Self::Large(_) | Self::Bucket(_) => None,
        }
    }
}

/// The bytes that a value takes in its entry.
pub(super) fn stored_len(value: NewValue<'_>, large_from: usize) -> usize {
    match value {
        NewValue::Bytes(bytes) if bytes.len() < large_from => bytes.len(),
        NewValue::Bytes(_) => ValueRun::LEN,
        NewValue::Bucket(_) => BucketRecord::LEN,
    }
}

/// A value as it lies in its entry; one that is too large is put by.
pub(super) fn keep<'v>(
    large: &mut Vec<Option<Arc<[u8]>>>,
    value: NewValue<'v>,
    large_from: usize,
) -> ValueBytes<'v> {
    match value {
        NewValue::Bytes(bytes) if bytes.len() < large_from => ValueBytes::Inline(bytes),
        NewValue::Bytes(bytes) => ValueBytes::Run(ValueRun {
            len: bytes.len() as u64,
            run: PageRef {
                page: park(large, Some(Arc::from(bytes))),
                pages: 0,
                checksum: 0,
            },
        }),
        NewValue::Bucket(record) => ValueBytes::Bucket(record),
    }
}

/// Puts a large value to the others, and gives its place.
pub(super) fn park(large: &mut Vec<Option<Arc<[u8]>>>, bytes: Option<Arc<[u8]>>) -> u64 {
    let place = large.iter().position(Option::is_none);
    let place = place.unwrap_or(large.len());
    if place == large.len() {
        large.push(bytes);
    } else {
        large[place] = bytes;
    }
    place as u64
}
