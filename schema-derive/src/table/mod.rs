//! `#[derive(Table)]`.

mod declared;
mod emit;
mod model;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::errors::Errors;

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let declared = declared::Declared::parse(input, &mut errors);
    let model = declared.map(|declared| model::Table::check(input, declared, &mut errors));
    match (errors.report(), model) {
        (None, Some(model)) => emit::emit(&model),
        (report, _) => report.unwrap_or_default(),
    }
}
