//! The function under `#[tool]` or `#[job]`: what both ask of it, and what both make beside it.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Item, ItemFn, LitStr, ReturnType, Signature, ext::IdentExt};

use crate::{args::Arguments, description, faults::Faults};

/// A function with its name and its description.
pub(crate) struct Function {
    /// The function, as it stays.
    pub(crate) item: ItemFn,
    /// The name for clients.
    pub(crate) name: String,
    /// An expression of the description.
    pub(crate) description: TokenStream,
}

impl Function {
    /// Reads `item`, which stands under the attribute called `attribute`, or finds that it is
    /// no function at all.
    pub(crate) fn parse(
        item: &TokenStream,
        attribute: &str,
        arguments: &Arguments,
        faults: &mut Faults,
    ) -> Option<Self> {
        let item = match syn::parse2::<Item>(item.clone()) {
            Ok(Item::Fn(function)) => function,
            Ok(other) => {
                let sentence = format!("`#[{attribute}]` stands on a function with a body");
                faults.add(
                    other,
                    sentence,
                    "move it to one, outside of `impl` and `trait`",
                );
                return None;
            }
            Err(error) => {
                faults.absorb(error);
                return None;
            }
        };
        check(&item.sig, attribute, faults);
        let description = description::of(&item.attrs);
        if description.is_none() {
            let sentence = format!("`{}` has no description", item.sig.ident);
            let hint = "write a doc comment above it; agents decide by it when to call it";
            faults.add(&item.sig.ident, sentence, hint);
        }
        Some(Self {
            name: name(&item, arguments.name.as_ref()),
            description: description.unwrap_or_default(),
            item,
        })
    }

    /// Checks the name by `rule`.
    pub(crate) fn check_name(
        &self,
        given: Option<&LitStr>,
        rule: fn(&str) -> Option<String>,
        faults: &mut Faults,
    ) {
        let Some(fault) = rule(&self.name) else {
            return;
        };
        let place = match given {
            Some(given) => given.to_token_stream(),
            None => self.item.sig.ident.to_token_stream(),
        };
        faults.add(place, fault, "write another one with `name = \"…\"`");
    }

    /// The type of the same name: the function has the value's name space, a braced struct
    /// only the type's.
    pub(crate) fn companion(&self) -> TokenStream {
        let (visibility, ident) = (&self.item.vis, &self.item.sig.ident);
        let conditions = self.conditions();
        quote! {
            #(#conditions)*
            #[allow(non_camel_case_types)]
            #[doc(hidden)]
            #visibility struct #ident {}
        }
    }

    /// The `#[cfg(…)]`s of the function, which hold for everything beside it.
    pub(crate) fn conditions(&self) -> Vec<&Attribute> {
        let attributes = self.item.attrs.iter();
        attributes
            .filter(|attribute| attribute.path().is_ident("cfg"))
            .collect()
    }

    /// What is written where something is wrong: the faults, and names for the rest of the
    /// program to find, so that nothing else is reported because of them.
    pub(crate) fn with_faults(&self, faults: Faults, implementation: &TokenStream) -> TokenStream {
        let errors = faults.into_compile_errors();
        if self.item.sig.receiver().is_some() {
            return errors;
        }
        let (item, companion) = (&self.item, self.companion());
        // What is not used may well be used when the faults are gone.
        quote!(#errors #[allow(unused)] #item #companion #implementation)
    }
}

fn name(item: &ItemFn, given: Option<&LitStr>) -> String {
    given.map_or_else(|| item.sig.ident.unraw().to_string(), LitStr::value)
}

fn check(signature: &Signature, attribute: &str, faults: &mut Faults) {
    let generics = &signature.generics;
    if let Some(safety) = &signature.unsafety {
        let hint = "write a safe function around it";
        faults.add(safety, format!("a {attribute} cannot be `unsafe`"), hint);
    }
    if let Some(abi) = &signature.abi {
        let hint = "remove `extern`";
        faults.add(abi, format!("a {attribute} is called from Rust only"), hint);
    }
    if !generics.params.is_empty() || generics.where_clause.is_some() {
        let place = quote!(#generics);
        let clause = &generics.where_clause;
        let place = if place.is_empty() {
            quote!(#clause)
        } else {
            place
        };
        let sentence =
            format!("a {attribute} cannot be generic, because its schema needs its types");
        faults.add(
            place,
            sentence,
            "name the types; owned ones need no lifetimes",
        );
    }
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        let sentence = format!("a {attribute} has no `self`");
        let hint =
            "move it out of `impl`, and keep what it needs in a `static` or behind a function";
        faults.add(receiver, sentence, hint);
    }
    if let ReturnType::Type(_, ty) = &signature.output
        && let syn::Type::ImplTrait(hidden) = &**ty
    {
        let sentence =
            format!("a {attribute} cannot return `impl Trait`, because its schema needs the type");
        faults.add(
            hidden,
            sentence,
            "name the type; write `async fn` for a future",
        );
    }
}
