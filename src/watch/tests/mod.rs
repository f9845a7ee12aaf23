//! Promises of the room that need a registry, which only the crate can make.

mod model;
mod scale;
mod sets;
#[cfg(feature = "async")]
mod tasks;
mod waiting;

use std::sync::Arc;

use super::{Registry, Watch};
use crate::key::{KeyBuf, KeyRange};

fn registry() -> Arc<Registry> {
    Arc::new(Registry::new())
}

fn prefix(bytes: &[u8]) -> KeyRange {
    KeyRange::Prefix(KeyBuf::from_slice(bytes))
}

fn span(start: &[u8], end: Option<&[u8]>) -> KeyRange {
    KeyRange::Span {
        start: KeyBuf::from_slice(start),
        end: end.map(KeyBuf::from_slice),
    }
}

/// A watch on one prefix of a registry, from version 0.
fn watch(registry: &Arc<Registry>, bytes: &[u8]) -> Watch {
    registry.register(prefix(bytes), 0)
}

/// Nobody is left, and the structures have given everything back.
fn assert_bare(registry: &Registry) {
    registry.check();
    assert!(registry.is_empty());
}
