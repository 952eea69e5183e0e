extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn act(
    ctx: &farcall_core::context::CallContext,
) {
}

fn main() {}
