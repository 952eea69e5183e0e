//! What stands before every handler.

mod accepts;
mod connections;
mod cors;
mod hosts;
mod limits;
mod methods;
