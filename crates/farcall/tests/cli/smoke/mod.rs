//! `farcall smoke`.

mod broken;
mod credentials;
mod elsewhere;
mod finds;
mod named;
mod usage;
