//! Which job is meant by the first digits of its id.

use farcall_core::id::JobId;
use farcall_store::{JobRecord, Listed};

use super::desk::Desk;
use crate::{Failure, terminal::quoted};

/// How many ids are named where several are meant.
const NAMED: usize = 3;

/// The one job whose id begins with `typed`.
pub(super) async fn find(desk: &dyn Desk, typed: &str) -> Result<JobRecord, Failure> {
    let digits = typed.to_ascii_lowercase();
    if let Ok(id) = JobId::parse(&digits) {
        let mut records = desk.records(&[id]).await?;
        return records.pop().ok_or_else(|| unknown(typed));
    }
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_hexadecimal || digits.len() > 32 {
        return Err(unknown(typed));
    }
    let listed = Listed {
        id_prefix: Some(digits),
        limit: u32::try_from(NAMED + 1).unwrap_or(u32::MAX),
        ..Listed::default()
    };
    let mut found = desk.list(listed).await?;
    match (found.pop(), found.as_slice()) {
        (None, _) => Err(unknown(typed)),
        (Some(record), []) => Ok(record),
        (Some(last), others) => Err(ambiguous(typed, others, &last)),
    }
}

fn unknown(typed: &str) -> Failure {
    let message = format!("there is no job whose id begins with `{}`", quoted(typed));
    Failure::failed(message)
        .hint("`jobs list` has those there are; one that has expired is not there any more")
}

fn ambiguous(typed: &str, others: &[JobRecord], last: &JobRecord) -> Failure {
    let all = others.iter().chain([last]);
    let mut named: Vec<_> = all
        .take(NAMED)
        .map(|record| record.id.to_string())
        .collect();
    if others.len() >= NAMED {
        named.push("…".to_owned());
    }
    let message = format!("several ids begin with `{typed}`: {}", named.join(", "));
    Failure::failed(message).hint("write more of the one that is meant")
}
