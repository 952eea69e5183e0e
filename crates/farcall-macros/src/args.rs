//! What stands in the parentheses of an attribute.

use std::{collections::HashSet, time::Duration};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Expr, ExprLit, Lit, LitBool, LitStr, Meta, Path, Token, parse::Parser, parse_quote,
    punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    duration::{self, MAX_TIME_LIMIT},
    faults::Faults,
    nearest::suggestion,
    options,
};

/// The arguments of `#[tool]`.
pub(crate) const TOOL: &[&str] = &[
    "name",
    "title",
    "read_only",
    "destructive",
    "idempotent",
    "open_world",
    "time_limit",
    "crate",
];

/// The arguments of `#[job]`.
pub(crate) const JOB: &[&str] = &[
    "name",
    "title",
    "read_only",
    "destructive",
    "idempotent",
    "open_world",
    "keep_for",
    "retries",
    "retry_delay",
    "timeout",
    "queue_timeout",
    "on_lost",
    "priority",
    "concurrency",
    "slots",
    "unique_for",
    "cancel",
    "log",
    "wait",
    "inline_text",
    "expose",
    "isolation",
    "memory",
    "crate",
];

/// The arguments of `#[data]`.
pub(crate) const DATA: &[&str] = &["crate"];

/// The arguments of one attribute.
pub(crate) struct Arguments {
    /// Where `farcall` is found; generated code names nothing else.
    pub(crate) facade: Path,
    /// The name for clients, where it is not the function's.
    pub(crate) name: Option<LitStr>,
    /// How long a call may take.
    pub(crate) time_limit: Option<Duration>,
    /// What is said about a job, as assignments to the fields of `options`.
    pub(crate) options: Vec<TokenStream>,
    title: Option<LitStr>,
    read_only: Option<bool>,
    destructive: Option<bool>,
    idempotent: Option<bool>,
    open_world: Option<bool>,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            facade: parse_quote!(::farcall),
            name: None,
            time_limit: None,
            options: Vec::new(),
            title: None,
            read_only: None,
            destructive: None,
            idempotent: None,
            open_world: None,
        }
    }
}

