//! Named callers and their tokens.

use std::time::Duration;

use farcall_core::clock::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::writer::Write;
use crate::{
    Caller, CallerName, Callers, Edition, NewToken, Revoked, Rights, StoreError, Token, TokenId,
    caller::{
        MAX_TOKENS, REMEMBERED,
        written::{self, WrittenRights},
    },
    limits::milliseconds,
    moment::Moment,
};

const HAS_TOKEN: &str = "
    SELECT EXISTS (SELECT 1 FROM tokens
                   WHERE caller = ?1 AND revoked_at IS NULL
                     AND (expires_at IS NULL OR expires_at > ?2))";

const ADMIT: &str = "
    INSERT INTO callers (name, scopes, tools, max_open_jobs, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (name) DO UPDATE
    SET scopes = excluded.scopes, tools = excluded.tools, max_open_jobs = excluded.max_open_jobs";

/// Makes a caller, or gives one whose tokens are over new rights.
pub(super) struct Admit {
    name: CallerName,
    rights: WrittenRights,
    token: NewToken,
}

impl Admit {
    pub(super) fn new(
        name: &CallerName,
        rights: &Rights,
        token: &NewToken,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            name: name.clone(),
            rights: WrittenRights::new(rights)?,
            token: token.clone(),
        })
    }
}

impl Write for Admit {
    type Answer = bool;
    const NAME: &'static str = "admit";

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<bool, StoreError> {
        let has_token = sqlx::query_scalar(HAS_TOKEN)
            .bind(self.name.as_str())
            .bind(at.now.0);
        if has_token.fetch_one(&mut *connection).await? {
            return Ok(false);
        }
        make_room(connection, at.now).await?;
        sqlx::query(ADMIT)
            .bind(self.name.as_str())
            .bind(&self.rights.scopes)
            .bind(&self.rights.tools)
            .bind(self.rights.max_open_jobs)
            .bind(at.now.0)
            .execute(&mut *connection)
            .await?;
        keep(connection, at.now, &self.name, &self.token).await?;
        Ok(true)
    }
}

const IS_NAMED: &str = "SELECT EXISTS (SELECT 1 FROM callers WHERE name = ?)";

const END_SOON: &str = "
    UPDATE tokens SET expires_at = ?3
    WHERE caller = ?1 AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > ?3) AND ?3 > ?2";

/// Gives a caller one more token.
pub(super) struct Rotate {
    pub(super) name: CallerName,
    pub(super) token: NewToken,
    pub(super) overlap: Duration,
}

impl Write for Rotate {
    type Answer = bool;
    const NAME: &'static str = "rotate";

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<bool, StoreError> {
        let is_named = sqlx::query_scalar(IS_NAMED).bind(self.name.as_str());
        if !is_named.fetch_one(&mut *connection).await? {
            return Ok(false);
        }
        make_room(connection, at.now).await?;
        if self.overlap.is_zero() {
            end(connection, at.now, REVOKE_CALLER, self.name.as_str()).await?;
        } else {
            sqlx::query(END_SOON)
                .bind(self.name.as_str())
                .bind(at.now.0)
                .bind(at.now.0.saturating_add(milliseconds(self.overlap)))
                .execute(&mut *connection)
                .await?;
        }
        keep(connection, at.now, &self.name, &self.token).await?;
        Ok(true)
    }
}

const REVOKE_CALLER: &str = "
    UPDATE tokens SET revoked_at = ?2
    WHERE caller = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)";

const REVOKE_TOKEN: &str = "
    UPDATE tokens SET revoked_at = ?2
    WHERE id = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)";

/// Ends tokens.
pub(super) struct Revoke(pub(super) Revoked);

impl Write for Revoke {
    type Answer = u64;
    const NAME: &'static str = "revoke";

    // Whoever must not come in any more must not come in because a disk is full.
    fn is_vital(&self) -> bool {
        true
    }

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<u64, StoreError> {
        match &self.0 {
            Revoked::Caller(name) => end(connection, at.now, REVOKE_CALLER, name.as_str()).await,
            Revoked::Token(id) => end(connection, at.now, REVOKE_TOKEN, id.as_str()).await,
        }
    }
}

