extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act(
    /// What to add.
    numbers: &[f64],
) {
}

fn main() {}
