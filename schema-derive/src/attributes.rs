//! How attributes are read: entries with commas between them, each of which begins with a word.

use proc_macro2::{Ident, Span, TokenTree};
use syn::{
    Attribute, Meta, Path, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

use crate::errors::Errors;

/// Reads all entries of an attribute `#[word(entry, entry)]`; `#[word]` has none.
pub(crate) fn entries(
    attribute: &Attribute,
    errors: &mut Errors,
    entry: impl FnMut(&Ident, ParseStream, &mut Errors) -> syn::Result<()>,
) {
    match &attribute.meta {
        Meta::Path(_) => {}
        Meta::List(_) => {
            let read = attribute.parse_args_with(|input: ParseStream| {
                each_entry(input, errors, entry);
                Ok(())
            });
            if let Err(error) = read {
                errors.add(error);
            }
        }
        Meta::NameValue(value) => errors.at(
            value.eq_token.span,
            "expected entries in parentheses, as in `#[index(unique)]`",
        ),
    }
}

/// Reads entries up to the end of `input`. One that is wrong is noted and passed over.
pub(crate) fn each_entry(
    input: ParseStream,
    errors: &mut Errors,
    mut entry: impl FnMut(&Ident, ParseStream, &mut Errors) -> syn::Result<()>,
) {
    while !input.is_empty() {
        let read = Ident::parse_any(input).and_then(|word| entry(&word, input, errors));
        let separated = read.and_then(|()| {
            if input.is_empty() {
                Ok(())
            } else {
                input.parse::<Token![,]>().map(drop)
            }
        });
        if let Err(error) = separated {
            errors.add(error);
            pass_over(input);
        }
    }
}

/// Goes on behind the next comma.
fn pass_over(input: ParseStream) {
    while !input.is_empty() {
        match input.parse::<TokenTree>() {
            Ok(TokenTree::Punct(punct)) if punct.as_char() == ',' => return,
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// Reads `= value`.
pub(crate) fn value<T: Parse>(input: ParseStream) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Sets what can be given once.
pub(crate) fn set_once<T>(slot: &mut Option<T>, value: T, word: &Ident, errors: &mut Errors) {
    if slot.is_some() {
        errors.at(word.span(), format_args!("`{word}` is given twice"));
    }
    *slot = Some(value);
}

/// The path to `sapwood`.
pub(crate) fn crate_path(given: Option<Path>) -> Path {
    given.unwrap_or_else(|| syn::parse_quote!(::sapwood))
}

/// The mistake of a word that is not known here.
pub(crate) fn unknown(word: &Ident, known: &str) -> syn::Error {
    syn::Error::new(
        word.span(),
        format_args!("unknown entry `{word}`; known are {known}"),
    )
}

/// A path that was given as `crate = path`.
pub(crate) fn parse_crate(input: ParseStream) -> syn::Result<Path> {
    input.parse::<Token![=]>()?;
    input.call(Path::parse_mod_style)
}

/// The place of an attribute's word.
pub(crate) fn span(attribute: &Attribute) -> Span {
    use syn::spanned::Spanned;
    attribute.meta.path().span()
}

/// An attribute's word.
pub(crate) fn text_of(attribute: &Attribute) -> String {
    attribute
        .path()
        .get_ident()
        .map_or_else(String::new, Ident::to_string)
}
