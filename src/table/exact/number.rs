//! Numbers and bytes out of text.

use super::Kind;
use super::shape::Node;

/// An integer, as it was written.
pub(super) enum Integer {
    Signed(i128),
    Unsigned(u128),
}

/// Whether it is a type of integers.
pub(super) fn is_integer(node: &Node) -> bool {
    matches!(
        node,
        Node::I8
            | Node::I16
            | Node::I32
            | Node::I64
            | Node::I128
            | Node::U8
            | Node::U16
            | Node::U32
            | Node::U64
            | Node::U128
    )
}

/// The integer as one of this type, if it holds it.
pub(super) fn integer<'s>(node: &Node, value: Integer) -> Option<Kind<'s>> {
    let (signed, unsigned) = match value {
        Integer::Signed(value) => (Some(value), u128::try_from(value).ok()),
        Integer::Unsigned(value) => (i128::try_from(value).ok(), Some(value)),
    };
    let within = |bits: u32| {
        let most = i128::MAX >> (128 - bits);
        signed.filter(|value| (-most - 1..=most).contains(value))
    };
    let below = |bits: u32| unsigned.filter(|value| *value <= u128::MAX >> (128 - bits));
    match node {
        Node::I8 => within(8).map(Kind::Signed),
        Node::I16 => within(16).map(Kind::Signed),
        Node::I32 => within(32).map(Kind::Signed),
        Node::I64 => within(64).map(Kind::Signed),
        Node::I128 => signed.map(Kind::Signed),
        Node::U8 => below(8).map(Kind::Unsigned),
        Node::U16 => below(16).map(Kind::Unsigned),
        Node::U32 => below(32).map(Kind::Unsigned),
        Node::U64 => below(64).map(Kind::Unsigned),
        Node::U128 => unsigned.map(Kind::Unsigned),
        _ => None,
    }
}

/// A float that is no number, with its bits where they are told.
pub(super) fn float(text: &str) -> Option<(f64, Option<u64>)> {
    match text {
        "NaN" => Some((f64::NAN, None)),
        "inf" => Some((f64::INFINITY, None)),
        "-inf" => Some((f64::NEG_INFINITY, None)),
        _ => {
            let bits = text.strip_prefix("NaN:")?;
            let is_long = matches!(bits.len(), 8 | 16);
            let bits = u64::from_str_radix(bits, 16).ok().filter(|_| is_long)?;
            Some((f64::NAN, Some(bits)))
        }
    }
}

/// The bytes of hexadecimal digits.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: char| c.to_digit(16).map(|digit| digit as u8);
    let digits: Option<Vec<u8>> = text.chars().map(digit).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
