extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act(
    /// How fast.
    #[default = Some(3)]
    speed: Option<u32>,
) {
}

fn main() {}
