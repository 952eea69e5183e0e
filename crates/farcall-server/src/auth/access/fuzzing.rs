//! The judgement of assertions for the targets of `fuzz`.

use std::collections::HashMap;

use tokio::runtime;

use super::Access;
use crate::auth::token::fuzzing::trust;

/// Whose `assertion` it is where the keys of `set` are published.
pub(crate) fn caller(set: &[u8], assertion: &str) -> Option<String> {
    let access = Access {
        trust: trust(set),
        callers: HashMap::new(),
    };
    let runtime = runtime::Builder::new_current_thread().build().ok()?;
    let caller = runtime.block_on(access.judged(assertion)).ok()?;
    Some(caller.id().to_owned())
}
