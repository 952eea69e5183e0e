//! Short text files, which stand in the result as well where the job asks for that: for callers
//! that read what a tool answers, and cannot fetch a URL.

use std::{collections::BTreeMap, io::Read};

use farcall_artifacts::Artifacts;
use farcall_core::artifact::Artifact;
use farcall_store::Outcome;

use crate::Queue;

/// How much text there is in one result, over all of its files.
const MAX_BYTES: u64 = 64 << 10;

/// The texts of a job's files, by their names; empty where the job does not ask for them.
pub(super) async fn of(queue: &Queue, outcome: &Outcome) -> BTreeMap<String, String> {
    let job = queue.job(&outcome.record.job);
    let is_wanted = job.is_some_and(|job| job.options.inline_text);
    let Some(artifacts) = queue.artifacts().filter(|_| is_wanted).cloned() else {
        return BTreeMap::new();
    };
    let mut left = MAX_BYTES;
    let mut chosen = Vec::new();
    for artifact in &outcome.artifacts {
        if is_text(artifact, outcome) && artifact.size <= left {
            left -= artifact.size;
            chosen.push(artifact.clone());
        }
    }
    let read = move || {
        chosen
            .iter()
            .filter_map(|file| text(&artifacts, file))
            .collect()
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

fn is_text(artifact: &Artifact, outcome: &Outcome) -> bool {
    let kind = artifact.media_type.as_str();
    // A value that has become a file is there as `result` already.
    let is_result = outcome.value.is_some() && outcome.artifacts.len() == 1;
    kind.starts_with("text/") || (kind == "application/json" && !is_result)
}

/// The name of a file and what stands in it; nothing where that is no text, or cannot be read:
/// the URL is there all the same.
fn text(artifacts: &Artifacts, artifact: &Artifact) -> Option<(String, String)> {
    let mut text = String::new();
    let read = match artifacts.open_blocking(artifact) {
        Ok(file) => file.take(MAX_BYTES).read_to_string(&mut text),
        Err(error) => {
            tracing::warn!(name = artifact.name, %error, "a file cannot be shown in the result");
            return None;
        }
    };
    read.is_ok().then(|| (artifact.name.clone(), text))
}
