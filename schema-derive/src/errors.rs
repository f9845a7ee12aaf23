//! Mistakes, collected so that a user sees all of them at once.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Errors {
    found: Option<syn::Error>,
}

impl Errors {
    /// Adds a mistake at a place in the source.
    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.add(syn::Error::new(span, message));
    }

    /// Adds a mistake that the parser found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.found {
            Some(found) => found.combine(error),
            None => self.found = Some(error),
        }
    }

    /// What the compiler shall report, if there is anything.
    pub(crate) fn report(self) -> Option<TokenStream> {
        self.found.map(syn::Error::into_compile_error)
    }
}
