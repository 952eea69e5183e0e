//! What the servers of the tests and the tests agree on.

use std::{fmt::Write, fs, path::Path};

/// The variable that names the file in which every stage writes down that it began.
pub const LOG: &str = "CRASH_SERVER_LOG";

/// The variable that names the folder of [gates](crate::gate).
pub const GATES: &str = "CRASH_SERVER_GATES";

/// The variable that says which [`PROGRAMS`] entry is offered.
pub const PROGRAM: &str = "CRASH_SERVER_PROGRAM";

/// The program of [`STAGES`].
pub const ORIGINAL: &str = "original";

/// The same job after a change: the third stage has another name, and there is one more.
pub const CHANGED: &str = "changed";

/// The same stages without anything kept between them: what a lost checkpoint would look like.
pub const UNDIVIDED: &str = "undivided";

/// Another job altogether.
pub const OTHER: &str = "other";

/// The same job, whose result is hardly kept.
pub const BRIEF: &str = "brief";

/// What [`PROGRAM`] may say.
pub const PROGRAMS: [&str; 5] = [ORIGINAL, CHANGED, UNDIVIDED, OTHER, BRIEF];

/// The stages of the job `assemble`, in order.
pub const STAGES: [&str; 4] = ["gathering", "writing notes", "sorting", "writing report"];

/// The stages after the change.
pub const CHANGED_STAGES: [&str; 5] = [
    "gathering",
    "writing notes",
    "putting in order",
    "looking again",
    "writing report",
];

/// The sentence with which a job fails that was asked to.
pub const FAILURE: &str = "this order asked to fail";

/// The [gate](crate::gate) of a job that takes the server with it.
pub const ABORTION: &str = "abortion";

/// The stages of the job `load` of the space server.
pub const LOAD_STAGES: [&str; 3] = ["beginning", "writing", "ending"];

/// The variable that says for how many seconds the space server keeps its jobs.
pub const KEEP_SECONDS: &str = "SPACE_SERVER_KEEP_SECONDS";

/// How many numbers there are; as text more than what an artifact gathers in memory.
const COUNT: usize = 20_000;

/// The numbers that the job of `seed` works on.
pub fn numbers(seed: u32) -> Vec<u32> {
    let next = |last: &u32| Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(seed), next)
        .take(COUNT)
        .collect()
}

/// Numbers as text, one a line.
pub fn lines(numbers: &[u32]) -> String {
    numbers.iter().fold(String::new(), |mut text, number| {
        writeln!(text, "{number}").unwrap();
        text
    })
}

/// The artifact `notes.txt` of the job of `seed`.
pub fn notes(seed: u32) -> String {
    lines(&numbers(seed))
}

/// The artifact `report.txt` of the job of `seed`.
pub fn report(seed: u32) -> String {
    let mut numbers = numbers(seed);
    numbers.sort_unstable();
    lines(&numbers)
}

/// The stages that have begun, in order, as `log` tells.
pub fn begun(log: &Path) -> Vec<String> {
    let log = fs::read_to_string(log).unwrap_or_default();
    log.lines().map(ToOwned::to_owned).collect()
}
