//! `#[tool]`: a function becomes a tool.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Path, ReturnType, Type, parse_quote, spanned::Spanned};

use crate::{
    args::{self, Arguments, duration_expression, path_text},
    faults::Faults,
    function::Function,
    name,
    parameter::{self, Parameter},
    shape::last_segment,
};

/// What `#[tool(arguments)]` on `item` becomes.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut faults = Faults::default();
    let arguments = Arguments::parse(arguments, args::TOOL, &mut faults);
    let Some(mut function) = Function::parse(item, "tool", &arguments, &mut faults) else {
        let errors = faults.into_compile_errors();
        return quote!(#errors #item);
    };
    function.check_name(arguments.name.as_ref(), name::tool_fault, &mut faults);
    let parameters = parameter::take(&mut function.item.sig.inputs, &mut faults);
    let tool = Tool {
        core: arguments.private("core"),
        arguments: &arguments,
        function: &function,
        parameters: &parameters,
    };
    if !faults.is_empty() {
        return function.with_faults(
            faults,
            &tool.implementation(&quote!(::core::unreachable!())),
        );
    }
    let (item, companion) = (&function.item, function.companion());
    let conditions = function.conditions();
    let (record, implementation) = (tool.record(), tool.implementation(&tool.body()));
    quote! {
        // Clippy advises what a tool cannot follow: references, a struct of parameters, and not
        // to be `async`, which decides where it runs.
        #[allow(
            clippy::fn_params_excessive_bools,
            clippy::needless_pass_by_value,
            clippy::too_many_arguments,
            clippy::unused_async
        )]
        #item
        #companion
        // A scope of its own for names that the user's code must not meet.
        #(#conditions)*
        const _: () = {
            #record
            #implementation
        };
    }
}

struct Tool<'a> {
    core: Path,
    arguments: &'a Arguments,
    function: &'a Function,
    parameters: &'a [Parameter],
}

impl Tool<'_> {
    /// The struct that arguments are read into, and from whose fields the schema comes.
    fn record(&self) -> Option<TokenStream> {
        if !self.takes_arguments() {
            return None;
        }
        let [serde, schemars] = ["serde", "schemars"].map(|name| self.arguments.private(name));
        let [serde_path, schemars_path] = [&serde, &schemars].map(path_text);
        let fields = self.values().map(parameter::Argument::field);
        let defaults = self
            .values()
            .filter_map(parameter::Argument::default_function);
        Some(quote! {
            #[derive(#serde::Deserialize, #schemars::JsonSchema)]
            #[serde(crate = #serde_path)]
            #[schemars(crate = #schemars_path)]
            struct FarcallArguments { #(#fields),* }
            #(#defaults)*
        })
    }

    fn implementation(&self, body: &TokenStream) -> TokenStream {
        let (core, ident) = (&self.core, &self.function.item.sig.ident);
        quote! {
            impl #core::tool::ToolFunction for #ident {
                fn tool() -> #core::tool::Tool { #body }
            }
        }
    }

    fn body(&self) -> TokenStream {
        let core = &self.core;
        let Function {
            name, description, ..
        } = self.function;
        let (answer, shape) = self.answer();
        let annotations = self.arguments.annotations();
        let input_schema = self.takes_arguments().then(|| {
            quote! {
                declaration.input_schema =
                    #core::schema::of::<FarcallArguments>(#core::schema::Direction::Input);
            }
        });
        let time_limit = self.arguments.time_limit.map(|limit| {
            let limit = duration_expression(limit);
            quote!(declaration.time_limit = #limit;)
        });
        let output_schema = quote_spanned! {answer.span()=>
            <#answer as #core::content::ToolReturn<#shape>>::output_schema()
        };
        let handler = self.handler();
        quote! {
            let mut declaration = #core::tool::ToolDeclaration::new(#name, #description);
            #input_schema
            declaration.output_schema = #output_schema;
            declaration.annotations = #annotations;
            #time_limit
            #core::tool::Tool { declaration, handler: ::std::sync::Arc::new(#handler) }
        }
    }

    /// The closure that answers a call: an async function as it is, any other one on a thread
    /// where it may block.
    fn handler(&self) -> TokenStream {
        let core = &self.core;
        let result = quote!(
            ::core::result::Result<#core::content::ToolOutput, #core::problem::Problem>
        );
        let run = self.run();
        let body = if self.function.item.sig.asyncness.is_some() {
            quote!(::std::boxed::Box::pin(async move { #run }))
        } else {
            quote! {
                #core::tool::blocking(
                    ::core::clone::Clone::clone(&context),
                    move || -> #result { #run },
                )
            }
        };
        quote! {
            |context: #core::context::CallContext, arguments: #core::JsonObject|
                -> #core::BoxFuture<#result> { #body }
        }
    }

    fn run(&self) -> TokenStream {
        let core = &self.core;
        let read = if self.takes_arguments() {
            self.reading()
        } else {
            quote!(::core::mem::drop(arguments);)
        };
        let ident = &self.function.item.sig.ident;
        let values = self.parameters.iter().map(|parameter| match parameter {
            Parameter::Context => quote!(::core::clone::Clone::clone(&context)),
            Parameter::Argument(argument) => {
                let ident = &argument.ident;
                quote!(arguments.#ident)
            }
        });
        let waiting = self.function.item.sig.asyncness.map(|_| quote!(.await));
        let (answer, shape) = self.answer();
        let into_answer = quote_spanned! {answer.span()=>
            <#answer as #core::content::ToolReturn<#shape>>::into_answer
        };
        quote! {
            let _ = &context;
            #read
            #into_answer(#ident(#(#values),*)#waiting)
        }
    }

    /// Statements that make a `FarcallArguments` of the JSON object.
    ///
    /// The schema has been checked before. What may still not fit is a type that is narrower
    /// than its schema, such as `1.0` for an integer; the name in the message is the last key
    /// that was read.
    fn reading(&self) -> TokenStream {
        let core = &self.core;
        let [serde, serde_json] = ["serde", "serde_json"].map(|name| self.arguments.private(name));
        quote! {
            let mut name = ::std::string::String::new();
            let entries = ::core::iter::Iterator::inspect(
                ::core::iter::IntoIterator::into_iter(arguments),
                |entry| ::core::clone::Clone::clone_from(&mut name, &entry.0),
            );
            let arguments = <FarcallArguments as #serde::Deserialize>::deserialize(
                #serde::de::value::MapDeserializer::<_, #serde_json::Error>::new(entries),
            );
            let arguments = arguments.map_err(|fault| {
                #core::problem::Problem::user(::std::format!("`{name}`: {fault}"))
            })?;
        }
    }

    /// The type that the function returns, and the `Shape` of its `ToolReturn`.
    fn answer(&self) -> (Type, Type) {
        let ty = match &self.function.item.sig.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        // Left to itself, the compiler would take a `Result<u8, String>` as a value that
        // serialises, and callers would read `{"Err": "…"}` as a success.
        let is_result = last_segment(&ty).is_some_and(|segment| segment.ident == "Result");
        let core = &self.core;
        let shape = if is_result {
            parse_quote!(#core::content::Fallible)
        } else {
            parse_quote!(_)
        };
        (ty, shape)
    }

    fn takes_arguments(&self) -> bool {
        self.values().next().is_some()
    }

    fn values(&self) -> impl Iterator<Item = &parameter::Argument> {
        self.parameters
            .iter()
            .filter_map(|parameter| match parameter {
                Parameter::Context => None,
                Parameter::Argument(argument) => Some(&**argument),
            })
    }
}
