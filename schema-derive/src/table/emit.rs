//! The code of a table.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Path, Type};

use super::model::{Index, Source, Table};
use crate::text::{at, listed, text};

pub(super) fn emit(table: &Table<'_>) -> TokenStream {
    let constants = constants(table);
    let implementation = implementation(table);
    quote! {
        #constants
        #implementation
    }
}

/// The query for every row, and the handle of each index.
fn constants(table: &Table<'_>) -> TokenStream {
    let Table {
        ident,
        krate,
        visibility,
        ..
    } = table;
    let primary = table.indexes.first().map(|index| index.name.as_str());
    let primary = primary.unwrap_or_default();
    let all_doc = format!(
        "Every row of the table `{}`, in the order of its primary key.",
        table.name
    );
    let handles = table.indexes.iter().enumerate().map(|(number, index)| {
        let (constant, name) = (&index.constant, &index.name);
        let ty = index.key_type(krate);
        let doc = documentation(table, number, index);
        quote_spanned! {at(&ty)=>
            #[doc = #doc]
            #visibility const #constant: #krate::__private::Index<#ident, #ty> =
                #krate::__private::index::<#ident, #ty>(#number, #name);
        }
    });
    quote! {
        #[automatically_derived]
        #[allow(dead_code, private_interfaces)]
        impl #ident {
            #[doc = #all_doc]
            #visibility const ALL: #krate::__private::Query<#ident> =
                #krate::__private::all::<#ident>(#primary);
            #(#handles)*
        }
    }
}

fn documentation(table: &Table<'_>, number: usize, index: &Index<'_>) -> String {
    let kind = if number == 0 {
        "primary index"
    } else if index.unique {
        "unique index"
    } else {
        "index"
    };
    let source = match &index.source {
        Source::Fields(fields) => {
            let names: Vec<String> = fields.iter().map(super::model::Field::name).collect();
            let names = listed(names.iter().map(String::as_str));
            if index.each {
                format!("each element of {names}")
            } else {
                names
            }
        }
        Source::Function(computed) => {
            format!(
                "what `{}` makes of a row",
                text(computed.0.to_token_stream())
            )
        }
    };
    let sparse = if index.sparse {
        "; rows with `None` are left out"
    } else {
        ""
    };
    format!(
        "The {kind} `{}` of the table `{}`, on {source}{sparse}.",
        index.name, table.name
    )
}

fn implementation(table: &Table<'_>) -> TokenStream {
    let Table {
        ident, krate, name, ..
    } = table;
    let key = table.indexes.first().map(|index| index.key_type(krate));
    let encode_key = table.indexes.first().map(|index| {
        let (ty, columns) = (index.key_type(krate), columns(index));
        quote_spanned!(at(&ty)=> #krate::__private::encode::<#ty>(&#columns, out);)
    });
    let definition = definition(table);
    let entries = table.indexes.iter().enumerate().map(|(number, index)| {
        let entries = if number == 0 {
            quote!(out.push_primary();)
        } else {
            entries(index, krate)
        };
        let number = Literal::usize_unsuffixed(number);
        quote!(#number => { #entries })
    });
    let formats = table.indexes.iter().enumerate().map(|(number, index)| {
        let number = Literal::usize_unsuffixed(number);
        let format = format(index, krate);
        quote!(#number => { #format })
    });
    quote! {
        #[automatically_derived]
        impl #krate::__private::Table for #ident {
            type Key = #key;

            const NAME: &'static ::core::primitive::str = #name;

            fn definition() -> #krate::__private::TableDefinition {
                #definition
            }

            fn encode_key(&self, out: &mut #krate::__private::KeyBuf) {
                #encode_key
            }

            fn encode_index_keys(
                &self,
                index: ::core::primitive::usize,
                out: &mut #krate::__private::KeySet,
            ) {
                match index {
                    #(#entries)*
                    _ => {}
                }
            }

            fn format_key(&self, index: ::core::primitive::usize) -> #krate::__private::String {
                match index {
                    #(#formats)*
                    _ => #krate::__private::String::new(),
                }
            }
        }
    }
}

