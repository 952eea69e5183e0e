//! Secrets that several servers share.

use farcall_core::clock::Timestamp;
use sqlx::{Connection, PgConnection, Row};

use super::pool::{Pool, commit};
use crate::{Rotation, Secrets, StoreError, secret};

// A row at least, which has the time.
const LIVE: &str = "
    SELECT value, made_at, moment.now
    FROM (SELECT farcall_now() AS now) AS moment LEFT JOIN secrets ON name = $1
    ORDER BY number DESC";

pub(super) async fn live(pool: &Pool, name: &str) -> Result<Secrets, StoreError> {
    pool.run(async |connection| {
        let rows = sqlx::query(LIVE).bind(name).fetch_all(connection).await?;
        let mut secrets = Secrets {
            live: Vec::new(),
            read_at: Timestamp(0),
        };
        for row in &rows {
            secrets.read_at = Timestamp(row.try_get(2)?);
            if let (Some(value), Some(made_at)) = (row.try_get(0)?, row.try_get(1)?) {
                secrets.live.push(secret::written(name, value, made_at)?);
            }
        }
        Ok(secrets)
    })
    .await
}

const LOCK: &str = "
    SELECT farcall_now() FROM (SELECT pg_advisory_xact_lock(hashtextextended('farcall.secrets', 0))) AS locked";

/// Waits for whoever makes or exchanges some, and returns the time.
async fn lock(transaction: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(LOCK).fetch_one(transaction).await?)
}

const MAKE: &str = "
    INSERT INTO secrets (name, number, made_at, value)
    SELECT $1, 1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM secrets WHERE name = $1)";

pub(super) async fn make(pool: &Pool, name: &str, fresh: [u8; 32]) -> Result<(), StoreError> {
    pool.run(async |connection| {
        let mut transaction = connection.begin().await?;
        let now = lock(&mut transaction).await?;
        let make = sqlx::query(MAKE).bind(name).bind(now).bind(fresh.to_vec());
        make.execute(&mut *transaction).await?;
        commit!(transaction, "make_secret");
        Ok(())
    })
    .await
}

const NEWEST: &str =
    "SELECT number, made_at FROM secrets WHERE name = $1 ORDER BY number DESC LIMIT 1";

const ADD: &str = "INSERT INTO secrets (name, number, made_at, value) VALUES ($1, $2, $3, $4)";

const FORGET: &str = "DELETE FROM secrets WHERE name = $1 AND number <= $2";

pub(super) async fn rotate(
    pool: &Pool,
    fresh: &[(&str, [u8; 32])],
    rotation: Rotation,
) -> Result<bool, StoreError> {
    pool.run(async |connection| {
        let mut transaction = connection.begin().await?;
        let now = lock(&mut transaction).await?;
        let mut numbers = Vec::with_capacity(fresh.len());
        for (name, _) in fresh {
            let newest = sqlx::query_as::<_, (i64, i64)>(NEWEST).bind(name);
            let newest = newest.fetch_optional(&mut *transaction).await?;
            let made_at = newest.map(|(_, made_at)| Timestamp(made_at));
            if rotation.is_too_soon(made_at, Timestamp(now)) {
                return Ok(false);
            }
            numbers.push(newest.map_or(0, |(number, _)| number) + 1);
        }
        for ((name, fresh), number) in fresh.iter().zip(numbers) {
            let add = sqlx::query(ADD).bind(name).bind(number).bind(now);
            let add = add.bind(fresh.to_vec());
            add.execute(&mut *transaction).await?;
            let forget = sqlx::query(FORGET).bind(name);
            let forget = forget.bind(number - i64::from(rotation.left()));
            forget.execute(&mut *transaction).await?;
        }
        commit!(transaction, "rotate_secrets");
        Ok(true)
    })
    .await
}
