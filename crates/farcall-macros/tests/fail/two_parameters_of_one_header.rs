extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act(
    /// Where from.
    #[header = "Place"]
    source: String,
    /// Where to.
    #[header = "place"]
    target: String,
) {
}

fn main() {}
