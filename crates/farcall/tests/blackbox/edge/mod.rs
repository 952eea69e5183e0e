//! What stands before every handler.

mod accepts;
mod connections;
mod cors;
mod foreign;
mod hosts;
mod limits;
mod methods;
