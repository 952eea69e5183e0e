extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act() -> impl Future<Output = u8> {
    async { 1 }
}

fn main() {}
