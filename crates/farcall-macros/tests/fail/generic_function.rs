extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act<T: Clone>(
    /// What to do it with.
    thing: T,
) {
    drop(thing);
}

fn main() {}
