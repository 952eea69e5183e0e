//! Opening: the address, the server, the schema, the connections.

use std::{str::FromStr, sync::Arc};

use sqlx::{
    ConnectOptions, Connection, PgConnection, Row, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    postgres::PgConnectOptions,
};

use super::{PostgresStore, hints::SharedHints, pool::Pool};
use crate::{StoreError, schema};

/// The first version that has everything that is used.
const OLDEST_SERVER: i32 = 130_000;

/// How many statements can run at the same moment for this process.
const CONNECTIONS: u32 = 16;

/// How many reports and beats.
const RELAXED_CONNECTIONS: u32 = 4;

/// How many for a process that only looks.
const ATTACHED_CONNECTIONS: u32 = 2;

impl PostgresStore {
    /// Opens the store in the database at `address`, such as
    /// `postgres://user:password@host:5432/jobs?sslmode=verify-full`, and brings its schema up to
    /// date. Any number of processes may have it open; those that start together wait for each
    /// other.
    ///
    /// The server has to be PostgreSQL 13 or later, take writes, and the database must have the
    /// encoding UTF-8. Between them there may be no pooler that hands a session from one client
    /// to another: hints and migrations need one of their own. The password is in no error and in
    /// no log.
    ///
    /// # Errors
    /// [`StoreError::Address`], [`StoreError::UnfitServer`], [`StoreError::NewerSchema`],
    /// [`StoreError::Migration`], [`StoreError::Unavailable`], or what the database says.
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        let options = options(address)?;
        // Without limits of time: another process may be at a long migration.
        let mut connection = options.connect().await?;
        refuse_unfit_server(&mut connection).await?;
        farcall_core::crash_point!("store.migrate.begun");
        migrate(&mut connection).await?;
        farcall_core::crash_point!("store.migrate.committed");
        connection.close().await?;

        let durable = Arc::new(Pool::new(CONNECTIONS, limited(&options)));
        let hints = SharedHints::open(options.clone(), Arc::clone(&durable)).await?;
        Ok(Self {
            durable,
            relaxed: Pool::new(RELAXED_CONNECTIONS, relaxed(&options)),
            hints,
        })
    }

    /// Opens the store in the database at `address` to look at its jobs and to start or cancel
    /// some, with few connections. Nothing is made, and nothing is brought up to date.
    ///
    /// It is not for workers: it neither hears of anything nor tells anybody, who find what is done
    /// here when they look.
    ///
    /// # Errors
    /// As [`open`](Self::open), [`StoreError::NoStore`] and [`StoreError::OlderSchema`].
    pub async fn attach(address: &str) -> Result<Self, StoreError> {
        let options = options(address)?;
        let mut connection = options.connect().await?;
        refuse_unfit_server(&mut connection).await?;
        refuse_other_schema(&mut connection).await?;
        connection.close().await?;
        Ok(Self {
            durable: Arc::new(Pool::new(ATTACHED_CONNECTIONS, limited(&options))),
            relaxed: Pool::new(ATTACHED_CONNECTIONS, relaxed(&options)),
            hints: SharedHints::alone(),
        })
    }
}

/// What all connections have in common.
fn options(address: &str) -> Result<PgConnectOptions, StoreError> {
    Ok(PgConnectOptions::from_str(address)
        .map_err(StoreError::Address)?
        .application_name("farcall")
        // What the statements are written for, whatever the database has as its default.
        .options([("default_transaction_isolation", "read committed")])
        // A plan takes longer to compile than any statement here takes to run.
        .options([("jit", "off")])
        .disable_statement_logging())
}

fn limited(options: &PgConnectOptions) -> PgConnectOptions {
    let options = options.clone().options([("statement_timeout", "10s")]);
    options.options([("idle_in_transaction_session_timeout", "10s")])
}

fn relaxed(options: &PgConnectOptions) -> PgConnectOptions {
    limited(options).options([("synchronous_commit", "off")])
}

async fn refuse_unfit_server(connection: &mut PgConnection) -> Result<(), StoreError> {
    const SERVER: &str = "
        SELECT current_setting('server_version_num')::int, current_setting('server_version'),
               current_setting('server_encoding'), current_setting('transaction_read_only') = 'on' AS is_read_only,
               current_setting('synchronous_commit') <> 'off' AS is_durable";
    let row = sqlx::query(SERVER).fetch_one(connection).await?;
    judge(&Server {
        number: row.try_get(0)?,
        version: row.try_get(1)?,
        encoding: row.try_get(2)?,
        is_read_only: row.try_get(3)?,
        is_durable: row.try_get(4)?,
    })
}

/// What a server says of itself and of the database.
struct Server {
    number: i32,
    version: String,
    encoding: String,
    is_read_only: bool,
    /// Whether its commits wait for the disk, where nobody asks for anything else.
    is_durable: bool,
}

