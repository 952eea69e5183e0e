//! Who may call.

mod allowed;
mod named;
mod tokens;
mod verifier;
