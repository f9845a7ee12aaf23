//! What differs between two things that come in the order of their keys, one by one.

use std::cmp::Ordering;

use crate::failure::Failure;

/// A key on the left only, on the right only, or on both.
pub enum Pair<T> {
    Left(T),
    Right(T),
    Both(T, T),
}

/// Goes through both together; `compare` says which of two comes first.
pub fn merge<T>(
    left: impl Iterator<Item = Result<T, Failure>>,
    right: impl Iterator<Item = Result<T, Failure>>,
    compare: impl Fn(&T, &T) -> Ordering,
    mut visit: impl FnMut(Pair<T>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return Ok(()),
            (Some(Ok(left)), Some(Ok(right))) => compare(left, right),
            // Errors end it, whichever side they are on.
            (Some(_), None) | (Some(Err(_)), _) => Ordering::Less,
            (None, Some(_)) | (_, Some(Err(_))) => Ordering::Greater,
        };
        let pair = match order {
            Ordering::Less => left.next().map(|left| left.map(Pair::Left)),
            Ordering::Greater => right.next().map(|right| right.map(Pair::Right)),
            Ordering::Equal => match (left.next(), right.next()) {
                (Some(left), Some(right)) => Some(left.and_then(|l| Ok(Pair::Both(l, right?)))),
                _ => None,
            },
        };
        match pair {
            Some(pair) => visit(pair?)?,
            None => return Ok(()),
        }
    }
}
