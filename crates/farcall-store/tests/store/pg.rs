//! A PostgreSQL server for all tests of this binary, with a database for each of them.

use std::sync::{
    LazyLock,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use farcall_core::id::JobId;
use farcall_store::{
    JobStore, PostgresStore,
    conformance::{Backend, RawDatabase, TestClock, fixture::START},
};
use farcall_testpg::{Cluster, Durability};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use tokio::sync::OnceCell;

/// The server.
pub(crate) static SERVER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(Durability::None));

/// Runs a statement that no transaction may be around.
pub(crate) async fn administer(server: &Cluster, statement: String) {
    let mut connection = PgConnection::connect(&server.url("postgres"))
        .await
        .unwrap();
    let done = sqlx::query(AssertSqlSafe(statement)).execute(&mut connection);
    done.await.unwrap();
    connection.close().await.unwrap();
}

fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The name of a new database without any tables.
pub(crate) async fn empty_database() -> String {
    let name = unique_name();
    administer(&SERVER, format!("CREATE DATABASE {name}")).await;
    name
}

/// The name of a new database with the tables of a store, whose clock stands at [`START`].
pub(crate) async fn database() -> String {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    // What is made once is copied; a copy is several times faster than a migration.
    TEMPLATE
        .get_or_init(async || {
            administer(&SERVER, "CREATE DATABASE template_of_stores".to_owned()).await;
            let url = SERVER.url("template_of_stores");
            PostgresStore::open(&url).await.unwrap().close().await;
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let clock = format!(
                "CREATE TABLE test_clock (now bigint NOT NULL);
                 INSERT INTO test_clock VALUES ({});
                 CREATE OR REPLACE FUNCTION farcall_now() RETURNS bigint LANGUAGE sql VOLATILE
                 AS $$ SELECT now FROM test_clock $$",
                START.0
            );
            sqlx::raw_sql(AssertSqlSafe(clock))
                .execute(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
        })
        .await;
    let name = unique_name();
    let copy = format!("CREATE DATABASE {name} TEMPLATE template_of_stores");
    administer(&SERVER, copy).await;
    name
}

/// Takes everything out of a database with a store in it, and sets its clock back to [`START`].
pub(crate) async fn empty(pool: &PgPool) {
    const TABLES: &str = "
        SELECT string_agg(format('DELETE FROM %I;', tablename), ' ') FROM pg_tables
        WHERE schemaname = current_schema() AND tablename NOT IN ('_sqlx_migrations', 'test_clock')";
    let deletes: String = sqlx::query_scalar(TABLES).fetch_one(pool).await.unwrap();
    // Without the triggers, which refuse what no store does.
    let empty = format!(
        "BEGIN; SET LOCAL session_replication_role = replica; {deletes}
         UPDATE test_clock SET now = {}; COMMIT",
        START.0
    );
    let empty = sqlx::raw_sql(AssertSqlSafe(empty)).execute(pool);
    empty.await.unwrap();
}

/// The way past a store.
pub(crate) struct Raw(pub(crate) PgPool);

impl Raw {
    pub(crate) async fn open(url: &str) -> Self {
        let pool = PgPoolOptions::new().max_connections(2).connect(url).await;
        Self(pool.unwrap())
    }
}

#[async_trait]
impl RawDatabase for Raw {
    async fn execute(&self, statement: &'static str, id: JobId) -> Result<u64, String> {
        let done = sqlx::query(statement)
            .bind(id.to_string())
            .execute(&self.0)
            .await;
        done.map(|done| done.rows_affected())
            .map_err(|error| error.to_string())
    }
}

/// The clock of a store in the database it is in.
pub(crate) struct Hand(pub(crate) PgPool);

impl Hand {
    pub(crate) async fn move_by(&self, milliseconds: i64) {
        let moved = sqlx::query("UPDATE test_clock SET now = now + $1").bind(milliseconds);
        moved.execute(&self.0).await.unwrap();
    }
}

#[async_trait]
impl TestClock for Hand {
    async fn advance(&self, milliseconds: u32) {
        self.move_by(milliseconds.into()).await;
    }

    /// Sets the clock of a client, which is none of the store's.
    async fn jump(&self, _: i64) {}
}

/// A store without jobs.
pub(crate) async fn open() -> Backend {
    let url = SERVER.url(&database().await);
    let raw = Raw::open(&url).await;
    Backend {
        store: Box::new(PostgresStore::open(&url).await.unwrap()),
        second: Box::new(PostgresStore::open(&url).await.unwrap()),
        clock: Box::new(Hand(raw.0.clone())),
        database: Some(Box::new(raw)),
        keep: Box::new(()),
    }
}
