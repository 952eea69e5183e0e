//! `#[job]`: a function that returns a pipeline becomes a job.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{FnArg, ReturnType, spanned::Spanned};

use crate::{
    args::{self, Arguments},
    faults::Faults,
    function::Function,
    name,
};

/// What `#[job(arguments)]` on `item` becomes.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut faults = Faults::default();
    let arguments = Arguments::parse(arguments, args::JOB, &mut faults);
    let Some(function) = Function::parse(item, "job", &arguments, &mut faults) else {
        let errors = faults.into_compile_errors();
        return quote!(#errors #item);
    };
    function.check_name(arguments.name.as_ref(), name::job_fault, &mut faults);
    check_signature(&function, &mut faults);
    if !faults.is_empty() {
        let body = quote!(::core::unreachable!());
        return function.with_faults(faults, &implementation(&arguments, &function, &body));
    }
    let (item, companion) = (&function.item, function.companion());
    let implementation = implementation(&arguments, &function, &body(&arguments, &function));
    quote!(#item #companion #implementation)
}

fn check_signature(function: &Function, faults: &mut Faults) {
    let signature = &function.item.sig;
    if let Some(asyncness) = &signature.asyncness {
        let hint = "remove `async`; stages that are futures go into `.stage_async(…)`";
        faults.add(
            asyncness,
            "the function of a job only declares its stages",
            hint,
        );
    }
    let typed = signature
        .inputs
        .iter()
        .filter(|input| matches!(input, FnArg::Typed(_)));
    for input in typed {
        faults.add(
            input,
            "the function of a job has no parameters",
            "put them into a struct with `#[data]`, which is the `I` of `Pipeline<I, O>`",
        );
    }
    if let ReturnType::Default = signature.output {
        let sentence = "the function of a job returns its pipeline, and this returns nothing";
        faults.add(&signature.ident, sentence, "write `-> Pipeline<I, O>`");
    }
}

fn implementation(arguments: &Arguments, function: &Function, body: &TokenStream) -> TokenStream {
    let core = arguments.private("core");
    let (ident, conditions) = (&function.item.sig.ident, function.conditions());
    quote! {
        #(#conditions)*
        impl #core::job::JobFunction for #ident {
            fn job() -> #core::job::Job { #body }
        }
    }
}

fn body(arguments: &Arguments, function: &Function) -> TokenStream {
    let core = arguments.private("core");
    let annotations = arguments.annotations();
    let Function {
        item,
        name,
        description,
    } = function;
    // So that a type which is no pipeline is reported at the type.
    let mut ident = item.sig.ident.clone();
    ident.set_span(item.sig.ident.span().located_at(item.sig.output.span()));
    let pipeline = quote_spanned!(ident.span()=> #ident());
    let mut job = quote! {
        let mut job = #core::job::Job::new(#name, #description, #pipeline);
        job.annotations = #annotations;
    };
    let options = &arguments.options;
    if !options.is_empty() {
        job.extend(quote!(let options = &mut job.options; #(#options)*));
    }
    quote!(#job job)
}
