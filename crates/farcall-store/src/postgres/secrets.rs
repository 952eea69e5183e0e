//! Secrets that several servers share.

use super::pool::{Pool, alone};
use crate::StoreError;

// Waits for another server that is about to create it.
const CREATE: &str =
    "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

const GET: &str = "SELECT value FROM secrets WHERE name = $1";

pub(super) async fn get_or_create(
    pool: &Pool,
    name: &str,
    fresh: [u8; 32],
) -> Result<[u8; 32], StoreError> {
    let value: Vec<u8> = pool
        .run(async |connection| {
            let create = sqlx::query(CREATE).bind(name).bind(fresh.to_vec());
            alone!(create.execute(&mut *connection), "secret");
            let get = sqlx::query_scalar(GET).bind(name);
            Ok(get.fetch_one(connection).await?)
        })
        .await?;
    value.try_into().map_err(|_| StoreError::Corrupt {
        what: format!(
            "the secret `{}` does not have 32 bytes",
            name.escape_debug()
        ),
    })
}
