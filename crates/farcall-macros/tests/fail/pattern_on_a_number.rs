extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act(
    /// How fast.
    #[pattern = "^[0-9]+$"]
    speed: u32,
) {
}

fn main() {}
