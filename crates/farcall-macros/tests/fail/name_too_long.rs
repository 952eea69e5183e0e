extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

/// Do something.
#[tool]
fn do_something_with_a_name_that_goes_on_and_on_until_nobody_reads_it() {}

fn main() {}
