//! Keyword attributes of parameters and fields, such as `#[min = 1]`.
//!
//! They become attributes of serde and schemars, so that one schema and one deserialiser come
//! from the same place.

use std::mem;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Expr, ExprLit, Lit, LitStr, Meta, Token, Type, punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{
    faults::Faults,
    shape::{Kind, Shape},
    value::{Entry, known_number, length, number, text, value},
};

/// The keywords of a parameter or a field.
pub(crate) const FIELD: &[&str] = &[
    "default",
    "example",
    "examples",
    "format",
    "header",
    "max",
    "max_length",
    "min",
    "min_length",
    "pattern",
    "rename",
    "schema",
];

/// The keywords of an enum's variant; `#[default]` there belongs to `derive(Default)`.
pub(crate) const VARIANT: &[&str] = &["rename", "schema"];

/// The keywords of a whole type.
pub(crate) const CONTAINER: &[&str] = &["schema"];

/// Where a default value comes from.
pub(crate) enum DefaultValue {
    /// `#[default]`: from the type.
    OfType,
    /// `#[default = …]`: from the expression.
    Of(Box<Expr>),
}

/// What the keywords of one parameter or field say.
#[derive(Default)]
pub(crate) struct Keywords {
    /// The value where the caller gives none.
    pub(crate) default: Option<DefaultValue>,
    /// The name for clients, where it is not the one in Rust.
    pub(crate) rename: Option<LitStr>,
    /// The HTTP header that repeats the value (SEP-2243).
    pub(crate) header: Option<LitStr>,
    examples: Vec<Expr>,
    schema: Vec<(LitStr, Expr)>,
}

impl Keywords {
    /// Takes the attributes that are one of `known` out of `attributes`, and reads them.
    ///
    /// `ty` is the type they stand on, where it is one.
    pub(crate) fn take(
        attributes: &mut Vec<Attribute>,
        known: &[&str],
        ty: Option<&Type>,
        faults: &mut Faults,
    ) -> Self {
        let is_known =
            |attribute: &Attribute| known.iter().any(|name| attribute.path().is_ident(name));
        let shape = ty.map_or(
            Shape {
                is_optional: false,
                kind: Kind::Unseen,
            },
            Shape::of,
        );
        let mut keywords = Self::default();
        let (taken, left): (Vec<_>, Vec<_>) = mem::take(attributes).into_iter().partition(is_known);
        *attributes = left;
        for attribute in taken {
            keywords.read(&attribute, shape, faults);
        }
        keywords.bounds_in_order(faults);
        keywords
    }

