extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool(read_only, read_only = false)]
fn act() {}

fn main() {}
