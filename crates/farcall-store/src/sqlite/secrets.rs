//! Secrets that several servers share.

use super::writer::{Writer, commit};
use crate::StoreError;

const CREATE: &str = "
    INSERT INTO secrets (name, value)
    SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM secrets WHERE name = ?1)";

const GET: &str = "SELECT value FROM secrets WHERE name = ?";

pub(super) async fn get_or_create(
    writer: &Writer,
    name: &str,
    fresh: [u8; 32],
) -> Result<[u8; 32], StoreError> {
    let mut transaction = writer.transaction().await?;
    sqlx::query(CREATE)
        .bind(name)
        .bind(fresh.to_vec())
        .execute(&mut *transaction)
        .await?;
    let value: Vec<u8> = sqlx::query_scalar(GET)
        .bind(name)
        .fetch_one(&mut *transaction)
        .await?;
    commit!(transaction, "secret");
    value.try_into().map_err(|_| StoreError::Corrupt {
        what: format!(
            "the secret `{}` does not have 32 bytes",
            name.escape_debug()
        ),
    })
}
