extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act(
    /// Where it is.
    (x, y): (f64, f64),
) {
}

fn main() {}
