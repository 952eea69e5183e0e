extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::job;

/// Do something long.
#[job(isolation = "thread", memory = "1 GB")]
fn act() -> farcall_core::job::Pipeline<u8, u8> {
    farcall_core::job::Pipeline::new()
}

fn main() {}
