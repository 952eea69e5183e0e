//! Secrets that several servers share.

use farcall_core::clock::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::writer::Write;
use crate::{Rotation, Secrets, StoreError, moment::Moment, secret};

const LIVE: &str = "SELECT value, made_at FROM secrets WHERE name = ? ORDER BY number DESC";

/// Those that are live.
pub(super) async fn live(
    readers: &SqlitePool,
    now: Timestamp,
    name: &str,
) -> Result<Secrets, StoreError> {
    let rows = sqlx::query(LIVE).bind(name).fetch_all(readers).await?;
    let live = rows.iter();
    let live = live.map(|row| secret::written(name, row.try_get(0)?, row.try_get(1)?));
    Ok(Secrets {
        live: live.collect::<Result<_, _>>()?,
        read_at: now,
    })
}

const MAKE: &str = "
    INSERT INTO secrets (name, number, made_at, value)
    SELECT ?1, 1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM secrets WHERE name = ?1)";

/// Makes the first one of a name.
pub(super) struct MakeSecret {
    pub(super) name: String,
    pub(super) fresh: [u8; 32],
}

impl Write for MakeSecret {
    type Answer = ();
    const NAME: &'static str = "make_secret";

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        sqlx::query(MAKE)
            .bind(&self.name)
            .bind(at.now.0)
            .bind(self.fresh.to_vec())
            .execute(connection)
            .await?;
        Ok(())
    }
}

const NEWEST: &str =
    "SELECT number, made_at FROM secrets WHERE name = ? ORDER BY number DESC LIMIT 1";

const ADD: &str = "INSERT INTO secrets (name, number, made_at, value) VALUES (?, ?, ?, ?)";

const FORGET: &str = "DELETE FROM secrets WHERE name = ? AND number <= ?";

/// Puts one before those of each name.
pub(super) struct RotateSecrets {
    pub(super) fresh: Vec<(String, [u8; 32])>,
    pub(super) rotation: Rotation,
}

impl Write for RotateSecrets {
    type Answer = bool;
    const NAME: &'static str = "rotate_secrets";

    // What is known to a thief must not live on because a disk is full.
    fn is_vital(&self) -> bool {
        self.rotation == Rotation::AtOnce
    }

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<bool, StoreError> {
        let mut numbers = Vec::with_capacity(self.fresh.len());
        for (name, _) in &self.fresh {
            let newest = sqlx::query_as::<_, (i64, i64)>(NEWEST).bind(name);
            let newest = newest.fetch_optional(&mut *connection).await?;
            let made_at = newest.map(|(_, made_at)| Timestamp(made_at));
            if self.rotation.is_too_soon(made_at, at.now) {
                return Ok(false);
            }
            numbers.push(newest.map_or(0, |(number, _)| number) + 1);
        }
        for ((name, fresh), number) in self.fresh.iter().zip(numbers) {
            sqlx::query(ADD)
                .bind(name)
                .bind(number)
                .bind(at.now.0)
                .bind(fresh.to_vec())
                .execute(&mut *connection)
                .await?;
            sqlx::query(FORGET)
                .bind(name)
                .bind(number - i64::from(self.rotation.left()))
                .execute(&mut *connection)
                .await?;
        }
        Ok(true)
    }
}