    /// The attributes for serde and schemars; `default` is the path of a function that makes
    /// the value of [`default`](Self::default).
    pub(crate) fn attributes(&self, default: Option<&str>) -> TokenStream {
        let rename = self
            .rename
            .as_ref()
            .map(|name| quote!(#[serde(rename = #name)]));
        let default = match (&self.default, default) {
            (Some(DefaultValue::Of(_)), Some(path)) => Some(quote!(#[serde(default = #path)])),
            (Some(_), _) => Some(quote!(#[serde(default)])),
            (None, _) => None,
        };
        let mut schema: Vec<_> = self
            .schema
            .iter()
            .map(|(key, value)| quote!(#key = #value))
            .collect();
        if !self.examples.is_empty() {
            let examples = &self.examples;
            schema.push(quote!("examples" = [#(#examples),*]));
        }
        let schema = (!schema.is_empty()).then(|| quote!(#[schemars(extend(#(#schema),*))]));
        quote!(#rename #default #schema)
    }

    /// The body of a function that makes the default value, where it needs one.
    pub(crate) fn default_body(&self) -> Option<TokenStream> {
        let DefaultValue::Of(value) = self.default.as_ref()? else {
            return None;
        };
        // Only a text is converted: `Into` would leave the type of a number open.
        let is_text = matches!(
            **value,
            Expr::Lit(ExprLit {
                lit: Lit::Str(_),
                ..
            })
        );
        Some(if is_text {
            quote!(::core::convert::Into::into(#value))
        } else {
            value.to_token_stream()
        })
    }

    fn read(&mut self, attribute: &Attribute, shape: Shape, faults: &mut Faults) {
        let keyword = attribute.path().to_token_stream().to_string();
        let Shape { is_optional, kind } = shape;
        match keyword.as_str() {
            "default" => self.read_default(attribute, is_optional, faults),
            "schema" => self.read_schema(attribute, faults),
            "rename" => {
                let name = text(attribute, "wire-name", faults);
                once(&mut self.rename, name, attribute, faults);
            }
            "header" => self.read_header(attribute, shape, faults),
            "example" => self.examples.extend(value(attribute, "3", faults)),
            "examples" => match value(attribute, "[\"a\", \"b\"]", faults) {
                Some(Expr::Array(list)) => self.examples.extend(list.elems),
                Some(other) => faults.add(
                    other,
                    "`examples` takes a list",
                    "write `#[examples = [1, 2]]`, or `#[example = 1]` for one",
                ),
                None => {}
            },
            "min" | "max" => {
                let fits = matches!(kind, Kind::Integer | Kind::Float | Kind::Unseen);
                let name = if keyword == "min" {
                    "minimum"
                } else {
                    "maximum"
                };
                if fits {
                    let bound = number(attribute, faults);
                    self.insert(&[name], bound, attribute, faults);
                } else {
                    let hint =
                        format!("`#[{keyword}_length = …]` limits how long a text or a list is");
                    faults.add(
                        attribute,
                        format!("`{keyword}` limits numbers, and this is none"),
                        hint,
                    );
                }
            }
            "min_length" | "max_length" => {
                let bound = length(attribute, faults);
                match lengths(&keyword, kind) {
                    [] => {
                        let hint =
                            format!("`#[{} = …]` limits how large a number is", &keyword[..3]);
                        let sentence =
                            format!("`{keyword}` limits texts and lists, and this is neither");
                        faults.add(attribute, sentence, hint);
                    }
                    names => self.insert(names, bound, attribute, faults),
                }
            }
            // `pattern` and `format` are called the same in the schema.
            _ if matches!(kind, Kind::Text | Kind::Unseen) => {
                let example = if keyword == "pattern" {
                    "^[a-z]+$"
                } else {
                    "uri"
                };
                let value = text(attribute, example, faults).map(|text| syn::parse_quote!(#text));
                self.insert(&[&keyword], value, attribute, faults);
            }
            _ => {
                let hint =
                    "take a `String`, or remove it; `#[schema(…)]` sets any keyword of a schema";
                faults.add(
                    attribute,
                    format!("`{keyword}` describes texts, and this is none"),
                    hint,
                );
            }
        }
    }

    fn read_default(&mut self, attribute: &Attribute, is_optional: bool, faults: &mut Faults) {
        if is_optional {
            return faults.add(
                attribute,
                "an `Option` is optional already, and its default is to be absent",
                "remove `default`, or take the type without `Option`",
            );
        }
        let default = match &attribute.meta {
            Meta::Path(_) => DefaultValue::OfType,
            Meta::NameValue(pair) => DefaultValue::Of(Box::new(pair.value.clone())),
            Meta::List(list) => {
                let hint = "write `#[default = …]`, or `#[default]` for the type's own";
                return faults.add(list, "`default` takes its value after `=`", hint);
            }
        };
        once(&mut self.default, Some(default), attribute, faults);
    }

    fn read_header(&mut self, attribute: &Attribute, shape: Shape, faults: &mut Faults) {
        let ty = match shape.kind {
            Kind::Text => Some("string"),
            Kind::Integer => Some("integer"),
            Kind::Bool => Some("boolean"),
            Kind::Unseen if !shape.is_optional => None,
            _ => {
                return faults.add(
                    attribute,
                    "a header repeats a text, an integer or a bool, and this is none",
                    "remove `header`; clients refuse a tool where it stands on anything else (SEP-2243)",
                );
            }
        };
        let Some(header) = text(attribute, "Region", faults) else {
            return;
        };
        let name = header.value();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(is_allowed) {
            let hint = "use letters, digits and `-`; the header is called `Mcp-Param-<this>`";
            return faults.add(
                header,
                format!("`{name}` cannot be part of a header's name"),
                hint,
            );
        }
        self.insert(
            &["x-mcp-header"],
            Some(syn::parse_quote!(#header)),
            attribute,
            faults,
        );
        self.header = Some(header);
        // Clients refuse a tool with a header on `["string", "null"]`.
        if let (true, Some(ty)) = (shape.is_optional, ty) {
            self.insert(&["type"], Some(syn::parse_quote!(#ty)), attribute, faults);
        }
    }

    fn read_schema(&mut self, attribute: &Attribute, faults: &mut Faults) {
        match attribute.parse_args_with(Punctuated::<Entry, Token![,]>::parse_terminated) {
            Ok(entries) => {
                for Entry { key, value } in entries {
                    let place = key.clone();
                    self.insert(&[&key.value()], Some(value), place, faults);
                }
            }
            Err(error) => faults.absorb(error),
        }
    }

    fn insert(
        &mut self,
        keys: &[&str],
        value: Option<Expr>,
        place: impl ToTokens,
        faults: &mut Faults,
    ) {
        let Some(value) = value else { return };
        for key in keys {
            if self.schema.iter().any(|(known, _)| known.value() == *key) {
                let sentence = format!("`{key}` is set twice in the schema");
                return faults.add(place, sentence, "remove one of them");
            }
            self.schema
                .push((LitStr::new(key, place.span()), value.clone()));
        }
    }

    fn bounds_in_order(&self, faults: &mut Faults) {
        let find = |name: &str| {
            let entry = self.schema.iter().find(|(key, _)| key.value() == name)?;
            Some((&entry.1, known_number(&entry.1)?))
        };
        for (low, high) in [
            ("minimum", "maximum"),
            ("minLength", "maxLength"),
            ("minItems", "maxItems"),
        ] {
            let (Some((_, low)), Some((place, high))) = (find(low), find(high)) else {
                continue;
            };
            if low > high {
                let sentence = format!("nothing is at least {low} and at most {high}");
                return faults.add(place, sentence, "swap the two");
            }
        }
    }
}

/// The names of a limit of length in the schema. On a type whose shape is not visible there are
/// two: JSON Schema ignores the one that does not fit.
fn lengths(keyword: &str, kind: Kind) -> &'static [&'static str] {
    let is_min = keyword == "min_length";
    match kind {
        Kind::Text if is_min => &["minLength"],
        Kind::Text => &["maxLength"],
        Kind::List if is_min => &["minItems"],
        Kind::List => &["maxItems"],
        Kind::Map if is_min => &["minProperties"],
        Kind::Map => &["maxProperties"],
        Kind::Unseen if is_min => &["minLength", "minItems"],
        Kind::Unseen => &["maxLength", "maxItems"],
        Kind::Integer | Kind::Float | Kind::Bool => &[],
    }
}

fn once<T>(slot: &mut Option<T>, value: Option<T>, attribute: &Attribute, faults: &mut Faults) {
    if value.is_some() && slot.is_some() {
        let name = attribute.path().to_token_stream();
        faults.add(
            attribute,
            format!("`{name}` is given twice"),
            "remove one of them",
        );
    }
    *slot = value;
}
