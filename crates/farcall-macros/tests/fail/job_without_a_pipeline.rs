extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::job;

/// Do something long.
#[job]
fn act() {}

fn main() {}
