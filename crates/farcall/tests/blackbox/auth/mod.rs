//! Who may call.

mod access;
mod allowed;
mod chain;
mod mapped;
mod named;
mod oauth;
mod tokens;
mod verifier;
