//! The program of the harness is also the process that it kills, so that both are always in step.

use std::{
    env,
    process::{ExitCode, Termination},
    time::Duration,
};

use farcall::{App, RunnerOptions};

use super::{
    brew::{FIRST, Kitchen},
    press, rivalry,
};

/// The variable that says which part a process plays.
pub(crate) const PART: &str = "KILLS_PART";

/// The variable with the lease of a server, in milliseconds, where it is not the usual one.
pub(crate) const LEASE: &str = "KILLS_LEASE";

/// Plays the part that the environment asks for; `None` where it asks for none.
///
/// # Panics
/// Where the part cannot be played.
pub fn play() -> Option<ExitCode> {
    // Of the programs of its servers, this is the shim, too.
    if let Some(outcome) = farcall_wrap::shim::main_if_asked() {
        return Some(ExitCode::from(u8::from(outcome.is_err())));
    }
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
    let usual = RunnerOptions::default();
    let lease = env::var(LEASE).map_or(usual.lease, |lease| {
        Duration::from_millis(lease.parse().unwrap())
    });
    let options = RunnerOptions {
        lease,
        sweep: usual.sweep.min(lease / 3),
        // Often enough that each life passes it.
        beat: Duration::from_millis(20),
        // Also what is still needed is old enough for this between two lives.
        tidy: Duration::from_millis(300),
        // Some are over and gone within a life.
        prune: Duration::from_millis(30),
        // Both happen: what the other version began is left to it, and taken over.
        adopt: Duration::from_millis(100),
        ..usual
    };
    let mut app = App::new("kills").runner(options);
    for job in kitchen.jobs() {
        app = app.add_job(job);
    }
    if let Some(folder) = env::var_os(press::FOLDER) {
        app = app.add_job(press::job(folder.into()));
    }
    if let Some(file) = env::var_os(press::FILE) {
        app = app.add_job(press::wrapped(file.as_ref()));
    }
    app.run().report()
}
