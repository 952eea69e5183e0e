//! Stages of Rust jobs in a process of their own: `isolation = "process"`.
//!
//! The program is started again under the shim ([`crate::shim`]) for each step of such a job, and does
//! nothing but run that step. So whatever ends a process ends the step alone: an abort, a kill, a limit
//! of memory. To the runner the step is one like any other (`parent.rs`): it is given a value and returns
//! one, which is kept before the next begins.
//!
//! ```text
//! server ── order, answers ──> standard input  ┐
//!        <── what the stage does ── a pipe      ├ the step, in the same program (`stage.rs`, `host.rs`)
//!        <── what it prints ── standard error  ┘
//! ```
//!
//! What the stage does with its [`JobContext`](farcall_core::job::JobContext) is done by the server: it has
//! the store. The messages (`message.rs`) travel as those of the shim do (`wire::frame`).

mod host;
mod message;
mod parent;
mod stage;

pub use self::{
    parent::isolated,
    stage::{is_asked, main},
};

/// What the process of a step is called with.
const WORD: &str = "__stage";

/// The longest message, in bytes: the largest value that is kept between stages, and what stands
/// around it.
const LONGEST: usize = farcall_core::job::MAX_STAGE_VALUE + (64 << 10);
