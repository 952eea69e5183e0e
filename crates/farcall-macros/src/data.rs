//! `#[data]`: a type for parameters, results and what passes between stages.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, Generics, Ident, Path, Token, parse_quote,
    punctuated::Punctuated,
};

use crate::{
    args::{self, Arguments, path_text},
    faults::Faults,
    keywords::{self, Keywords},
};

/// What `#[data(arguments)]` on `item` becomes.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut faults = Faults::default();
    let arguments = Arguments::parse(arguments, args::DATA, &mut faults);
    let Ok(mut item) = syn::parse2::<DeriveInput>(item.clone()) else {
        faults.add(
            item,
            "`#[data]` stands on a struct or an enum",
            "move it to one",
        );
        let errors = faults.into_compile_errors();
        return quote!(#errors #item);
    };
    if let Data::Union(data) = &item.data {
        let sentence = "`#[data]` stands on a struct or an enum";
        faults.add(data.union_token, sentence, "write an enum");
        let errors = faults.into_compile_errors();
        return quote!(#errors #item);
    }
    for lifetime in item.generics.lifetimes() {
        let sentence = "`#[data]` owns its values, because they are kept longer than a call";
        faults.add(
            lifetime,
            sentence,
            "use owned types, such as `String` for `&str`",
        );
    }
    let container = Keywords::take(&mut item.attrs, keywords::CONTAINER, None, &mut faults);
    let mut defaults = Defaults::of(&item);
    match &mut item.data {
        Data::Struct(data) => translate(&mut data.fields, &mut defaults, &mut faults),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                let known = keywords::VARIANT;
                let keywords = Keywords::take(&mut variant.attrs, known, None, &mut faults);
                add(&mut variant.attrs, &keywords.attributes(None));
                translate(&mut variant.fields, &mut defaults, &mut faults);
            }
        }
        Data::Union(_) => {}
    }
    let mut attributes = derives(&item.attrs, &arguments);
    attributes.append(&mut item.attrs);
    add(&mut attributes, &container.attributes(None));
    item.attrs = attributes;
    let defaults = defaults.into_implementation();
    let errors = faults.into_compile_errors();
    quote!(#errors #item #defaults)
}

/// Puts attributes of serde and schemars in the place of our keywords.
fn translate(fields: &mut Fields, defaults: &mut Defaults, faults: &mut Faults) {
    let (mut names, mut headers) = (HashSet::new(), HashSet::new());
    for field in fields {
        let known = keywords::FIELD;
        let mut keywords = Keywords::take(&mut field.attrs, known, Some(&field.ty), faults);
        // Only names that are written out: serde may have changed the others.
        if let Some(name) = &keywords.rename
            && !names.insert(name.value())
        {
            let sentence = format!("two fields are called `{}`", name.value());
            faults.add(name, sentence, "rename one of them");
            keywords.rename = None;
        }
        if let Some(header) = &keywords.header
            && !headers.insert(header.value().to_lowercase())
        {
            let sentence = format!("two fields are repeated in the header `{}`", header.value());
            faults.add(header, sentence, "give each a header of its own");
        }
        let default = defaults.add(field, &keywords);
        add(&mut field.attrs, &keywords.attributes(default.as_deref()));
    }
}

/// Appends `tokens`, which are attributes.
fn add(attributes: &mut Vec<Attribute>, tokens: &TokenStream) {
    let added: Attributes = parse_quote!(#tokens);
    attributes.extend(added.0);
}

struct Attributes(Vec<Attribute>);

impl syn::parse::Parse for Attributes {
    fn parse(input: syn::parse::ParseStream<'_>) -> syn::Result<Self> {
        input.call(Attribute::parse_outer).map(Self)
    }
}

/// The derives, without those that the user has written already, and where they find their crates.
fn derives(attributes: &[Attribute], arguments: &Arguments) -> Vec<Attribute> {
    let written: HashSet<String> = attributes.iter().flat_map(derived).collect();
    let [serde, schemars] = ["serde", "schemars"].map(|name| arguments.private(name));
    let derives: [(&str, Path); 5] = [
        ("Clone", parse_quote!(::core::clone::Clone)),
        ("Debug", parse_quote!(::core::fmt::Debug)),
        ("Serialize", parse_quote!(#serde::Serialize)),
        ("Deserialize", parse_quote!(#serde::Deserialize)),
        ("JsonSchema", parse_quote!(#schemars::JsonSchema)),
    ];
    let missing = derives
        .into_iter()
        .filter(|(name, _)| !written.contains(*name))
        .map(|(_, path)| path);
    let [serde, schemars] = [&serde, &schemars].map(path_text);
    vec![
        parse_quote!(#[derive(#(#missing),*)]),
        parse_quote!(#[serde(crate = #serde)]),
        parse_quote!(#[schemars(crate = #schemars)]),
    ]
}

/// The last names of the paths in a `#[derive(…)]`.
fn derived(attribute: &Attribute) -> Vec<String> {
    if !attribute.path().is_ident("derive") {
        return Vec::new();
    }
    let paths = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
    let paths = paths.into_iter().flatten();
    paths
        .filter_map(|path| Some(path.segments.last()?.ident.to_string()))
        .collect()
}

/// The functions that make default values. Derives only find them by a path from the type's own
/// place, so they are associated functions of the type.
struct Defaults {
    ident: Ident,
    generics: Generics,
    functions: Vec<TokenStream>,
}

impl Defaults {
    fn of(item: &DeriveInput) -> Self {
        Self {
            ident: item.ident.clone(),
            generics: item.generics.clone(),
            functions: Vec::new(),
        }
    }

    /// Adds the function for `field`, and gives the path to it, where it needs one.
    fn add(&mut self, field: &Field, keywords: &Keywords) -> Option<String> {
        let body = keywords.default_body()?;
        let name = format_ident!("farcall_default_{}", self.functions.len());
        let ty = &field.ty;
        let conditions = field
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("cfg"));
        self.functions
            .push(quote!(#(#conditions)* fn #name() -> #ty { #body }));
        let ident = &self.ident;
        let (_, generics, _) = self.generics.split_for_impl();
        let generics = generics.as_turbofish();
        Some(quote!(#ident #generics::#name).to_string())
    }

    fn into_implementation(self) -> TokenStream {
        if self.functions.is_empty() {
            return TokenStream::new();
        }
        let Self {
            ident,
            generics,
            functions,
        } = self;
        let (of, arguments, clause) = generics.split_for_impl();
        let arguments = arguments.to_token_stream();
        quote!(impl #of #ident #arguments #clause { #(#functions)* })
    }
}