impl Arguments {
    /// Reads the arguments, each of which must be one of `known`.
    pub(crate) fn parse(tokens: TokenStream, known: &[&str], faults: &mut Faults) -> Self {
        let mut arguments = Self::default();
        let metas = match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(metas) => metas,
            Err(error) => {
                faults.absorb(error);
                return arguments;
            }
        };
        let mut seen = HashSet::new();
        for meta in metas {
            let name = meta.path().to_token_stream().to_string();
            if !known.contains(&name.as_str()) {
                let sentence = format!("there is no argument `{name}`");
                faults.add(meta.path(), sentence, instead_of(&name, known));
            } else if seen.insert(name.clone()) {
                arguments.read(&name, &meta, faults);
            } else {
                let sentence = format!("`{name}` is given twice");
                faults.add(meta.path(), sentence, "remove one of them");
            }
        }
        arguments
    }

    fn read(&mut self, name: &str, meta: &Meta, faults: &mut Faults) {
        match name {
            "crate" => {
                if let Some(path) = path(meta, faults) {
                    self.facade = path;
                }
            }
            "name" => self.name = text(name, meta, faults),
            "title" => self.title = text(name, meta, faults),
            "read_only" => self.read_only = flag(name, meta, faults),
            "destructive" => self.destructive = flag(name, meta, faults),
            "idempotent" => self.idempotent = flag(name, meta, faults),
            "open_world" => self.open_world = flag(name, meta, faults),
            "time_limit" => self.time_limit = time_limit(meta, faults),
            option => {
                let core = self.private("core");
                let field = syn::Ident::new(option, meta.span());
                if let Some(value) = options::read(option, meta, &core, faults) {
                    self.options.push(quote!(options.#field = #value;));
                }
            }
        }
    }

    /// A path to what `farcall` passes on for generated code.
    pub(crate) fn private(&self, name: &str) -> Path {
        let facade = &self.facade;
        let name = syn::Ident::new(name, proc_macro2::Span::call_site());
        parse_quote!(#facade::__private::#name)
    }

    /// An expression of the `Annotations`.
    pub(crate) fn annotations(&self) -> TokenStream {
        let core = self.private("core");
        let title = self.title.as_ref();
        let title = optional(title.map(|title| quote!(::std::string::String::from(#title))));
        let read_only = optional(self.read_only);
        let destructive = optional(self.destructive);
        let idempotent = optional(self.idempotent);
        let open_world = optional(self.open_world);
        quote! {
            #core::tool::Annotations {
                title: #title,
                read_only_hint: #read_only,
                destructive_hint: #destructive,
                idempotent_hint: #idempotent,
                open_world_hint: #open_world,
            }
        }
    }
}

/// An expression of a `Duration`.
pub(crate) fn duration_expression(duration: Duration) -> TokenStream {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    quote!(::core::time::Duration::from_millis(#milliseconds))
}

/// What to write instead of an argument that there is not.
fn instead_of(name: &str, known: &[&str]) -> String {
    match name {
        "time_limit" if known == JOB => "remove it; a job may take as long as it needs".to_owned(),
        "keep_for" if known == TOOL => "remove it; only jobs are kept".to_owned(),
        job if known == TOOL && JOB.contains(&job) => {
            "remove it; only jobs can have it, with `#[job]`".to_owned()
        }
        _ => suggestion(name, known),
    }
}

fn optional(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

pub(crate) fn value(meta: &Meta) -> Option<&Expr> {
    match meta {
        Meta::NameValue(pair) => Some(&pair.value),
        _ => None,
    }
}

fn literal(meta: &Meta) -> Option<&Lit> {
    match value(meta) {
        Some(Expr::Lit(ExprLit { lit, .. })) => Some(lit),
        _ => None,
    }
}

fn path(meta: &Meta, faults: &mut Faults) -> Option<Path> {
    if let Some(Expr::Path(path)) = value(meta) {
        return Some(path.path.clone());
    }
    let hint = "write `crate = path::to::farcall`, without quotes";
    faults.add(meta, "`crate` takes a path", hint);
    None
}

pub(crate) fn text(name: &str, meta: &Meta, faults: &mut Faults) -> Option<LitStr> {
    if let Some(Lit::Str(text)) = literal(meta) {
        return Some(text.clone());
    }
    let sentence = format!("`{name}` takes a text");
    faults.add(meta, sentence, format!("write `{name} = \"…\"`"));
    None
}

pub(crate) fn flag(name: &str, meta: &Meta, faults: &mut Faults) -> Option<bool> {
    match (meta, literal(meta)) {
        (Meta::Path(_), _) => Some(true),
        (_, Some(Lit::Bool(LitBool { value, .. }))) => Some(*value),
        _ => {
            let hint = format!("write `{name}` or `{name} = false`");
            faults.add(meta, format!("`{name}` is true or false"), hint);
            None
        }
    }
}

pub(crate) fn duration(
    name: &str,
    meta: &Meta,
    example: &str,
    faults: &mut Faults,
) -> Option<Duration> {
    let text = text(name, meta, faults)?;
    duration::parse(&text.value())
        .map_err(|fault| faults.add(&text, fault, format!("write `{name} = \"{example}\"`")))
        .ok()
}

fn time_limit(meta: &Meta, faults: &mut Faults) -> Option<Duration> {
    let limit = duration("time_limit", meta, "20s", faults)?;
    if limit <= MAX_TIME_LIMIT {
        return Some(limit);
    }
    faults.add(
        value(meta),
        "a tool may take at most 90 s, because the way to it is cut when nothing is heard for longer",
        "make it a job: `#[job]` on a function that returns a `Pipeline`",
    );
    None
}

/// A path as serde and schemars take it in their attributes, as a text.
pub(crate) fn path_text(path: &Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}
