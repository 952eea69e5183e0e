//! Other people's code as tools and jobs.
//!
//! Each module turns one kind of declaration of `farcall.toml` into tools and jobs of the one
//! catalog, which never asks where they came from; [`isolate`] does the same for jobs that are not other
//! people's. Programs run as a supervised [`child`]: in a process
//! group of their own that ends with the server or with the lease of their job.

pub mod child;
pub mod command;
pub mod events;
#[doc(hidden)]
pub mod fuzzing;
pub mod isolate;
mod lines;
pub mod mount;
pub mod output;
pub mod parameter;
pub mod progress;
pub mod sandbox;
pub mod service;
pub mod shim;
mod stages;
pub mod text;
mod wire;
