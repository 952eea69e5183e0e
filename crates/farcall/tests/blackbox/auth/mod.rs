//! Who may call.

mod access;
mod allowed;
mod chain;
mod named;
mod oauth;
mod tokens;
mod verifier;
