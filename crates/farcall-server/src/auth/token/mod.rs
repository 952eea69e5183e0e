//! Signed tokens, and the keys that they are signed with.

pub(crate) mod fuzzing;
mod jwks;
mod jws;
mod jwt;
mod signature;

pub(super) use self::{
    jwks::{Keys, Published, Source},
    jwt::{Claims, Fault, LONGEST, Several, Span, Trust},
    signature::Algorithm,
};
