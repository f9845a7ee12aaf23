//! A table that makes sense: names resolved, types of keys known.

use std::collections::BTreeMap;

use proc_macro2::Span;
use quote::quote_spanned;
use syn::{
    DeriveInput, GenericArgument, Ident, Path, PathArguments, Type, Visibility, ext::IdentExt,
    parse_quote, spanned::Spanned,
};

use super::declared::{Declared, DeclaredColumn, DeclaredColumns, DeclaredIndex};
use crate::{
    attributes,
    errors::Errors,
    text::{at, snake_case},
};

/// The most columns of a key: the longest tuple that is a key.
const MAX_COLUMNS: usize = 8;

/// The longest name of a table.
const MAX_NAME_LEN: usize = 64;

/// The name of the constant for every row.
const ALL: &str = "ALL";

pub(super) struct Table<'a> {
    pub(super) ident: &'a Ident,
    pub(super) visibility: &'a Visibility,
    pub(super) krate: Path,
    pub(super) name: String,
    /// From 1 on.
    pub(super) version: u32,
    /// The structs of the versions before, the newest first; fewer than `version`.
    pub(super) former: Vec<Type>,
    /// Whether it is never in a file.
    pub(super) ephemeral: bool,
    pub(super) fields: Vec<Field<'a>>,
    /// The primary index, and then the others.
    pub(super) indexes: Vec<Index<'a>>,
}

#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
    /// As a column of an index: whether it sorts from the greatest to the least.
    pub(super) descending: bool,
    /// As a column of an index: whether each of its elements is a key.
    pub(super) each: bool,
}

pub(super) struct Index<'a> {
    pub(super) name: String,
    pub(super) constant: Ident,
    pub(super) source: Source<'a>,
    pub(super) unique: bool,
    /// Whether a row may have several entries.
    pub(super) each: bool,
    pub(super) sparse: bool,
    pub(super) when: Option<Path>,
}

/// Where the keys of an index come from.
pub(super) enum Source<'a> {
    Fields(Vec<Field<'a>>),
    Function(Box<(Path, Type)>),
}

impl Field<'_> {
    pub(super) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// What is in the option, if the type is written as one.
    pub(super) fn in_option(&self) -> Option<&Type> {
        in_option(self.ty)
    }
}

impl<'a> Table<'a> {
    pub(super) fn check(
        input: &'a DeriveInput,
        declared: Declared<'a>,
        errors: &mut Errors,
    ) -> Self {
        if !input.generics.params.is_empty() {
            errors.at(
                input.generics.span(),
                "a table has no generic parameters: its rows are of one type",
            );
        }
        let name = table_name(input, &declared, errors);
        let (version, former) = versions(&declared, errors);
        let fields: Vec<Field<'a>> = declared
            .fields
            .iter()
            .filter_map(|field| {
                let ident = field.ident.as_ref()?;
                Some(Field {
                    ident,
                    ty: &field.ty,
                    descending: false,
                    each: false,
                })
            })
            .collect();

        let mut check = Check {
            row: &input.ident,
            fields: &fields,
            constants: BTreeMap::from([(ALL.to_owned(), "the query for every row".to_owned())]),
            errors,
        };
        let mut indexes = Vec::new();
        indexes.extend(check.primary(&declared.keys));
        for index in declared.indexes {
            indexes.extend(check.index(index));
        }
        Self {
            ident: &input.ident,
            visibility: &input.vis,
            krate: attributes::crate_path(declared.krate),
            name,
            version,
            former,
            ephemeral: declared.ephemeral.is_some(),
            fields,
            indexes,
        }
    }
}

/// The version of the struct, and the structs of those before it.
fn versions(declared: &Declared<'_>, errors: &mut Errors) -> (u32, Vec<Type>) {
    let mut version = 1;
    if let Some(given) = &declared.version {
        match given.base10_parse() {
            Ok(number) if number > 0 => version = number,
            _ => errors.at(given.span(), "a version is a number from 1 on"),
        }
    }
    if let (Some(span), true) = (
        declared.ephemeral,
        declared.version.is_some() || declared.former.is_some(),
    ) {
        errors.at(
            span,
            "an `ephemeral` table is in no file, so there are no rows of another version",
        );
    }
    let Some((span, former)) = &declared.former else {
        return (version, Vec::new());
    };
    if former.is_empty() {
        errors.at(
            *span,
            "expected the structs of the versions before, the newest first, as in `from(PodV2, PodV1)`",
        );
    } else if let Some(first) = former.get(version as usize - 1) {
        errors.at(
            first.span(),
            format_args!(
                "this would be of version 0, for the struct is of version {version}; `version = ..` gives another"
            ),
        );
        return (version, Vec::new());
    }
    (version, former.clone())
}

