//! What the attributes of a table say, as they say it: the syntax, and nothing of its sense.

use proc_macro2::{Span, TokenStream};
use syn::{
    Attribute, Data, DeriveInput, Fields, Ident, LitInt, LitStr, Path, Token, Type, bracketed,
    parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token,
};

use crate::{
    attributes::{self, each_entry, entries, set_once, unknown},
    errors::Errors,
};

const TABLE_ENTRIES: &str = "`name`, `key`, `index`, `version`, `from`, `ephemeral` and `crate`";
const INDEX_ENTRIES: &str = "`on`, `with`, `unique`, `each`, `sparse` and `when`";
const FIELD_INDEX_ENTRIES: &str = "`name`, `unique`, `each`, `sparse` and `when`";

/// The attributes of a struct and of its fields.
#[derive(Default)]
pub(super) struct Declared<'a> {
    pub(super) name: Option<LitStr>,
    pub(super) krate: Option<Path>,
    pub(super) version: Option<LitInt>,
    /// The structs of the versions before, the newest first, and where they are given.
    pub(super) former: Option<(Span, Vec<Type>)>,
    pub(super) ephemeral: Option<Span>,
    /// All primary keys that are given: the place, and the columns.
    pub(super) keys: Vec<(Span, Vec<DeclaredColumn>)>,
    pub(super) indexes: Vec<DeclaredIndex>,
    pub(super) fields: Vec<&'a syn::Field>,
}

/// One index.
pub(super) struct DeclaredIndex {
    /// Where the index stands, for what is wrong with all of it.
    pub(super) span: Span,
    pub(super) name: Option<Ident>,
    pub(super) columns: Option<DeclaredColumns>,
    /// Whether columns were to be given, be it that they could not be read.
    pub(super) has_columns: bool,
    pub(super) unique: Option<Span>,
    pub(super) each: Option<Span>,
    pub(super) sparse: Option<Span>,
    /// `when(function)`
    pub(super) when: Option<Path>,
}

/// A column: `a`, `desc(a)` or `each(a)`.
pub(super) struct DeclaredColumn {
    pub(super) field: Ident,
    pub(super) descending: Option<Span>,
    pub(super) each: Option<Span>,
}

pub(super) enum DeclaredColumns {
    /// `on(a, desc(b), each(c))`
    On(Vec<DeclaredColumn>),
    /// `with(function) -> Type`
    With(Box<(Path, Type)>),
}

impl<'a> Declared<'a> {
    /// `None` where the type cannot be a table at all.
    pub(super) fn parse(input: &'a DeriveInput, errors: &mut Errors) -> Option<Self> {
        let mut declared = Self::default();
        for attribute in &input.attrs {
            if attribute.path().is_ident("table") {
                declared.parse_table(attribute, errors);
            } else if is_of_fields(attribute) {
                let word = attributes::text_of(attribute);
                errors.at(
                    attributes::span(attribute),
                    format_args!(
                        "`#[{word}]` goes on a field; on the struct it is `#[table({word}(..))]`"
                    ),
                );
            }
        }
        for field in named_fields(input, errors)? {
            declared.parse_field(field, errors);
        }
        Some(declared)
    }

    fn parse_table(&mut self, attribute: &Attribute, errors: &mut Errors) {
        entries(attribute, errors, |word, input, errors| {
            match word.to_string().as_str() {
                "name" => set_once(&mut self.name, attributes::value(input)?, word, errors),
                "crate" => {
                    set_once(
                        &mut self.krate,
                        attributes::parse_crate(input)?,
                        word,
                        errors,
                    );
                }
                "version" => set_once(&mut self.version, attributes::value(input)?, word, errors),
                "ephemeral" => set_once(&mut self.ephemeral, word.span(), word, errors),
                "from" => {
                    let content;
                    parenthesized!(content in input);
                    let types = Punctuated::<Type, Token![,]>::parse_terminated(&content)?;
                    let types = types.into_iter().collect();
                    set_once(&mut self.former, (word.span(), types), word, errors);
                }
                "key" => self.keys.push((word.span(), columns(input)?)),
                "index" => {
                    let content;
                    parenthesized!(content in input);
                    let index = DeclaredIndex::parse(word, &content, errors)?;
                    self.indexes.push(index);
                }
                _ => return Err(unknown(word, TABLE_ENTRIES)),
            }
            Ok(())
        });
    }

    fn parse_field(&mut self, field: &'a syn::Field, errors: &mut Errors) {
        self.fields.push(field);
        let Some(ident) = &field.ident else { return };
        for attribute in &field.attrs {
            let path = attribute.path();
            if path.is_ident("key") {
                self.keys
                    .push((attributes::span(attribute), vec![DeclaredColumn::of(ident)]));
                entries(attribute, errors, |word, _, _| {
                    Err(syn::Error::new(
                        word.span(),
                        "`#[key]` on a field takes nothing; for several columns use `#[table(key(a, b))]`",
                    ))
                });
            } else if path.is_ident("index") {
                let index = DeclaredIndex::parse_on_field(attribute, ident, errors);
                self.indexes.push(index);
            } else if path.is_ident("table") {
                errors.at(
                    attributes::span(attribute),
                    "`#[table(..)]` goes on the struct; on a field there are `#[key]` and `#[index]`",
                );
            }
        }
    }
}

