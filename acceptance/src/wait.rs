//! Waiting for what another process does.

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up; far longer than it takes.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// How often a test looks.
const PACE: Duration = Duration::from_millis(2);

/// Looks until there is something to see; `what` ends the sentence "waited in vain for".
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(DEADLINE, what, look).await
}

/// The same with a deadline of its own.
pub async fn until_within<T>(
    deadline: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let give_up_at = Instant::now() + deadline;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(
            Instant::now() < give_up_at,
            "waited in vain for {what}, {deadline:?} long"
        );
        tokio::time::sleep(PACE).await;
    }
}
