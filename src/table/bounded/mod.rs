//! A serializer and a deserializer around others, with limits, for a format that believes what it reads.
//!
//! A codec without names believes a length before it sees what the length is of. Three things would follow from a few hostile bytes: a string
//! of any length is allocated before its bytes are looked for, a sequence of elements that take no bytes goes on for ever, and a recursive type
//! overflows the stack. So, while reading, strings and bytes are taken from the input before they are copied, the elements of sequences
//! are counted, and nesting ends somewhere. What would not be read is not written either.
//!
//! The count of elements never refuses a row that could be written: an element that has bytes has at least one that belongs to no
//! element inside it, so these are no more than the row has bytes; the others are [`FREE_ELEMENTS`] at most.

mod read;
mod write;

use std::{cell::Cell, fmt};

pub(super) use read::Seed;
pub(super) use write::Writer;

/// How deep values may be nested in one row: options, structs, sequences and all else that holds values.
const MAX_DEPTH: u8 = 128;

/// How many elements of sequences a row may have beyond the number of its bytes: those without bytes, such as `()`.
const FREE_ELEMENTS: usize = 1 << 20;

/// What is left of the limits.
#[derive(Clone, Copy)]
struct Limits<'b> {
    elements: &'b Cell<usize>,
    depth: u8,
    /// Whether elements count here: those of a type of fixed length do not.
    counting: bool,
}

impl<'b> Limits<'b> {
    /// All of them, with room for so many elements.
    fn new(elements: &'b Cell<usize>) -> Self {
        Self {
            elements,
            depth: MAX_DEPTH,
            counting: false,
        }
    }

    /// The limits inside something of a fixed number of values.
    fn fixed(self) -> Result<Self, Refusal> {
        let depth = self.depth.checked_sub(1).ok_or(Refusal::TooDeep)?;
        Ok(Self {
            depth,
            counting: false,
            ..self
        })
    }

    /// The limits inside something of any number of values.
    fn sequence(self) -> Result<Self, Refusal> {
        Ok(Self {
            counting: true,
            ..self.fixed()?
        })
    }

    /// Takes an element off, if there is one.
    fn count(self, is_element: bool) -> Result<(), Refusal> {
        if self.counting && is_element {
            let left = self.elements.get().checked_sub(1);
            self.elements.set(left.ok_or(Refusal::TooMany)?);
        }
        Ok(())
    }

    fn around<I>(self, inner: I) -> Bounded<'b, I> {
        Bounded {
            inner,
            limits: self,
        }
    }
}

/// Any of serde's parts with the limits around it.
struct Bounded<'b, I> {
    inner: I,
    limits: Limits<'b>,
}

impl<'b, I> Bounded<'b, I> {
    /// The same limits around something else.
    fn with<J>(&self, inner: J) -> Bounded<'b, J> {
        self.limits.around(inner)
    }
}

/// Why a limit refuses a row.
#[derive(Clone, Copy)]
enum Refusal {
    TooDeep,
    TooMany,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "values are nested more than {MAX_DEPTH} levels deep"),
            Self::TooMany => write!(f, "more than {FREE_ELEMENTS} elements that take no bytes"),
        }
    }
}
