extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::data;

#[data(name = "label")]
struct Label {
    text: String,
}

fn main() {}