/// Checks indexes, one after the other.
struct Check<'c, 'a> {
    row: &'a Ident,
    fields: &'c [Field<'a>],
    /// The constants so far, and what they are.
    constants: BTreeMap<String, String>,
    errors: &'c mut Errors,
}

impl<'a> Check<'_, 'a> {
    fn primary(&mut self, keys: &[(Span, Vec<DeclaredColumn>)]) -> Option<Index<'a>> {
        for (span, _) in keys.iter().skip(1) {
            self.errors.at(
                *span,
                "the primary key is already given; one of several columns is `#[table(key(a, b))]`",
            );
        }
        let Some((span, columns)) = keys.first() else {
            self.errors.at(
                self.row.span(),
                "a table needs a primary key: `#[key]` on a field, or `#[table(key(a, b))]`",
            );
            return None;
        };
        if let Some(each) = columns.iter().find_map(|column| column.each) {
            self.errors.at(
                each,
                "a row has one primary key: `each` is for the other indexes",
            );
        }
        let fields = self.columns(columns)?;
        let name = default_name(&fields);
        let constant = self.constant(&name, *span)?;
        Some(Index {
            name,
            constant,
            source: Source::Fields(fields),
            unique: true,
            each: false,
            sparse: false,
            when: None,
        })
    }

    fn index(&mut self, index: DeclaredIndex) -> Option<Index<'a>> {
        let mut source = match index.columns {
            None => {
                if !index.has_columns {
                    self.errors.at(
                        index.span,
                        "an index needs columns, `on(a, b)`, or a function, `with(function) -> Type`",
                    );
                }
                None
            }
            Some(DeclaredColumns::On(columns)) => self.columns(&columns).map(Source::Fields),
            Some(DeclaredColumns::With(computed)) => Some(Source::Function(computed)),
        };
        if let (Some(Source::Fields(fields)), Some(each)) = (&mut source, index.each) {
            self.each(fields, each);
        }
        let alone = match &source {
            Some(Source::Fields(fields)) => fields.len() == 1 && fields[0].each,
            _ => index.each.is_some(),
        };
        if let Some(sparse) = index.sparse.filter(|_| alone) {
            self.errors.at(
                index.each.unwrap_or(sparse),
                "`each` and `sparse` do not go together: an empty collection has no entries anyway",
            );
        }
        if let (Some(Source::Fields(fields)), Some(sparse)) = (&source, index.sparse)
            && !alone
        {
            self.sparse(fields, sparse);
        }
        let (name, span) = match (&index.name, &source) {
            (Some(name), _) => {
                self.index_name(name);
                (name.unraw().to_string(), name.span())
            }
            (None, Some(Source::Fields(fields))) => (default_name(fields), index.span),
            (None, _) => return None,
        };
        let constant = self.constant(&name, span);
        let source = source?;
        let each = match &source {
            Source::Fields(fields) => fields.iter().any(|field| field.each),
            Source::Function(_) => index.each.is_some(),
        };
        Some(Index {
            name,
            constant: constant?,
            source,
            unique: index.unique.is_some(),
            each,
            sparse: index.sparse.is_some(),
            when: index.when,
        })
    }

    /// Puts the property `each` onto the column that it is for.
    fn each(&mut self, fields: &mut [Field<'a>], each: Span) {
        match fields {
            [field] if field.each => self.errors.at(each, "`each` is given twice"),
            [field] if field.descending => self
                .errors
                .at(each, "`each` takes a column as it is, not a descending one"),
            [field] => field.each = true,
            _ => self.errors.at(
                each,
                "`each` takes one column; of several, write `each(..)` around those that are collections",
            ),
        }
    }

    /// The fields of these names. Notes those that are not there, or are there twice.
    fn columns(&mut self, columns: &[DeclaredColumn]) -> Option<Vec<Field<'a>>> {
        let mut found: Vec<Field<'a>> = Vec::new();
        for DeclaredColumn {
            field,
            descending,
            each,
        } in columns
        {
            let name = field.unraw();
            let known = self.fields.iter().find(|other| other.ident.unraw() == name);
            match known {
                None => self.errors.at(
                    field.span(),
                    format_args!("`{}` has no field `{name}`", self.row),
                ),
                Some(known) if found.iter().any(|other| other.ident == known.ident) => {
                    self.errors
                        .at(field.span(), format_args!("column `{name}` is given twice"));
                }
                Some(known) => found.push(Field {
                    descending: descending.is_some(),
                    each: each.is_some(),
                    ..*known
                }),
            }
        }
        if let Some(column) = columns.get(MAX_COLUMNS) {
            self.errors.at(
                column.field.span(),
                format_args!("a key has at most {MAX_COLUMNS} columns"),
            );
        }
        (found.len() == columns.len()).then_some(found)
    }

    fn sparse(&mut self, fields: &[Field<'a>], sparse: Span) {
        if let [field] = fields {
            if field.in_option().is_none() {
                self.errors.at(
                    field.ty.span(),
                    "a `sparse` index leaves out `None`, so its column must be an `Option`",
                );
            }
        } else if fields
            .iter()
            .all(|field| field.each || field.in_option().is_none())
        {
            self.errors.at(
                sparse,
                "a `sparse` index leaves out `None`, so one of its columns must be an `Option`",
            );
        }
    }

    fn index_name(&mut self, name: &Ident) {
        let text = name.unraw().to_string();
        if text != text.to_lowercase() || !text.starts_with(char::is_alphabetic) {
            self.errors.at(
                name.span(),
                format_args!("`{text}` is not a name in snake case, such as `by_node`"),
            );
        }
    }

    /// The constant of an index of this name. Notes if it is taken.
    fn constant(&mut self, name: &str, span: Span) -> Option<Ident> {
        let constant = name.to_uppercase();
        let what = format!("the index `{name}`");
        if let Some(other) = self.constants.insert(constant.clone(), what.clone()) {
            if other == what {
                self.errors.at(
                    span,
                    format_args!("{what} is defined twice; `name = ..` gives another name"),
                );
            } else {
                self.errors.at(
                    span,
                    format_args!("the constant `{constant}` of {what} is that of {other}"),
                );
            }
            return None;
        }
        Some(Ident::new(&constant, span))
    }
}

