//! Who may call.

mod access;
mod allowed;
mod named;
mod oauth;
mod tokens;
mod verifier;
