//! Everything that is wrong with one use of an attribute, reported together.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// The faults found so far, in order.
#[derive(Default)]
pub(crate) struct Faults(Option<Error>);

impl Faults {
    /// Adds a fault: what is wrong, in one sentence, and what to do.
    pub(crate) fn add(&mut self, place: impl ToTokens, sentence: impl Display, hint: impl Display) {
        self.absorb(Error::new_spanned(
            place,
            format!("{sentence}\nhint: {hint}"),
        ));
    }

    /// Adds a fault that the parser found.
    pub(crate) fn absorb(&mut self, error: Error) {
        match &mut self.0 {
            Some(faults) => faults.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// A `compile_error!` for each fault.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.map(Error::into_compile_error).unwrap_or_default()
    }
}
