extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::job;

/// Do something long.
#[job]
fn act<T: farcall_core::job::StageValue>() -> farcall_core::job::Pipeline<T, T> {
    farcall_core::job::Pipeline::new()
}

fn main() {}
