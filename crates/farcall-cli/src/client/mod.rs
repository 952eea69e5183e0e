//! A small MCP client, for the verbs that look at a server from outside and for tests.
//!
//! An [`Endpoint`] says where a server is and which headers it is sent, a [`Connection`] speaks
//! one [`Wire`] version with it, [`jobs`] drives what follows the job contract, and [`download`]
//! fetches what jobs leave. What goes wrong on the way becomes a [`Failure`](crate::Failure) that
//! says what to do about it; the SDK's own errors do not, so `diagnosis` asks the server again
//! by hand.
//!
//! Redirects are not followed, and no credential is ever part of a message.

mod connection;
mod diagnosis;
pub mod download;
mod endpoint;
pub mod jobs;
mod text;

pub(crate) use self::text::{one_line, without_queries, without_query};
pub use self::{
    connection::{CallError, ConnectError, Connection, ListedTool, Wire},
    endpoint::Endpoint,
};
pub(crate) use self::{
    diagnosis::{innermost, refused, unreachable, words, words_of},
    endpoint::{TOKEN_VARIABLES, is_in_the_clear, is_loopback, is_of_the_protocol},
};
