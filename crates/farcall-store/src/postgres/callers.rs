//! Named callers and their tokens.

use std::time::Duration;

use farcall_core::clock::Timestamp;
use sqlx::{Connection, PgConnection, Row, postgres::PgRow};

use super::pool::{Pool, alone, commit};
use crate::{
    Caller, CallerName, Callers, Edition, NewToken, Revoked, Rights, StoreError, Token, TokenId,
    caller::{
        MAX_TOKENS, REMEMBERED,
        written::{self, WrittenRights},
    },
    limits::milliseconds,
};

// Changes of callers are rare, and wait for each other.
const LOCK: &str = "
    SELECT farcall_now() FROM (SELECT pg_advisory_xact_lock(hashtextextended('farcall.callers', 0))) AS locked";

/// Waits for whoever changes callers, and returns the time.
async fn lock(transaction: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(LOCK).fetch_one(transaction).await?)
}

const HAS_TOKEN: &str = "
    SELECT EXISTS (SELECT 1 FROM tokens
                   WHERE caller = $1 AND revoked_at IS NULL
                     AND (expires_at IS NULL OR expires_at > $2))";

const ADMIT: &str = "
    INSERT INTO callers (name, scopes, tools, max_open_jobs, created_at)
    VALUES ($1, $2::json, $3::json, $4, $5)
    ON CONFLICT (name) DO UPDATE
    SET scopes = excluded.scopes, tools = excluded.tools, max_open_jobs = excluded.max_open_jobs";

pub(super) async fn admit(
    pool: &Pool,
    name: &CallerName,
    rights: &Rights,
    token: &NewToken,
) -> Result<bool, StoreError> {
    let rights = WrittenRights::new(rights)?;
    pool.run(async |connection| {
        let mut transaction = connection.begin().await?;
        let now = lock(&mut transaction).await?;
        let has_token = sqlx::query_scalar(HAS_TOKEN).bind(name.as_str()).bind(now);
        if has_token.fetch_one(&mut *transaction).await? {
            return Ok(false);
        }
        make_room(&mut transaction, now).await?;
        sqlx::query(ADMIT)
            .bind(name.as_str())
            .bind(&rights.scopes)
            .bind(&rights.tools)
            .bind(rights.max_open_jobs)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        keep(&mut transaction, now, name, token).await?;
        commit!(transaction, "admit");
        Ok(true)
    })
    .await
}

const IS_NAMED: &str = "SELECT EXISTS (SELECT 1 FROM callers WHERE name = $1)";

const END_SOON: &str = "
    UPDATE tokens SET expires_at = $2
    WHERE caller = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";

pub(super) async fn rotate(
    pool: &Pool,
    name: &CallerName,
    token: &NewToken,
    overlap: Duration,
) -> Result<bool, StoreError> {
    pool.run(async |connection| {
        let mut transaction = connection.begin().await?;
        let now = lock(&mut transaction).await?;
        let is_named = sqlx::query_scalar(IS_NAMED).bind(name.as_str());
        if !is_named.fetch_one(&mut *transaction).await? {
            return Ok(false);
        }
        make_room(&mut transaction, now).await?;
        let (statement, end) = if overlap.is_zero() {
            (REVOKE_CALLER, now)
        } else {
            (END_SOON, now.saturating_add(milliseconds(overlap)))
        };
        let others = sqlx::query(statement).bind(name.as_str()).bind(end);
        others.execute(&mut *transaction).await?;
        keep(&mut transaction, now, name, token).await?;
        commit!(transaction, "rotate");
        Ok(true)
    })
    .await
}

const REVOKE_CALLER: &str = "
    UPDATE tokens SET revoked_at = $2
    WHERE caller = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";

const REVOKE_TOKEN: &str = "
    UPDATE tokens SET revoked_at = $2
    WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";

pub(super) async fn revoke(pool: &Pool, which: &Revoked) -> Result<u64, StoreError> {
    let (statement, whose) = match which {
        Revoked::Caller(name) => (REVOKE_CALLER, name.as_str()),
        Revoked::Token(id) => (REVOKE_TOKEN, id.as_str()),
    };
    pool.run(async |connection| {
        let mut transaction = connection.begin().await?;
        let now = lock(&mut transaction).await?;
        let ended = sqlx::query(statement).bind(whose).bind(now);
        let ended = ended.execute(&mut *transaction).await?.rows_affected();
        commit!(transaction, "revoke");
        Ok(ended)
    })
    .await
}

