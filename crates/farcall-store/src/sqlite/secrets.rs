//! Secrets that several servers share.

use sqlx::SqliteConnection;

use super::writer::Write;
use crate::{StoreError, moment::Moment};

const CREATE: &str = "
    INSERT INTO secrets (name, value)
    SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM secrets WHERE name = ?1)";

const GET: &str = "SELECT value FROM secrets WHERE name = ?";

pub(super) struct Secret {
    pub(super) name: String,
    /// What it becomes where there is none.
    pub(super) fresh: [u8; 32],
}

impl Write for Secret {
    type Answer = [u8; 32];
    const NAME: &'static str = "secret";

    async fn run(
        &self,
        connection: &mut SqliteConnection,
        _: Moment,
    ) -> Result<[u8; 32], StoreError> {
        sqlx::query(CREATE)
            .bind(&self.name)
            .bind(self.fresh.to_vec())
            .execute(&mut *connection)
            .await?;
        let value: Vec<u8> = sqlx::query_scalar(GET)
            .bind(&self.name)
            .fetch_one(connection)
            .await?;
        value.try_into().map_err(|_| StoreError::Corrupt {
            what: format!(
                "the secret `{}` does not have 32 bytes",
                self.name.escape_debug()
            ),
        })
    }
}
