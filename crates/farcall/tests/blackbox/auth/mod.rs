//! Who may call.

mod tokens;
mod verifier;
