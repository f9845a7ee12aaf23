//! `#[derive(Key)]`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, Index, Member, Path, spanned::Spanned};

use crate::{attributes, errors::Errors, text::at};

/// The most variants an enum can have: their number is a `u16`.
const MAX_VARIANTS: usize = 1 << 16;

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let krate = crate_path(input, &mut errors);
    check(input, &mut errors);
    errors.report().unwrap_or_else(|| emit(input, &krate))
}

fn crate_path(input: &DeriveInput, errors: &mut Errors) -> Path {
    let mut given = None;
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("key")) {
        attributes::entries(attribute, errors, |word, entry, errors| {
            if word != "crate" {
                return Err(attributes::unknown(word, "`crate`"));
            }
            let path = attributes::parse_crate(entry)?;
            attributes::set_once(&mut given, path, word, errors);
            Ok(())
        });
    }
    attributes::crate_path(given)
}

fn check(input: &DeriveInput, errors: &mut Errors) {
    if !input.generics.params.is_empty() {
        errors.at(
            input.generics.span(),
            "a key has no generic parameters: its encoding is fixed",
        );
    }
    match &input.data {
        Data::Struct(data) if data.fields.is_empty() => errors.at(
            input.ident.span(),
            "a struct without fields has nothing to be a key with",
        ),
        Data::Enum(data) if data.variants.is_empty() => {
            errors.at(input.ident.span(), "an enum without variants has no keys");
        }
        Data::Enum(data) if data.variants.len() > MAX_VARIANTS => errors.at(
            input.ident.span(),
            format_args!("a key has at most {MAX_VARIANTS} variants"),
        ),
        Data::Union(data) => errors.at(data.union_token.span, "a union cannot be a key"),
        Data::Struct(_) | Data::Enum(_) => {}
    }
}

fn emit(input: &DeriveInput, krate: &Path) -> TokenStream {
    let name = &input.ident;
    let (encode, decode) = match &input.data {
        Data::Enum(data) => {
            let number: syn::Type = if data.variants.len() <= 256 {
                syn::parse_quote!(::core::primitive::u8)
            } else {
                syn::parse_quote!(::core::primitive::u16)
            };
            let mut encoding = Vec::new();
            let mut decoding = Vec::new();
            for (place, variant) in data.variants.iter().enumerate() {
                let ident = &variant.ident;
                let place = Index::from(place).index;
                let columns = Columns::of(&variant.fields, krate);
                let (pattern, encode) = (columns.pattern(), columns.encode());
                let value = columns.decode();
                let number_literal = if data.variants.len() <= 256 {
                    proc_macro2::Literal::u8_suffixed(place as u8)
                } else {
                    proc_macro2::Literal::u16_suffixed(place as u16)
                };
                encoding.push(quote! {
                    #name::#ident #pattern => {
                        #krate::__private::encode::<#number>(&#number_literal, __out);
                        #encode
                    }
                });
                decoding.push(quote!(#number_literal => #name::#ident #value,));
            }
            let expected = format!("variant number of `{name}`");
            (
                quote!(match self { #(#encoding)* }),
                quote! {
                    match <#number as #krate::__private::Key>::decode(__input)? {
                        #(#decoding)*
                        #[allow(unreachable_patterns)]
                        _ => return ::core::result::Result::Err(
                            #krate::__private::KeyDecodeError::Invalid { expected: #expected },
                        ),
                    }
                },
            )
        }
        Data::Struct(data) => {
            let columns = Columns::of(&data.fields, krate);
            let (pattern, encode) = (columns.pattern(), columns.encode());
            let value = columns.decode();
            (
                quote! { let #name #pattern = self; #encode },
                quote!(#name #value),
            )
        }
        Data::Union(_) => return TokenStream::new(),
    };
    quote! {
        #[automatically_derived]
        impl #krate::__private::KeyOf<#name> for #name {
            fn encode(&self, __out: &mut #krate::__private::KeyBuf) {
                #encode
            }
        }

        #[automatically_derived]
        impl #krate::__private::KeyOf<::core::option::Option<#name>> for #name {
            fn encode(&self, __out: &mut #krate::__private::KeyBuf) {
                __out.push(1);
                #krate::__private::encode::<#name>(self, __out);
            }
        }

        #[automatically_derived]
        impl #krate::__private::Key for #name {
            fn decode(
                __input: &mut &[::core::primitive::u8],
            ) -> ::core::result::Result<Self, #krate::__private::KeyDecodeError> {
                ::core::result::Result::Ok(#decode)
            }
        }
    }
}

/// The fields of a struct or a variant.
struct Columns<'a> {
    members: Vec<(Member, syn::Ident, &'a syn::Type)>,
    krate: &'a Path,
}

impl<'a> Columns<'a> {
    fn of(fields: &'a Fields, krate: &'a Path) -> Self {
        let members = fields.members().zip(fields).enumerate();
        Self {
            members: members
                .map(|(place, (member, field))| {
                    (
                        member,
                        format_ident!("__field_{place}", span = Span::mixed_site()),
                        &field.ty,
                    )
                })
                .collect(),
            krate,
        }
    }

    /// `{ name: binding, .. }`, which also fits tuples and units.
    fn pattern(&self) -> TokenStream {
        let bindings = self
            .members
            .iter()
            .map(|(member, binding, _)| quote!(#member: #binding));
        quote!({ #(#bindings),* })
    }

    fn encode(&self) -> TokenStream {
        let krate = self.krate;
        let columns = self.members.iter().map(|(_, binding, ty)| {
            quote_spanned!(at(&ty)=> #krate::__private::encode::<#ty>(#binding, __out);)
        });
        quote!(#(#columns)*)
    }

    fn decode(&self) -> TokenStream {
        let krate = self.krate;
        let columns = self.members.iter().map(|(member, _, ty)| {
            quote_spanned!(at(&ty)=> #member: <#ty as #krate::__private::Key>::decode(__input)?)
        });
        quote!({ #(#columns),* })
    }
}
