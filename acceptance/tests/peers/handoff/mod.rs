//! What `handoff` prints, read by the clients that it is for; and the page, looked at in a browser.
//!
//! The clients are those that run without an account. `docs/reference/clients.md` names them, and what each said, from
//! the table of `farcall-server/src/connect`; the last test here holds that table to what is installed.

mod clients;
mod edge;
mod page;
mod readers;
