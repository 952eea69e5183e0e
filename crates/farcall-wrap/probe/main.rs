//! What the tests run as other people's programs.
//!
//! It answers as a shim, so that tests need no other binary. `farcall-probe VERB ARGUMENTS…`; every
//! process of the verbs that stay prints `up` once it does what it is for.

#![expect(
    clippy::unwrap_used,
    reason = "a probe that cannot do its part has to say so, loudly"
)]
#![expect(
    clippy::zombie_processes,
    reason = "nobody waits for what is to be found and killed"
)]

mod attempt;
mod family;
mod hold;
mod measure;
mod report;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use rustix::process::{Signal, getpid, kill_process};

fn main() -> ExitCode {
    if let Some(outcome) = farcall_wrap::shim::main_if_asked() {
        return ExitCode::from(u8::from(outcome.is_err()));
    }
    let mut arguments = env::args_os().skip(1);
    let verb = arguments.next().unwrap_or_default().into_string().unwrap();
    // Only the report takes what is no text.
    let words = || -> Vec<String> {
        let words = env::args_os().skip(2);
        words.map(|word| word.into_string().unwrap()).collect()
    };
    match verb.as_str() {
        // What it was given: `argv`, `environment`, `cwd`, …, as JSON; and with what it can read.
        "report" => report::report(arguments, None),
        "report-input" => report::report(arguments, Some(io::stdin())),
        "exit" => return ExitCode::from(words()[0].parse::<u8>().unwrap()),
        "die" => kill_process(getpid(), Signal::KILL).unwrap(),
        "print" => print(words()[0].parse().unwrap()),
        "spin" => loop {
            std::hint::spin_loop();
        },
        // One thing that may be forbidden: `ok`, or what the system says.
        "attempt" => attempt::attempt(&words()),
        "bomb" => family::bomb(&words()[0]),
        "family" => family::family(&words()[0]),
        "hermit" => family::hermit(&words()[0]),
        "leave" => family::leave(&words()[0]),
        "parent" => family::parent(&words()[0]),
        "stubborn" => family::stubborn(),
        "wait" => family::wait(),
        // A server of one program.
        "hold" => hold::hold(&words()),
        "measure" => measure::measure(&words()),
        other => {
            say(&format!("there is no verb `{other}`"));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Fills standard output with so many bytes of digits, and standard error with a line.
fn print(count: usize) {
    let bytes: Vec<u8> = b"0123456789".iter().copied().cycle().take(count).collect();
    io::stdout().write_all(&bytes).unwrap();
    io::stderr().write_all(b"printed\n").unwrap();
}

/// Prints a line. A reader that is gone is no fault: tests kill it.
fn say(line: &str) {
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