fn definition(table: &Table<'_>) -> TokenStream {
    let (krate, name) = (&table.krate, &table.name);
    let fields = table.fields.iter().map(|field| {
        let (name, ty) = (field.name(), text(field.ty.to_token_stream()));
        quote!((#name, #ty))
    });
    let indexes = table.indexes.iter().enumerate().map(|(number, index)| {
        let Index {
            name,
            unique,
            each,
            sparse,
            ..
        } = index;
        let properties = quote! {
            #krate::__private::Properties { unique: #unique, each: #each, sparse: #sparse }
        };
        match &index.source {
            Source::Fields(fields) => {
                let fields = fields.iter().map(super::model::Field::name);
                quote!(#krate::__private::index_on(#number, #name, &[#(#fields),*], #properties))
            }
            Source::Function(computed) => {
                let (function, ty) = &**computed;
                let function = text(function.to_token_stream());
                let ty = text(ty.to_token_stream());
                quote!(#krate::__private::index_with(#number, #name, #function, #ty, #properties))
            }
        }
    });
    quote!(#krate::__private::table(#name, &[#(#fields),*], &[#(#indexes),*]))
}

/// The columns of an index on fields, as what stands for its key.
fn columns(index: &Index<'_>) -> TokenStream {
    let Source::Fields(fields) = &index.source else {
        return TokenStream::new();
    };
    let columns: Vec<TokenStream> = fields
        .iter()
        .map(|field| {
            let ident = field.ident;
            quote!(self.#ident)
        })
        .collect();
    match columns.as_slice() {
        [only] => only.clone(),
        several => quote!((#(&#several),*)),
    }
}

/// What adds the entries of a row to `out`.
fn entries(index: &Index<'_>, krate: &Path) -> TokenStream {
    let ty = index.key_type(krate);
    let unique = index.unique;
    let push = |key: TokenStream| quote_spanned!(at(&ty)=> out.push::<#ty>(&#key, #unique););
    match &index.source {
        Source::Fields(_) if index.each => {
            let collection = each(index, krate);
            quote_spanned!(at(&ty)=> out.push_each::<#ty, _>(#collection, #unique);)
        }
        Source::Fields(_) if index.sparse => {
            let (some, key) = sparse(index);
            let push = push(key);
            quote!(if let #some { #push })
        }
        Source::Fields(_) => push(columns(index)),
        Source::Function(computed) => {
            let function = &computed.0;
            let made = quote!(#function(self));
            if index.each {
                quote_spanned!(at(&ty)=> out.push_each::<#ty, _>(#made, #unique);)
            } else if index.sparse {
                let push = push(quote!(__key));
                quote!(if let ::core::option::Option::Some(__key) = #made { #push })
            } else {
                push(made)
            }
        }
    }
}

/// What gives the columns of a row as text.
fn format(index: &Index<'_>, krate: &Path) -> TokenStream {
    let ty = index.key_type(krate);
    let one = |ty: &Type, key: TokenStream| quote_spanned!(at(&ty)=> #krate::__private::format::<#ty>(&#key));
    match &index.source {
        Source::Fields(_) if index.each => {
            let collection = each(index, krate);
            quote_spanned!(at(&ty)=> #krate::__private::format_each::<#ty, _>(#collection))
        }
        Source::Fields(fields) => {
            let types = fields.iter().map(|field| field.ty);
            let whole: Type = match fields.as_slice() {
                [only] => only.ty.clone(),
                _ => syn::parse_quote!((#(#types),*)),
            };
            one(&whole, columns(index))
        }
        Source::Function(computed) => {
            let function = &computed.0;
            let made = quote!(#function(self));
            if index.each {
                quote_spanned!(at(&ty)=> #krate::__private::format_each::<#ty, _>(#made))
            } else if index.sparse {
                one(&syn::parse_quote!(::core::option::Option<#ty>), made)
            } else {
                one(&ty, made)
            }
        }
    }
}

/// The elements of the collection that an index is on.
fn each(index: &Index<'_>, krate: &Path) -> TokenStream {
    let Source::Fields(fields) = &index.source else {
        return TokenStream::new();
    };
    let elements = fields.iter().map(|field| {
        let (ident, ty) = (field.ident, field.ty);
        quote_spanned!(at(&ty)=> <#ty as #krate::__private::Each>::each(&self.#ident))
    });
    quote!(#(#elements)*)
}

/// The pattern that fits where no column is `None`, with its value, and the key in its terms.
fn sparse(index: &Index<'_>) -> (TokenStream, TokenStream) {
    let Source::Fields(fields) = &index.source else {
        return Default::default();
    };
    let (mut patterns, mut values, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (place, field) in fields.iter().enumerate() {
        let ident = field.ident;
        if field.in_option().is_some() {
            let binding = format_ident!("__column_{place}");
            patterns.push(quote!(::core::option::Option::Some(#binding)));
            values.push(quote!(&self.#ident));
            keys.push(quote!(#binding));
        } else {
            keys.push(quote!(&self.#ident));
        }
    }
    let key = match keys.as_slice() {
        [only] => only.clone(),
        several => quote!((#(#several),*)),
    };
    (quote!((#(#patterns,)*) = (#(#values,)*)), key)
}
