//! What a worker writes about the job it runs.

use farcall_core::artifact::Artifact;
use serde_json::Value;

/// How far a running job is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The stage it is in, from 0 to the total.
    pub stage: u32,
    /// One line about the present step.
    pub message: String,
    /// How far the stage is, from 0 to 1.
    pub progress: Option<f64>,
    /// Lines for its log since the report before; each is cut after 2 KiB, and the last 10,000
    /// lines or 1 MiB of a job are kept.
    pub log: Vec<String>,
}

/// The good end of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Success {
    /// Its result, where it has one beside its files.
    pub value: Option<Value>,
    /// The artifacts of the last step, in order.
    pub artifacts: Vec<Artifact>,
}
