//! Descriptions, which are doc comments.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// An expression of the description that the doc comment in `attributes` gives, or `None` where
/// there is none or it is empty.
///
/// Lines are joined as they were written; the blank around the whole is cut.
pub(crate) fn of(attributes: &[Attribute]) -> Option<TokenStream> {
    let pieces: Vec<_> = attributes.iter().filter_map(piece).collect();
    let literals: Option<Vec<_>> = pieces.iter().copied().map(literal).collect();
    if let Some(lines) = literals {
        let text = lines.join("\n").trim().to_owned();
        return (!text.is_empty()).then(|| quote!(#text));
    }
    // `#[doc = include_str!("…")]`: its text is only known when the macro inside has run.
    Some(quote!(::core::concat!(#(#pieces, "\n"),*).trim()))
}

/// Whether the attribute is part of a doc comment.
pub(crate) fn is_part(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
}

fn piece(attribute: &Attribute) -> Option<&Expr> {
    match &attribute.meta {
        Meta::NameValue(doc) if is_part(attribute) => Some(&doc.value),
        _ => None,
    }
}

fn literal(piece: &Expr) -> Option<String> {
    let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = piece
    else {
        return None;
    };
    let text = text.value();
    if !text.contains('\n') {
        return Some(text.strip_prefix(' ').unwrap_or(&text).to_owned());
    }
    // A block comment: its lines may start with a star.
    let lines = text.lines().map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix('*').unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line)
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn described(attributes: &[Attribute]) -> Option<String> {
        of(attributes).map(|text| text.to_string())
    }

    #[test]
    fn lines_stay_as_they_were_written() {
        let attributes = [
            parse_quote!(#[doc = " One."]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc = "   - two"]),
        ];
        assert_eq!(described(&attributes).unwrap(), r#""One.\n\n  - two""#);
    }

    #[test]
    fn a_block_loses_its_stars() {
        let attributes = [parse_quote!(#[doc = "\n * One.\n * Two.\n "])];
        assert_eq!(described(&attributes).unwrap(), r#""One.\nTwo.""#);
    }

    #[test]
    fn blanks_are_no_description() {
        let attributes = [
            parse_quote!(#[doc = "  "]),
            parse_quote!(#[doc(hidden)]),
            parse_quote!(#[inline]),
        ];
        assert_eq!(described(&attributes), None);
    }
}
