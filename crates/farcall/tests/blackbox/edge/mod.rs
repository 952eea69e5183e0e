//! What stands before every handler.

mod accepts;
mod connections;
mod cors;
mod failures;
mod foreign;
mod hosts;
mod limits;
mod methods;
mod unread;
