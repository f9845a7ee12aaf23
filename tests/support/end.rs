//! The ends of transactions.

use std::thread;

use proptest::prelude::*;
use sapwood::{ChangeList, Database, Revision, Staged};

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Commit,
    Write,
    Drop,
    Error,
    Panic,
    /// Staged first, and ended on another thread or this one.
    Stage {
        fate: Fate,
        elsewhere: bool,
    },
}

/// What becomes of a staged transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Publish,
    /// At a revision so many after its own.
    At(u8),
    Discard,
}

pub(crate) fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        6 => Just(End::Commit),
        3 => Just(End::Write),
        1 => Just(End::Drop),
        1 => Just(End::Error),
        1 => Just(End::Panic),
        3 => staged_end(),
    ]
}

pub(crate) fn staged_end() -> impl Strategy<Value = End> {
    (fate(), any::<bool>()).prop_map(|(fate, elsewhere)| End::Stage { fate, elsewhere })
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => Just(Fate::Publish),
        3 => (0..5u8).prop_map(Fate::At),
        1 => Just(Fate::Discard),
    ]
}

/// Ends a staged transaction, which nobody saw before, and says at which revision it was published. The mirror, a database with the same rows, follows suit.
pub(crate) fn end_staged(
    db: &Database,
    one: Staged,
    fate: Fate,
    elsewhere: bool,
    mirror: Option<&Database>,
) -> Option<Revision> {
    let proposal = one.changes().unwrap().to_bytes();
    assert!(db.revision() < one.revision());
    assert!(db.try_begin_write().unwrap().is_none());
    let end = move || match fate {
        Fate::Publish => Some(one.publish().unwrap()),
        Fate::At(later) => {
            let at = Revision::new(one.revision().get() + u64::from(later));
            Some(one.publish_at(at).unwrap())
        }
        Fate::Discard => {
            one.discard();
            None
        }
    };
    let published = if elsewhere {
        thread::spawn(end).join().unwrap()
    } else {
        end()
    };
    if let (Some(at), Some(mirror)) = (published, mirror)
        && at > mirror.revision()
    {
        let changes = ChangeList::from_bytes(&proposal).unwrap();
        assert_eq!(mirror.apply(&changes, at).unwrap(), at);
    }
    published
}
