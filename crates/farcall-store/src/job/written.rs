//! What columns say about jobs, and what is written into them, where that is the same in every backend.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::id::JobId;
use serde_json::Value;

use super::WorkerId;
use crate::StoreError;

pub(crate) fn id(text: &str) -> Result<JobId, StoreError> {
    JobId::parse(text).map_err(|_| unreadable("job id", text))
}

pub(crate) fn worker_id(text: &str) -> Result<WorkerId, StoreError> {
    WorkerId::parse(text).ok_or_else(|| unreadable("worker id", text))
}

/// A hash of its 64 digits.
pub(crate) fn hash(digits: &str) -> Result<[u8; 32], StoreError> {
    let pair = |index: usize| u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..32).map(pair).collect();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| unreadable("hash", digits))
}

/// The time of a number of milliseconds.
pub(crate) fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(milliseconds.unsigned_abs())
}

/// A size as databases count; no file is larger than that.
pub(crate) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Named values as a JSON object.
pub(crate) fn object<T: Clone + Into<Value>>(map: &BTreeMap<String, T>) -> String {
    let pairs = map
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    pairs.collect::<Value>().to_string()
}

pub(crate) fn unreadable(what: &str, text: &str) -> StoreError {
    StoreError::Corrupt {
        what: format!("`{}` is no {what}", text.escape_debug()),
    }
}
