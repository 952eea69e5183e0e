//! Everything that the official MCP conformance suite asks a server for, on farcall's public API
//! only: so what the suite sees is what any program gets.
//!
//! Names and contents are the suite's (`@modelcontextprotocol/conformance`), grouped here by what
//! they exercise.

mod completions;
mod jobs;
mod prompts;
mod resources;
mod samples;
mod tools;

use farcall::{App, Exit, RunnerOptions, Sessions, Updates};

fn main() -> Exit {
    let updates = Updates::default();
    let app = App::new("conformance-server")
        .version(env!("CARGO_PKG_VERSION"))
        // Clients before 2026-07-28 can be asked in a session only.
        .sessions(Sessions::default())
        // Jobs that wait for their caller hold their place.
        .runner(RunnerOptions {
            concurrency: 32,
            ..RunnerOptions::default()
        })
        .updates(&updates);
    let app = tools::register(app, &updates);
    let app = jobs::register(app);
    let app = prompts::register(app);
    let app = resources::register(app);
    completions::register(app).run()
}