const USED: &str = "
    UPDATE tokens SET last_used_at = greatest(last_used_at, farcall_now()) WHERE id = $1";

pub(super) async fn used(pool: &Pool, token: &TokenId) -> Result<(), StoreError> {
    pool.run(async |connection| {
        let used = sqlx::query(USED).bind(token.as_str());
        alone!(used.execute(connection), "use");
        Ok(())
    })
    .await
}

const FORGET: &str = "DELETE FROM tokens WHERE coalesce(revoked_at, expires_at) <= $1";

const LIVE: &str = "
    SELECT count(*) FROM tokens
    WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)";

/// Forgets tokens that have been over for long, and refuses where there are too many all the same.
async fn make_room(transaction: &mut PgConnection, now: i64) -> Result<(), StoreError> {
    let long_ago = now.saturating_sub(milliseconds(REMEMBERED));
    let forget = sqlx::query(FORGET).bind(long_ago);
    forget.execute(&mut *transaction).await?;
    let live: i64 = sqlx::query_scalar(LIVE)
        .bind(now)
        .fetch_one(transaction)
        .await?;
    if live >= i64::from(MAX_TOKENS) {
        return Err(written::too_many_tokens());
    }
    Ok(())
}

const KEEP: &str = "
    INSERT INTO tokens (id, caller, digest, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";

async fn keep(
    transaction: &mut PgConnection,
    now: i64,
    name: &CallerName,
    token: &NewToken,
) -> Result<(), StoreError> {
    let end = token.lives_for.map(milliseconds);
    sqlx::query(KEEP)
        .bind(token.id.as_str())
        .bind(name.as_str())
        .bind(token.digest.to_vec())
        .bind(now)
        .bind(end.map(|milliseconds| now.saturating_add(milliseconds)))
        .execute(transaction)
        .await?;
    Ok(())
}

const EDITION: &str = "SELECT coalesce(max(number), 0), farcall_now() FROM callers_edition";

pub(super) async fn edition(pool: &Pool) -> Result<Edition, StoreError> {
    pool.run(async |connection| edition_in(connection).await)
        .await
}

async fn edition_in(connection: &mut PgConnection) -> Result<Edition, StoreError> {
    let row = sqlx::query(EDITION).fetch_one(connection).await?;
    Ok(Edition {
        number: row.try_get(0)?,
        read_at: Timestamp(row.try_get(1)?),
    })
}

const CALLERS: &str = "
    SELECT name, scopes::text, tools::text, max_open_jobs, created_at
    FROM callers ORDER BY name COLLATE \"C\"";

const TOKENS: &str = "
    SELECT id, digest, created_at, expires_at, revoked_at, last_used_at, caller
    FROM tokens ORDER BY caller COLLATE \"C\", created_at, id COLLATE \"C\"";

pub(super) async fn all(pool: &Pool) -> Result<Callers, StoreError> {
    pool.run(async |connection| {
        // So that all statements see the same moment.
        let mut moment = connection
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let edition = edition_in(&mut moment).await?;
        let rows = sqlx::query(CALLERS).fetch_all(&mut *moment).await?;
        let tokens = sqlx::query(TOKENS).fetch_all(&mut *moment).await?;
        moment.commit().await?;
        let mut tokens = tokens.iter().peekable();
        let mut callers = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut caller = caller(row)?;
            let name = caller.name.to_string();
            let is_its = |row: &&PgRow| row.try_get(6).ok() == Some(name.as_str());
            while let Some(row) = tokens.next_if(is_its) {
                caller.tokens.push(token(row)?);
            }
            callers.push(caller);
        }
        Ok(Callers { edition, callers })
    })
    .await
}

fn caller(row: &PgRow) -> Result<Caller, StoreError> {
    Ok(Caller {
        name: written::name(row.try_get(0)?)?,
        rights: WrittenRights::read(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?,
        created_at: Timestamp(row.try_get(4)?),
        tokens: Vec::new(),
    })
}

fn token(row: &PgRow) -> Result<Token, StoreError> {
    let at =
        |column: usize| Ok::<_, StoreError>(row.try_get::<Option<_>, _>(column)?.map(Timestamp));
    Ok(Token {
        id: written::token_id(row.try_get(0)?)?,
        digest: written::digest(row.try_get(1)?)?,
        created_at: Timestamp(row.try_get(2)?),
        expires_at: at(3)?,
        revoked_at: at(4)?,
        last_used_at: at(5)?,
    })
}