async fn end(
    connection: &mut SqliteConnection,
    now: Timestamp,
    statement: &'static str,
    whose: &str,
) -> Result<u64, StoreError> {
    let ended = sqlx::query(statement).bind(whose).bind(now.0);
    Ok(ended.execute(connection).await?.rows_affected())
}

const USED: &str = "
    UPDATE tokens SET last_used_at = max(coalesce(last_used_at, ?2), ?2) WHERE id = ?1";

/// Notes that a token was used.
pub(super) struct Used(pub(super) TokenId);

impl Write for Used {
    type Answer = ();
    const NAME: &'static str = "use";

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        let used = sqlx::query(USED).bind(self.0.as_str()).bind(at.now.0);
        used.execute(connection).await?;
        Ok(())
    }
}

const FORGET: &str = "DELETE FROM tokens WHERE coalesce(revoked_at, expires_at) <= ?";

const LIVE: &str = "
    SELECT count(*) FROM tokens
    WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)";

/// Forgets tokens that have been over for long, and refuses where there are too many all the same.
async fn make_room(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    let long_ago = now.0.saturating_sub(milliseconds(REMEMBERED));
    let forget = sqlx::query(FORGET).bind(long_ago);
    forget.execute(&mut *connection).await?;
    let live = sqlx::query_scalar(LIVE).bind(now.0);
    let live: i64 = live.fetch_one(connection).await?;
    if live >= i64::from(MAX_TOKENS) {
        return Err(written::too_many_tokens());
    }
    Ok(())
}

const KEEP: &str = "
    INSERT INTO tokens (id, caller, digest, created_at, expires_at) VALUES (?, ?, ?, ?, ?)";

async fn keep(
    connection: &mut SqliteConnection,
    now: Timestamp,
    name: &CallerName,
    token: &NewToken,
) -> Result<(), StoreError> {
    let end = token.lives_for.map(milliseconds);
    sqlx::query(KEEP)
        .bind(token.id.as_str())
        .bind(name.as_str())
        .bind(token.digest.to_vec())
        .bind(now.0)
        .bind(end.map(|milliseconds| now.0.saturating_add(milliseconds)))
        .execute(connection)
        .await?;
    Ok(())
}

const EDITION: &str = "SELECT coalesce(max(number), 0) FROM callers_edition";

pub(super) async fn edition(readers: &SqlitePool, now: Timestamp) -> Result<Edition, StoreError> {
    let number = sqlx::query_scalar(EDITION).fetch_one(readers).await?;
    Ok(Edition {
        number,
        read_at: now,
    })
}

const CALLERS: &str =
    "SELECT name, scopes, tools, max_open_jobs, created_at FROM callers ORDER BY name";

const TOKENS: &str = "
    SELECT id, digest, created_at, expires_at, revoked_at, last_used_at, caller
    FROM tokens ORDER BY caller, created_at, id";

pub(super) async fn all(readers: &SqlitePool, now: Timestamp) -> Result<Callers, StoreError> {
    // A transaction, so that all statements see the same moment.
    let mut moment = readers.begin().await?;
    let number = sqlx::query_scalar(EDITION).fetch_one(&mut *moment).await?;
    let rows = sqlx::query(CALLERS).fetch_all(&mut *moment).await?;
    let tokens = sqlx::query(TOKENS).fetch_all(&mut *moment).await?;
    let mut tokens = tokens.iter().peekable();
    let mut callers = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut caller = caller(row)?;
        let name = caller.name.to_string();
        let is_its = |row: &&SqliteRow| row.try_get(6).ok() == Some(name.as_str());
        while let Some(row) = tokens.next_if(is_its) {
            caller.tokens.push(token(row)?);
        }
        callers.push(caller);
    }
    Ok(Callers {
        edition: Edition {
            number,
            read_at: now,
        },
        callers,
    })
}

fn caller(row: &SqliteRow) -> Result<Caller, StoreError> {
    Ok(Caller {
        name: written::name(row.try_get(0)?)?,
        rights: WrittenRights::read(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?,
        created_at: Timestamp(row.try_get(4)?),
        tokens: Vec::new(),
    })
}

fn token(row: &SqliteRow) -> Result<Token, StoreError> {
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