impl DeclaredIndex {
    fn new(span: Span) -> Self {
        Self {
            span,
            name: None,
            columns: None,
            has_columns: false,
            unique: None,
            each: None,
            sparse: None,
            when: None,
        }
    }

    /// `by_node_phase, on(node, phase), unique`, in the parentheses of `index`.
    fn parse(word: &Ident, input: ParseStream, errors: &mut Errors) -> syn::Result<Self> {
        let mut index = Self::new(word.span());
        let ahead = input.fork();
        let named = ahead.parse::<Ident>().is_ok() && (ahead.is_empty() || ahead.peek(Token![,]));
        if !named {
            return Err(input.error("expected the name of the index first, as in `index(by_node_phase, on(node, phase))`"));
        }
        let name = input.parse::<Ident>()?;
        index.span = name.span();
        index.name = Some(name);
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        each_entry(input, errors, |word, input, errors| {
            let word_text = word.to_string();
            let again = index.has_columns;
            index.has_columns |= matches!(word_text.as_str(), "on" | "with");
            let columns = match word_text.as_str() {
                "on" => DeclaredColumns::On(columns(input)?),
                "with" => {
                    let function = function(input)?;
                    input.parse::<Token![->]>().map_err(|error| {
                        syn::Error::new(
                            error.span(),
                            "expected the type of the key, as in `with(zone_of) -> String`",
                        )
                    })?;
                    DeclaredColumns::With(Box::new((function, input.parse()?)))
                }
                _ if index.parse_property(word, input, errors)? => return Ok(()),
                _ => return Err(unknown(word, INDEX_ENTRIES)),
            };
            if again {
                errors.at(
                    word.span(),
                    "an index is made `on` columns or `with` a function, once",
                );
            }
            index.columns = Some(columns);
            Ok(())
        });
        Ok(index)
    }

    /// `#[index(unique, name = by_something)]` on a field.
    fn parse_on_field(attribute: &Attribute, field: &Ident, errors: &mut Errors) -> Self {
        let mut index = Self::new(attributes::span(attribute));
        index.columns = Some(DeclaredColumns::On(vec![DeclaredColumn::of(field)]));
        entries(attribute, errors, |word, input, errors| {
            if word == "name" {
                set_once(&mut index.name, attributes::value(input)?, word, errors);
                Ok(())
            } else if index.parse_property(word, input, errors)? {
                Ok(())
            } else {
                Err(unknown(word, FIELD_INDEX_ENTRIES))
            }
        });
        index
    }

    /// Whether the word is one of the properties, which is then set.
    fn parse_property(
        &mut self,
        word: &Ident,
        input: ParseStream,
        errors: &mut Errors,
    ) -> syn::Result<bool> {
        let flag = match word.to_string().as_str() {
            "unique" => &mut self.unique,
            "each" => &mut self.each,
            "sparse" => &mut self.sparse,
            "when" => {
                set_once(&mut self.when, function(input)?, word, errors);
                return Ok(true);
            }
            _ => return Ok(false),
        };
        set_once(flag, word.span(), word, errors);
        Ok(true)
    }
}

impl DeclaredColumn {
    fn of(field: &Ident) -> Self {
        Self {
            field: field.clone(),
            descending: None,
            each: None,
        }
    }
}

impl Parse for DeclaredColumn {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let word: Ident = input.parse()?;
        let (descending, each) = (word == "desc", word == "each");
        if !(descending || each) || !input.peek(token::Paren) {
            return Ok(Self::of(&word));
        }
        let content;
        parenthesized!(content in input);
        let field = content.parse()?;
        if content.peek(token::Paren) {
            // One mistake is enough of it.
            content.parse::<TokenStream>()?;
            return Err(syn::Error::new(
                word.span(),
                "a column is `desc(a)` or `each(a)`, of a field as it is",
            ));
        }
        Ok(Self {
            field,
            descending: descending.then(|| word.span()),
            each: each.then(|| word.span()),
        })
    }
}

/// `(a, desc(b))` or `[a, desc(b)]`
fn columns(input: ParseStream) -> syn::Result<Vec<DeclaredColumn>> {
    let content;
    let span = if input.peek(token::Bracket) {
        bracketed!(content in input).span.join()
    } else {
        parenthesized!(content in input).span.join()
    };
    let columns = Punctuated::<DeclaredColumn, Token![,]>::parse_terminated(&content)?;
    if columns.is_empty() {
        return Err(syn::Error::new(span, "expected the names of fields"));
    }
    Ok(columns.into_iter().collect())
}

/// `(path)`
fn function(input: ParseStream) -> syn::Result<Path> {
    let content;
    parenthesized!(content in input);
    content.parse()
}

fn is_of_fields(attribute: &Attribute) -> bool {
    attribute.path().is_ident("index") || attribute.path().is_ident("key")
}

fn named_fields<'a>(
    input: &'a DeriveInput,
    errors: &mut Errors,
) -> Option<&'a Punctuated<syn::Field, Token![,]>> {
    let found = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Some(&fields.named),
            Fields::Unnamed(_) => "a tuple struct",
            Fields::Unit => "a struct without fields",
        },
        Data::Enum(_) => "an enum",
        Data::Union(_) => "a union",
    };
    errors.at(
        input.ident.span(),
        format_args!("a row is a struct with named fields, not {found}"),
    );
    None
}
