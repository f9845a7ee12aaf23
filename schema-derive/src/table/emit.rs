//! The code of a table.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Ident, Path, Type};

use super::model::{Field, Index, Source, Table};
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
        let make = if index.each {
            quote!(index_of_several)
        } else {
            quote!(index)
        };
        quote_spanned! {at(&ty)=>
            #[doc = #doc]
            #visibility const #constant: #krate::__private::Index<#ident, #ty> =
                #krate::__private::#make(#number, #name);
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
            let names: Vec<String> = fields
                .iter()
                .map(|field| column_text(index, field))
                .collect();
            let names = listed(names.iter().map(String::as_str));
            if index.each && fields.len() == 1 {
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
    let when = index.when.as_ref().map_or_else(String::new, |when| {
        format!(
            "; only rows for which `{}` holds",
            text(when.to_token_stream())
        )
    });
    format!(
        "The {kind} `{}` of the table `{}`, on {source}{sparse}{when}.",
        index.name, table.name
    )
}

fn implementation(table: &Table<'_>) -> TokenStream {
    let Table {
        ident, krate, name, ..
    } = table;
    let key = table.indexes.first().map(|index| index.key_type(krate));
    let encode_key = table.indexes.first().map(|index| {
        let columns = columns(index).into_iter().map(|column| {
            let Column { value, ty, .. } = &column;
            let encode = column.method("encode", "encode_descending");
            quote_spanned!(at(ty)=> #krate::__private::#encode::<#ty>(&#value, __out);)
        });
        quote!(#(#columns)*)
    });
    let definition = definition(table);
    let (version, former) = (version(table), former(table));
    let ephemeral = table.ephemeral.then(|| {
        quote!(
            const EPHEMERAL: ::core::primitive::bool = true;
        )
    });
    let entries = table.indexes.iter().enumerate().map(|(number, index)| {
        let entries = if number == 0 {
            quote!(__out.push_primary();)
        } else {
            let entries = entries(index, krate);
            index.when.as_ref().map_or_else(
                || entries.clone(),
                |when| quote!(if #when(self) { #entries }),
            )
        };
        let number = Literal::usize_unsuffixed(number);
        quote!(#number => { #entries })
    });
    let formats = table.indexes.iter().enumerate().map(|(number, index)| {
        let number = Literal::usize_unsuffixed(number);
        let format = format(index, krate);
        quote!(#number => { #format })
    });
    let several = table.indexes.iter().enumerate();
    let several = several.filter(|(_, index)| index.each);
    let of_entries = several.map(|(number, index)| {
        let number = Literal::usize_unsuffixed(number);
        let format = format_entry(index, krate);
        quote!(#number => { #format })
    });
    let of_entries: Vec<TokenStream> = of_entries.collect();
    let format_entry = (!of_entries.is_empty()).then(|| {
        quote! {
            fn format_entry(
                &self,
                __index: ::core::primitive::usize,
                mut __entry: &[::core::primitive::u8],
            ) -> #krate::__private::String {
                match __index {
                    #(#of_entries)*
                    _ => {}
                }
                self.format_key(__index)
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #krate::__private::Table for #ident {
            type Key = #key;

            const NAME: &'static ::core::primitive::str = #name;

            #version

            #ephemeral

            fn definition() -> #krate::__private::TableDefinition {
                #definition
            }

            fn encode_key(&self, __out: &mut #krate::__private::KeyBuf) {
                #encode_key
            }

            fn encode_index_keys(
                &self,
                __index: ::core::primitive::usize,
                __out: &mut #krate::__private::KeySet,
            ) {
                match __index {
                    #(#entries)*
                    _ => {}
                }
            }

            fn format_key(&self, __index: ::core::primitive::usize) -> #krate::__private::String {
                match __index {
                    #(#formats)*
                    _ => #krate::__private::String::new(),
                }
            }

            #format_entry

            #former
        }
    }
}

/// The struct's version, where it is not the first.
fn version(table: &Table<'_>) -> Option<TokenStream> {
    let version = Literal::u32_unsuffixed(table.version);
    (table.version != 1).then(|| quote!(const VERSION: ::core::primitive::u32 = #version;))
}

/// What makes rows of earlier versions into those of now, step by step.
fn former(table: &Table<'_>) -> Option<TokenStream> {
    let krate = &table.krate;
    let arms = table.former.iter().enumerate().map(|(place, ty)| {
        let number = Literal::u32_unsuffixed(table.version - 1 - place as u32);
        // Each step says both types, so that the compiler can say which `From` is missing.
        let row = (quote!(__row), ty.to_token_stream());
        let next = table.former[..place].iter().rev();
        let next = next.map(ToTokens::to_token_stream).chain([quote!(Self)]);
        let (steps, _) = next.fold(row, |(row, from), to| {
            let step = quote_spanned! {at(ty)=>
                <#to as ::core::convert::From<#from>>::from(#row)
            };
            (step, to)
        });
        quote_spanned! {at(ty)=>
            #number => ::core::option::Option::Some(
                #krate::__private::Former::new(|__row: #ty| #steps),
            ),
        }
    });
    let arms: Vec<TokenStream> = arms.collect();
    (!arms.is_empty()).then(|| {
        quote! {
            fn former(
                __version: ::core::primitive::u32,
            ) -> ::core::option::Option<#krate::__private::Former<Self>> {
                match __version {
                    #(#arms)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
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
        let when = index.when.as_ref().map_or_else(
            || quote!(::core::option::Option::None),
            |when| {
                let when = text(when.to_token_stream());
                quote!(::core::option::Option::Some(#when))
            },
        );
        let properties = quote! {
            #krate::__private::Properties { unique: #unique, each: #each, sparse: #sparse, when: #when }
        };
        match &index.source {
            Source::Fields(fields) => {
                let fields = fields.iter().map(|field| column_text(index, field));
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
    let version = Literal::u32_unsuffixed(table.version);
    quote!(#krate::__private::table(#name, #version, &[#(#fields),*], &[#(#indexes),*]))
}

/// A column as it is written in the attribute; the only one that is `each` without it, for the index says so.
fn column_text(index: &Index<'_>, field: &Field<'_>) -> String {
    let alone = matches!(&index.source, Source::Fields(fields) if fields.len() == 1);
    if field.descending {
        format!("desc({})", field.name())
    } else if field.each && !alone {
        format!("each({})", field.name())
    } else {
        field.name()
    }
}

/// A column of an index on fields.
struct Column {
    /// The field, as a place.
    value: TokenStream,
    ty: Type,
    descending: bool,
    /// What the value is bound to where it is in an option that must not be `None`.
    binding: Option<Ident>,
    /// What each element is bound to where each is a key.
    element: Option<Ident>,
}

impl Column {
    /// One of two methods, by the order of the column.
    fn method(&self, ascending: &str, descending: &str) -> Ident {
        let name = if self.descending {
            descending
        } else {
            ascending
        };
        Ident::new(name, Span::call_site())
    }
}

/// The columns of an index on fields.
fn columns(index: &Index<'_>) -> Vec<Column> {
    let Source::Fields(fields) = &index.source else {
        return Vec::new();
    };
    let column = |(place, field): (usize, &Field<'_>)| {
        let ident = field.ident;
        let inside = field.in_option().filter(|_| index.sparse && !field.each);
        Column {
            value: quote!(self.#ident),
            ty: inside.unwrap_or(field.ty).clone(),
            descending: field.descending,
            binding: inside.map(|_| format_ident!("__column_{place}")),
            element: field.each.then(|| format_ident!("__element_{place}")),
        }
    };
    fields.iter().enumerate().map(column).collect()
}

/// What adds the entries of a row to `out`.
fn entries(index: &Index<'_>, krate: &Path) -> TokenStream {
    let unique = index.unique;
    match &index.source {
        Source::Fields(fields) if index.each && fields.len() == 1 => {
            let collections = columns(index).into_iter().map(|Column { value, ty, .. }| {
                quote_spanned!(at(&ty)=> __out.push_elements::<#ty>(&#value, #unique);)
            });
            quote!(#(#collections)*)
        }
        Source::Fields(_) => {
            let columns = columns(index);
            let encoded = columns.iter().map(|column| {
                let Column { value, ty, .. } = column;
                if let Some(element) = &column.element {
                    let item = quote_spanned!(at(ty)=> <#ty as #krate::__private::Each>::Item);
                    return quote_spanned!(at(ty)=> .key::<#item>(&#element));
                }
                let value = column
                    .binding
                    .as_ref()
                    .map_or_else(|| quote!(&#value), ToTokens::to_token_stream);
                let append = column.method("column", "descending_column");
                quote_spanned!(at(ty)=> .#append::<#ty>(#value))
            });
            let mut entry = quote!(__out.entry(#unique) #(#encoded)* .end(););
            for Column {
                value, ty, element, ..
            } in columns.iter().rev()
            {
                let Some(element) = element else { continue };
                entry = quote_spanned! {at(ty)=>
                    for #element in <#ty as #krate::__private::Each>::each(&#value) {
                        #entry
                    }
                };
            }
            if index.each {
                entry = quote!(#entry __out.sort(););
            }
            let sparse = columns
                .iter()
                .filter_map(|column| Some((column.binding.as_ref()?, &column.value)));
            let (bindings, values): (Vec<_>, Vec<_>) = sparse.unzip();
            if bindings.is_empty() {
                return entry;
            }
            quote! {
                if let (#(::core::option::Option::Some(#bindings),)*) = (#(&#values,)*) {
                    #entry
                }
            }
        }
        Source::Function(computed) => {
            let (function, ty) = &**computed;
            if index.each {
                quote_spanned!(at(ty)=> __out.push_each::<#ty, _>(#function(self), #unique);)
            } else if index.sparse {
                quote_spanned! {at(ty)=>
                    if let ::core::option::Option::Some(__key) = #function(self) {
                        __out.entry(#unique).key::<#ty>(&__key).end();
                    }
                }
            } else {
                quote_spanned!(at(ty)=> __out.entry(#unique).key::<#ty>(&#function(self)).end();)
            }
        }
    }
}

/// What gives the columns of a row as text.
fn format(index: &Index<'_>, krate: &Path) -> TokenStream {
    match &index.source {
        Source::Fields(fields) if index.each && fields.len() == 1 => {
            let collections = columns(index).into_iter().map(|Column { value, ty, .. }| {
                let each =
                    quote_spanned!(at(&ty)=> <#ty as #krate::__private::Each>::each(&#value));
                quote!(#krate::__private::format_each(#each))
            });
            quote!(#(#collections)*)
        }
        Source::Fields(_) => {
            let values = columns(index).into_iter().map(|column| {
                let Column { value, ty, .. } = &column;
                if column.element.is_none() {
                    return value.clone();
                }
                let each = quote_spanned!(at(ty)=> <#ty as #krate::__private::Each>::each(&#value));
                quote!(#krate::__private::elements(#each))
            });
            quote!(#krate::__private::format(&[#(&#values),*]))
        }
        Source::Function(computed) => {
            let function = &computed.0;
            if index.each {
                quote!(#krate::__private::format_each(#function(self)))
            } else {
                quote!(#krate::__private::format(&[&#function(self)]))
            }
        }
    }
}

/// What returns one entry of a row, in an index where it may have several, as text, if the entry is one.
fn format_entry(index: &Index<'_>, krate: &Path) -> TokenStream {
    let some = quote!(::core::option::Option::Some);
    match &index.source {
        Source::Fields(_) => {
            let columns = columns(index);
            let decoded = columns.iter().map(|column| {
                let ty = &column.ty;
                let decode = column.method("decode", "decode_descending");
                let ty = if column.element.is_some() {
                    quote_spanned!(at(ty)=> <#ty as #krate::__private::Each>::Item)
                } else {
                    ty.to_token_stream()
                };
                let element = column.element.as_ref();
                let name = element.map_or_else(|| quote!(_), ToTokens::to_token_stream);
                quote_spanned! {at(&column.ty)=>
                    let #some(#name) = #krate::__private::#decode::<#ty>(&mut __entry)
                }
            });
            // A column that is no collection is shown as the field has it.
            let values = columns.iter().map(|column| match &column.element {
                Some(element) => element.to_token_stream(),
                None => column.value.clone(),
            });
            quote! {
                if #(#decoded)&&* {
                    return #krate::__private::format(&[#(&#values),*]);
                }
            }
        }
        Source::Function(computed) => {
            let ty = &computed.1;
            quote_spanned! {at(ty)=>
                if let #some(__key) = #krate::__private::decode::<#ty>(&mut __entry) {
                    return #krate::__private::format(&[&__key]);
                }
            }
        }
    }
}
