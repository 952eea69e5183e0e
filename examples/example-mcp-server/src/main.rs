//! A small server and all of it: `add`, `echo`, and a job that renders an animation.

mod animation;

use animation::render;
use farcall::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The answer of `add`.
#[data]
struct Sum {
    /// The sum of both numbers.
    sum: f64,
}

/// Add two numbers and return {"sum": a+b}.
#[tool(read_only, idempotent, open_world = false)]
async fn add(
    /// First number to add.
    a: f64,
    /// Second number to add.
    b: f64,
) -> Sum {
    Sum { sum: a + b }
}

/// The answer of `echo`.
#[data]
struct Echo {
    /// The text as it came.
    text: String,
}

/// Return the text as it came, to see that the way there and back works.
#[tool(read_only, idempotent, open_world = false)]
async fn echo(
    /// Text to send back.
    text: String,
) -> Echo {
    Echo { text }
}

fn main() -> farcall::Exit {
    App::new("example-mcp")
        .version(env!("CARGO_PKG_VERSION"))
        .tool::<add>()
        .tool::<echo>()
        .job::<render>()
        .run()
}
