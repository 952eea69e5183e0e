//! The program of the harness is also the process that it kills, so that both are always in step.

use std::{
    env,
    process::{ExitCode, Termination},
    time::Duration,
};

use farcall::{App, RunnerOptions};

use super::{
    brew::{FIRST, Kitchen},
    rivalry,
};

/// The variable that says which part a process plays.
pub(crate) const PART: &str = "KILLS_PART";

/// Plays the part that the environment asks for; `None` where it asks for none.
///
/// # Panics
/// Where the part cannot be played.
pub fn play() -> Option<ExitCode> {
    let part = env::var(PART).ok()?;
    Some(match part.as_str() {
        "server" => serve(),
        "rivals" => {
            let runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            runtime.block_on(rivalry::run());
            ExitCode::SUCCESS
        }
        other => panic!("there is no part `{other}`"),
    })
}

fn serve() -> ExitCode {
    let kitchen = Kitchen::of_this_process(FIRST, None);
    let options = RunnerOptions {
        // Often enough that each life passes it.
        beat: Duration::from_millis(20),
        ..RunnerOptions::default()
    };
    let mut app = App::new("kills").runner(options);
    for job in kitchen.jobs() {
        app = app.add_job(job);
    }
    app.run().report()
}
