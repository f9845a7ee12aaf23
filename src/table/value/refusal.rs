//! Why a value is not one of the new struct.

use std::fmt;

/// What did not fit, and where.
#[derive(Debug)]
pub(crate) struct ReadRefusal {
    /// The way from the row, the last step first.
    path: Vec<Step>,
    reason: Reason,
}

/// A step further in. Options are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To a field or a variant, by a name of the new struct if it has one for it.
    Name(String),
    Element(usize),
    Key,
    Value,
}

#[derive(Debug)]
enum Reason {
    /// The struct has a field that the value has not.
    Missing(&'static str),
    Other(String),
}

impl ReadRefusal {
    pub(super) fn new(reason: impl fmt::Display) -> Self {
        Self {
            path: Vec::new(),
            reason: Reason::Other(reason.to_string()),
        }
    }

    /// The same, seen from further out.
    pub(super) fn within(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    /// The way from the row to where it is.
    pub(crate) fn path(&self) -> impl Iterator<Item = &Step> {
        self.path.iter().rev()
    }

    /// The field that the new struct demands and the value does not have.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        match self.reason {
            Reason::Missing(field) => Some(field),
            Reason::Other(_) => None,
        }
    }
}

impl fmt::Display for ReadRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Missing(field) => write!(f, "missing field `{field}`"),
            Reason::Other(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ReadRefusal {}

impl serde::de::Error for ReadRefusal {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(reason)
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            path: Vec::new(),
            reason: Reason::Missing(field),
        }
    }
}