fn judge(server: &Server) -> Result<(), StoreError> {
    let encoding = &server.encoding;
    let (what, hint) = if server.number < OLDEST_SERVER {
        (
            format!("its version is `{}`", server.version),
            "use PostgreSQL 13 or later",
        )
    } else if encoding != "UTF8" {
        (
            format!("the encoding of the database is `{encoding}`"),
            "create the database with `ENCODING 'UTF8' TEMPLATE template0`",
        )
    } else if server.is_read_only {
        (
            "it takes no writes".to_owned(),
            "set `FARCALL_DATABASE_URL` to the primary and not a standby",
        )
    } else if !server.is_durable {
        (
            "its commits do not wait for the disk".to_owned(),
            "set `synchronous_commit` to `on` for this user and this database",
        )
    } else {
        return Ok(());
    };
    Err(StoreError::UnfitServer { what, hint })
}

/// The migrations of this version, in their order.
fn migrations() -> [Migration; 8] {
    let migrations = [
        (1, "jobs", include_str!("migrations/0001_jobs.sql")),
        (2, "machines", include_str!("migrations/0002_machines.sql")),
        (
            3,
            "checkpoints",
            include_str!("migrations/0003_checkpoints.sql"),
        ),
        (4, "reloads", include_str!("migrations/0004_reloads.sql")),
        (5, "callers", include_str!("migrations/0005_callers.sql")),
        (6, "secrets", include_str!("migrations/0006_secrets.sql")),
        (7, "tally", include_str!("migrations/0007_tally.sql")),
        (8, "traces", include_str!("migrations/0008_traces.sql")),
    ];
    migrations.map(|(version, name, sql)| {
        Migration::new(
            version,
            name.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    })
}

async fn refuse_other_schema(connection: &mut PgConnection) -> Result<(), StoreError> {
    let missing = || StoreError::NoStore {
        place: "the database".to_owned(),
    };
    let has_schema = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL");
    if !has_schema.fetch_one(&mut *connection).await? {
        return Err(missing());
    }
    let version = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success");
    let version: Option<i64> = version.fetch_one(connection).await?;
    let version = version.ok_or_else(missing)?;
    schema::refuse_other(version, &migrations())
}

/// Under a lock of the whole database, so that of several that start together one migrates. The
/// lock ends with the connection.
async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let migrator = Migrator::with_migrations(migrations().into());
    let done = migrator.run_direct(None, connection, false).await;
    done.map_err(|error| match error {
        MigrateError::VersionMissing(version) => StoreError::NewerSchema { version },
        MigrateError::Execute(error) => error.into(),
        error => StoreError::Migration(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "postgres-tests")]
    #[tokio::test]
    async fn every_connection_is_set_up_as_promised() {
        use crate::{JobStore, postgres::plans::store};

        const SETTINGS: &str = "
            SELECT concat_ws(' ', current_setting('synchronous_commit'),
                             current_setting('statement_timeout'),
                             current_setting('idle_in_transaction_session_timeout'),
                             current_setting('transaction_isolation'),
                             current_setting('application_name'))";
        let store = store().await;
        for (pool, is_durable) in [(store.durable.as_ref(), "on"), (&store.relaxed, "off")] {
            let settings: String = pool
                .run(async |connection| {
                    Ok(sqlx::query_scalar(SETTINGS).fetch_one(connection).await?)
                })
                .await
                .unwrap();
            let expected = format!("{is_durable} 10s 10s read committed farcall");
            assert_eq!(settings, expected);
        }
        store.close().await;
    }

    #[cfg(feature = "postgres-tests")]
    #[tokio::test]
    async fn a_statement_that_takes_too_long_is_told_as_such() {
        use crate::{JobStore, postgres::plans::store};

        let store = store().await;
        let slow = store
            .durable
            .run(async |connection| {
                // Less than what every statement has, for a test that does not wait for it.
                let less = sqlx::query("SET statement_timeout = '10ms'");
                less.execute(&mut *connection).await?;
                let slow = sqlx::query("SELECT pg_sleep(60)").execute(&mut *connection);
                let answer = slow.await.map(drop);
                sqlx::query("SET statement_timeout = '10s'")
                    .execute(connection)
                    .await?;
                Ok(answer?)
            })
            .await;
        assert!(matches!(slow, Err(StoreError::Unavailable(_))), "{slow:?}");
        store.close().await;
    }

    #[test]
    fn a_server_that_does_not_fit_is_refused_with_the_reason() {
        let fit = || Server {
            number: 130_000,
            version: "13.0".to_owned(),
            encoding: "UTF8".to_owned(),
            is_read_only: false,
            is_durable: true,
        };
        assert!(judge(&fit()).is_ok());
        let faults: [(fn(&mut Server), _); 4] = [
            (|server| server.number = 129_999, "its version is `13.0`"),
            (
                |server| server.encoding = "SQL_ASCII".to_owned(),
                "`SQL_ASCII`",
            ),
            (|server| server.is_read_only = true, "takes no writes"),
            (
                |server| server.is_durable = false,
                "do not wait for the disk",
            ),
        ];
        for (fault, reason) in faults {
            let mut server = fit();
            fault(&mut server);
            let error = judge(&server).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
