extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

struct Machine;

impl Machine {
    /// Do something.
    #[tool]
    fn act(&self) {}
}

fn main() {}
