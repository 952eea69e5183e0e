extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool(retries = 3)]
fn act() {}

fn main() {}
