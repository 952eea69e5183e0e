//! Lives in our store in PostgreSQL, through the interface that a server uses.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use farcall_store::PostgresStore;

use super::embedded::lives;

/// Lives a second in the database at `url`, which has none yet.
pub(crate) fn on_postgres(url: &str, window: Duration) -> Result<f64> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async { lives(Arc::new(open(url).await?), window).await })
}

pub(super) async fn open(url: &str) -> Result<PostgresStore> {
    Ok(PostgresStore::open(url).await?)
}
