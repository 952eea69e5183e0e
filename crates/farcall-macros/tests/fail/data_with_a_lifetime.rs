extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::data;

#[data]
struct Label<'a> {
    text: std::borrow::Cow<'a, str>,
}

fn main() {}
