extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act(
    /// Which user.
    #[cfg(unix)]
    uid: u32,
) {
}

fn main() {}
