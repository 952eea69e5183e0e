//! The life of a job.
//!
//! A module a step, in the order a job goes through them: [`queue`] takes it in, `claim`
//! gives it to a worker that has the `slots` it needs, `execute` runs its stages, which see it
//! through `host` and `ask` its caller, `report` keeps its progress, with the lines of its log that
//! are `unsaid`, `finish` ends it, or queues it again as `retry` says; `limits` says when it has to
//! stop early, `stop` tells it, and all of them `insist` where the
//! store may recover. `worker` keeps this process known, `maintenance` puts right what a crash left
//! behind, and [`runner`] starts and stops it all. [`contract`] is what callers see: tools from one declaration;
//! [`task`] is the same job to a client that knows tasks, and [`follow`] tells it of changes;
//! who waits is told by `watch`. What [`operators`] see and do is for verbs and for HTTP.

mod ask;
mod claim;
pub mod contract;
mod execute;
mod finish;
pub mod follow;
mod host;
mod insist;
mod limits;
pub mod links;
mod maintenance;
pub mod operators;
mod processes;
pub mod programs;
pub mod queue;
mod report;
mod retry;
pub mod runner;
mod slots;
mod stop;
pub mod task;
mod unsaid;
mod watch;
mod worker;

pub use self::{
    follow::Following,
    links::{LinkKeys, Links},
    maintenance::look_on,
    programs::Programs,
    queue::Queue,
    runner::{Runner, RunnerOptions, Standing, StartError},
    task::Tasks,
};

/// Every crash point of this crate, for [`farcall_core::crash_point!`], in the order of a job's
/// life: before a job is kept and after it, before a claim is worked on, after a stage was entered,
/// before the lease is renewed, after the files of a failed job are gone.
pub const CRASH_POINTS: &[&str] = &[
    "queue.start.begun",
    "queue.start.kept",
    "claim.handed",
    "execute.stage.entered",
    "worker.beat.begun",
    "finish.files_removed",
];
