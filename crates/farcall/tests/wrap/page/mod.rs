//! Pages of the documentation whose commands are run, as a reader would type them in an empty folder.
//!
//! Two kinds of fenced blocks count, in their order:
//!
//! - ` ```console `: a line that begins with `$ ` is typed, and the lines below it are what it prints, on
//!   standard output and standard error. Without any, only its end is looked at. What shows `error: ` has
//!   to fail, everything else must not. `farcall serve` stays, until the end of the page.
//! - ` ```toml farcall.toml `: a second word is the name of a file, which is written with what the block holds.
//!
//! Of what is shown, `…` stands for any text, and as a line of its own for any lines. Ids need not be the
//! same, and the port 8900 stands for the one that the system chose.

mod reading;
mod seen;
mod session;

pub(crate) use self::{
    reading::{Part, parts},
    seen::fits,
    session::Session,
};
