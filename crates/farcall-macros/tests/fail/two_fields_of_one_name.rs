extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::data;

#[data]
struct Way {
    #[rename = "place"]
    source: String,
    #[rename = "place"]
    target: String,
}

fn main() {}
