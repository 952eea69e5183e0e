extern crate self as farcall;
#[path = "../facade/private.rs"]
pub mod __private;

use farcall_macros::tool;

#[tool(name = "draw it", readonly, time_limit = "1h")]
unsafe fn draw<T>(
    label: &str,
    /// How wide.
    #[min_length = 1]
    #[default = 3]
    width: Option<u32>,
    /// Where.
    #[minimum = 0]
    (x, y): (f64, f64),
) {
}

// Nothing else is reported because of them.
fn name_of<F: farcall_core::tool::ToolFunction>() -> String {
    F::tool().declaration.name
}

fn uses() -> String {
    name_of::<draw>()
}

fn main() {}
