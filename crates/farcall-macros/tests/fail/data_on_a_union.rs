extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::data;

#[data]
union Both {
    a: u8,
    b: i8,
}

fn main() {}
