//! Source as text that does not depend on how it was laid out, and places in it.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;

/// Where the compiler shall report what is wrong with code about `tokens`. Names in that code still are those of the derive, also where a
/// macro made the tokens.
pub(crate) fn at(tokens: &impl Spanned) -> Span {
    Span::call_site().located_at(tokens.span())
}

/// Tokens as a person writes them: a blank between words and after commas, and nowhere else.
///
/// A file keeps the text of a type, so that it must not change with the formatting of the source.
pub(crate) fn text(tokens: TokenStream) -> String {
    let mut out = String::new();
    append(tokens, &mut out);
    out
}

fn append(tokens: TokenStream, out: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                append(group.stream(), out);
                out.push_str(close);
            }
            TokenTree::Punct(punct) => {
                out.push(punct.as_char());
                if matches!(punct.as_char(), ',' | ';') {
                    out.push(' ');
                }
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                if out.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
                    out.push(' ');
                }
                out.push_str(&token.to_string());
            }
        }
    }
}

/// A type's name in snake case: `HttpRoute` and `HTTPRoute` are both `http_route`.
pub(crate) fn snake_case(name: &str) -> String {
    let symbols: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (place, &symbol) in symbols.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| symbols[before]);
        let after = symbols.get(place + 1);
        let starts_word = before.is_some_and(|before| {
            !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
        });
        if symbol.is_uppercase() && starts_word && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(symbol.to_lowercase());
    }
    out
}

/// Words as a sentence has them: "`a`, `b` and `c`".
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} and {last}", words.join(", ")),
        None => String::new(),
    }
}
