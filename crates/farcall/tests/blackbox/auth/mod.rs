//! Who may call.

mod access;
mod oauth;
mod tokens;
mod verifier;
