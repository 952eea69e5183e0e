extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act(
    /// How fast.
    #[minimum = 1]
    speed: u32,
) {
}

fn main() {}
