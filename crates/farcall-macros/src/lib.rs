//! The attributes of farcall. Use them through the crate `farcall`, where they are documented.
//!
//! Each attribute goes the same way: `args` reads what stands in its parentheses, `function` or
//! `data` what stands under it, `keywords` what stands on each parameter or field. Whatever is
//! wrong goes into one list of `faults`, and all of it is reported in one run of the compiler.
//! Without faults, the attribute writes only what its user could have built by hand from
//! `farcall-core`.

mod args;
mod data;
mod description;
mod duration;
mod faults;
mod function;
mod job;
mod keywords;
mod name;
mod nearest;
mod options;
mod parameter;
mod shape;
mod tool;
mod value;

use proc_macro::TokenStream;

/// Makes a tool of a function.
///
/// Arguments: `name`, `title`, `read_only`, `destructive`, `idempotent`, `open_world`,
/// `time_limit`. Beside the function, a type of the same name implements `ToolFunction`.
#[proc_macro_attribute]
pub fn tool(arguments: TokenStream, item: TokenStream) -> TokenStream {
    tool::expand(arguments.into(), &item.into()).into()
}

/// Makes a job of a function that returns a `Pipeline`.
///
/// Arguments: `name`, `title`, `read_only`, `destructive`, `idempotent`, `open_world`,
/// and the fields of `JobOptions`. Beside the function, a type of the same name implements `JobFunction`.
#[proc_macro_attribute]
pub fn job(arguments: TokenStream, item: TokenStream) -> TokenStream {
    job::expand(arguments.into(), &item.into()).into()
}

/// Makes a struct or an enum fit for parameters, results and what passes between stages.
///
/// It derives `Clone`, `Debug`, `Serialize`, `Deserialize` and `JsonSchema`, and translates the
/// keyword attributes of fields.
#[proc_macro_attribute]
pub fn data(arguments: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(arguments.into(), &item.into()).into()
}