fn default_name(fields: &[Field<'_>]) -> String {
    let names: Vec<String> = fields.iter().map(Field::name).collect();
    format!("by_{}", names.join("_"))
}

fn table_name(input: &DeriveInput, declared: &Declared<'_>, errors: &mut Errors) -> String {
    let (name, span) = match &declared.name {
        Some(name) => (name.value(), name.span()),
        None => (
            snake_case(&input.ident.unraw().to_string()),
            input.ident.span(),
        ),
    };
    let fits = |symbol: char| symbol.is_ascii_alphanumeric() || "_-.".contains(symbol);
    if name.is_empty() || name.len() > MAX_NAME_LEN || !name.chars().all(fits) {
        errors.at(
            span,
            format_args!(
                "`{name}` cannot name a table: 1 to {MAX_NAME_LEN} letters and digits of ASCII, `_`, `-` and `.`; \
                 give one with `#[table(name = \"..\")]`"
            ),
        );
    }
    name
}

/// What is in an `Option`, if the type is written as one.
fn in_option(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(inner) if last.ident == "Option" => Some(inner),
        _ => None,
    }
}

impl Index<'_> {
    /// The type of its key.
    pub(super) fn key_type(&self, krate: &Path) -> Type {
        match &self.source {
            Source::Function(computed) => computed.1.clone(),
            Source::Fields(fields) => {
                let columns = fields.iter().map(|field| self.column_type(field, krate));
                let mut columns: Vec<Type> = columns.collect();
                match columns.pop() {
                    Some(only) if columns.is_empty() => only,
                    last => parse_quote!((#(#columns,)* #last)),
                }
            }
        }
    }

    fn column_type(&self, field: &Field<'_>, krate: &Path) -> Type {
        let ty = field.ty;
        if field.each {
            let each = quote_spanned!(at(ty)=> <#ty as #krate::__private::Each>::Item);
            return parse_quote!(#each);
        }
        let inside = field.in_option().filter(|_| self.sparse).unwrap_or(ty);
        if field.descending {
            parse_quote!(::core::cmp::Reverse<#inside>)
        } else {
            inside.clone()
        }
    }
}
