//! The values of keyword attributes.

use quote::ToTokens;
use syn::{
    Attribute, Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, Meta, Token, UnOp,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

use crate::faults::Faults;

/// One entry of `#[schema(key = value)]`; a key that is no Rust name stands in quotes.
pub(crate) struct Entry {
    pub(crate) key: LitStr,
    pub(crate) value: Expr,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = if input.peek(LitStr) {
            input.parse()?
        } else {
            let name = input.call(Ident::parse_any)?;
            LitStr::new(&name.unraw().to_string(), name.span())
        };
        if !input.peek(Token![=]) {
            let name = key.value();
            let fault = format!(
                "`{name}` takes a value\nhint: write `#[schema({name} = …)]`, with any value that serialises"
            );
            return Err(syn::Error::new(key.span(), fault));
        }
        input.parse::<Token![=]>()?;
        Ok(Self {
            key,
            value: input.parse()?,
        })
    }
}

/// The expression after `=`.
pub(crate) fn value(attribute: &Attribute, example: &str, faults: &mut Faults) -> Option<Expr> {
    if let Meta::NameValue(pair) = &attribute.meta {
        return Some(pair.value.clone());
    }
    let keyword = attribute.path().to_token_stream();
    let hint = format!("write `#[{keyword} = {example}]`");
    faults.add(attribute, format!("`{keyword}` takes a value"), hint);
    None
}

/// The text after `=`.
pub(crate) fn text(attribute: &Attribute, example: &str, faults: &mut Faults) -> Option<LitStr> {
    match value(attribute, &format!("\"{example}\""), faults)? {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text),
        other => {
            let keyword = attribute.path().to_token_stream();
            let hint = format!("write `#[{keyword} = \"{example}\"]`");
            faults.add(other, format!("`{keyword}` takes a text"), hint);
            None
        }
    }
}

/// The number after `=`, or an expression of one.
pub(crate) fn number(attribute: &Attribute, faults: &mut Faults) -> Option<Expr> {
    let bound = value(attribute, "1", faults)?;
    if !is_literal(&bound) || known_number(&bound).is_some() {
        return Some(bound);
    }
    let keyword = attribute.path().to_token_stream();
    let hint = format!("write `#[{keyword} = 1]`");
    faults.add(bound, format!("`{keyword}` takes a number"), hint);
    None
}

/// The whole number after `=`, or an expression of one.
pub(crate) fn length(attribute: &Attribute, faults: &mut Faults) -> Option<Expr> {
    let bound = value(attribute, "1", faults)?;
    let is_whole = |number: f64| number >= 0.0 && number.fract() == 0.0;
    if !is_literal(&bound) || known_number(&bound).is_some_and(is_whole) {
        return Some(bound);
    }
    let keyword = attribute.path().to_token_stream();
    let hint = format!("write `#[{keyword} = 1]`");
    faults.add(
        bound,
        format!("`{keyword}` takes a whole number from 0"),
        hint,
    );
    None
}

/// Whether the macro can see the value; a constant's or a call's it cannot.
fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::Lit(_) => true,
        Expr::Unary(ExprUnary { expr, .. }) => is_literal(expr),
        _ => false,
    }
}

/// The number that the expression is, where it can be seen.
pub(crate) fn known_number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit {
            lit: Lit::Float(number),
            ..
        }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => known_number(expr).map(|number| -number),
        _ => None,
    }
}
