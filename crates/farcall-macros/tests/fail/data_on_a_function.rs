extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::data;

#[data]
fn act() {}

fn main() {}
