//! The parameters of a tool's function.

use std::{collections::HashSet, mem};

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, FnArg, Ident, Pat, PatType, Type, ext::IdentExt, punctuated::Punctuated};

use crate::{
    description,
    faults::Faults,
    keywords::{self, Keywords},
    nearest::suggestion,
    shape,
};

/// One parameter, as the function takes it.
pub(crate) enum Parameter {
    /// A `CallContext`, which the server gives.
    Context,
    /// A value, which the caller gives.
    Argument(Box<Argument>),
}

/// A parameter that callers see.
pub(crate) struct Argument {
    /// Its name in Rust.
    pub(crate) ident: Ident,
    ty: Type,
    description: Option<TokenStream>,
    keywords: Keywords,
    /// Attributes that the user wrote for serde or schemars.
    attributes: Vec<Attribute>,
}

/// Reads the parameters in order, and takes away from them what no function may have.
///
/// A parameter with a fault that leaves nothing to go on with is left out.
pub(crate) fn take<P>(inputs: &mut Punctuated<FnArg, P>, faults: &mut Faults) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    for input in inputs {
        // A receiver is a fault of the function, found with its signature.
        if let FnArg::Typed(input) = input {
            parameters.extend(read(input, faults));
        }
    }
    find_twins(&parameters, faults);
    parameters
}

fn read(input: &mut PatType, faults: &mut Faults) -> Option<Parameter> {
    if is_context(&input.ty) {
        return Some(context(input, faults));
    }
    let keywords = Keywords::take(&mut input.attrs, keywords::FIELD, Some(&input.ty), faults);
    let (for_field, mut left): (Vec<_>, Vec<_>) = mem::take(&mut input.attrs)
        .into_iter()
        .partition(|attribute| {
            let path = attribute.path();
            description::is_part(attribute) || path.is_ident("serde") || path.is_ident("schemars")
        });
    left.retain(|attribute| {
        let is_known = is_of_the_compiler(attribute);
        let name = attribute.path().to_token_stream().to_string();
        if matches!(name.as_str(), "cfg" | "cfg_attr") {
            let sentence =
                "a parameter cannot depend on a condition, because a tool has one schema";
            let hint = "put the condition on the function, and write one for each case";
            faults.add(attribute, sentence, hint);
        } else if !is_known {
            let sentence = format!("there is no keyword `{name}` for a parameter");
            let hint = suggestion(&name, keywords::FIELD);
            faults.add(attribute.path(), sentence, hint);
        }
        is_known
    });
    input.attrs = left;

    let type_is_fine = check_type(&input.ty, faults);
    let Pat::Ident(pattern) = &*input.pat else {
        faults.add(
            &input.pat,
            "a parameter without a name cannot be called by one",
            "give it a name, and take it apart in the body",
        );
        return None;
    };
    let description = description::of(&for_field);
    if description.is_none() {
        let sentence = format!("the parameter `{}` has no description", pattern.ident);
        let hint = "write a doc comment above it; agents choose its value by it";
        faults.add(&pattern.ident, sentence, hint);
    }
    let attributes = for_field.into_iter();
    let argument = Argument {
        ident: pattern.ident.clone(),
        ty: (*input.ty).clone(),
        description,
        keywords,
        attributes: attributes
            .filter(|attribute| !description::is_part(attribute))
            .collect(),
    };
    type_is_fine.then(|| Parameter::Argument(Box::new(argument)))
}

fn is_context(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_context(&reference.elem),
        _ => shape::last_segment(ty).is_some_and(|segment| segment.ident == "CallContext"),
    }
}

fn context(input: &mut PatType, faults: &mut Faults) -> Parameter {
    if let Type::Reference(_) = *input.ty {
        let sentence = "the context cannot be a reference, because it belongs to the call";
        faults.add(
            &input.ty,
            sentence,
            "take `CallContext`; it is cheap to clone",
        );
    }
    input.attrs.retain(|attribute| {
        let is_known = is_of_the_compiler(attribute);
        if !is_known && !description::is_part(attribute) {
            let sentence = "the context comes from the server, and has no keywords";
            faults.add(attribute, sentence, "remove it");
        }
        is_known
    });
    Parameter::Context
}

/// Whether the compiler takes the attribute on a parameter.
fn is_of_the_compiler(attribute: &Attribute) -> bool {
    const KNOWN: &[&str] = &["allow", "deny", "expect", "forbid", "warn"];
    let name = attribute.path().get_ident();
    // Paths of several names belong to tools, such as `rustfmt::skip`.
    name.is_none_or(|name| KNOWN.iter().any(|known| name == known))
}

/// Whether a value of this type can be made of a caller's arguments.
fn check_type(ty: &Type, faults: &mut Faults) -> bool {
    match ty {
        Type::Reference(reference) => {
            let owned = match &*reference.elem {
                Type::Slice(list) => format!("Vec<{}>", list.elem.to_token_stream()),
                inner => match inner.to_token_stream().to_string().as_str() {
                    "str" => "String".to_owned(),
                    "Path" => "PathBuf".to_owned(),
                    other => other.to_owned(),
                },
            };
            let sentence =
                "a parameter cannot be a reference, because arguments belong to the call";
            faults.add(ty, sentence, format!("take `{owned}`"));
            false
        }
        Type::ImplTrait(_) => {
            let sentence = "a parameter cannot be `impl Trait`, because its schema needs one type";
            faults.add(ty, sentence, "name a type");
            false
        }
        _ => true,
    }
}

fn find_twins(parameters: &[Parameter], faults: &mut Faults) {
    let mut names = HashSet::new();
    let mut headers = HashSet::new();
    for parameter in parameters {
        let Parameter::Argument(argument) = parameter else {
            continue;
        };
        let (name, place) = match &argument.keywords.rename {
            Some(name) => (name.value(), name.to_token_stream()),
            None => (
                argument.ident.unraw().to_string(),
                argument.ident.to_token_stream(),
            ),
        };
        // With attributes of serde, its name may be another one.
        if argument.attributes.is_empty() && !names.insert(name.clone()) {
            let sentence = format!("two parameters are called `{name}`");
            faults.add(place, sentence, "rename one of them");
        }
        if let Some(header) = &argument.keywords.header
            && !headers.insert(header.value().to_lowercase())
        {
            let sentence = format!(
                "two parameters are repeated in the header `{}`",
                header.value()
            );
            faults.add(header, sentence, "give each a header of its own");
        }
    }
}

impl Argument {
    /// The field of the struct that arguments are read into.
    pub(crate) fn field(&self) -> TokenStream {
        let Self {
            ident,
            ty,
            description,
            attributes,
            ..
        } = self;
        let default = self.default_name().to_string();
        let keywords = self.keywords.attributes(Some(&default));
        quote! {
            #[schemars(description = #description)]
            #keywords
            #(#attributes)*
            #ident: #ty
        }
    }

    /// The function that makes the default value, where there is one.
    pub(crate) fn default_function(&self) -> Option<TokenStream> {
        let body = self.keywords.default_body()?;
        let (name, ty) = (self.default_name(), &self.ty);
        Some(quote!(fn #name() -> #ty { #body }))
    }

    fn default_name(&self) -> Ident {
        format_ident!("farcall_default_of_{}", self.ident.unraw())
    }
}
