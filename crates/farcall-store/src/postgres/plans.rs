//! How the server goes about statements, for the tests that stand beside them.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::sync::LazyLock;

use farcall_testpg::{Cluster, Durability};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::sync::OnceCell;

use crate::{JobStore, PostgresStore};

/// A server for the tests of this module.
pub(super) static SERVER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(Durability::None));

/// A store with the schema; its database is for all tests, and stays empty.
pub(super) async fn store() -> PostgresStore {
    static MIGRATED: OnceCell<()> = OnceCell::const_new();
    let url = SERVER.url("postgres");
    MIGRATED
        .get_or_init(async || PostgresStore::open(&url).await.unwrap().close().await)
        .await;
    PostgresStore::open(&url).await.unwrap()
}

/// The plan of `statement` for whatever it will be asked. With so few rows the server would
/// rather read them all than any index; so it is told not to, and says where it cannot help it.
pub(super) async fn plan(connection: &mut PgConnection, statement: &str) -> String {
    let parameters = (1..20)
        .take_while(|number| statement.contains(&format!("${number}")))
        .map(|_| "NULL")
        .collect::<Vec<_>>()
        .join(", ");
    // Empty parentheses are none.
    let given = if parameters.is_empty() {
        String::new()
    } else {
        format!("({parameters})")
    };
    let prepare = format!(
        "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan;
         DEALLOCATE ALL; PREPARE judged AS {statement}"
    );
    let prepared = sqlx::raw_sql(AssertSqlSafe(prepare));
    prepared.execute(&mut *connection).await.unwrap();
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE judged{given}");
    let lines = sqlx::raw_sql(AssertSqlSafe(explain));
    let lines = lines.fetch_all(connection).await.unwrap();
    let line = |row: &sqlx::postgres::PgRow| sqlx::Row::get::<String, _>(row, 0);
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Sees that no statement has to read all jobs.
pub(super) async fn all_use_indexes(statements: &[&str]) {
    let store = store().await;
    for statement in statements {
        let plan = store
            .durable
            .run(async |connection| Ok(plan(connection, statement).await))
            .await
            .unwrap();
        assert!(plan.contains("Index"), "{statement}\n{plan}");
        assert!(!plan.contains("Seq Scan on jobs"), "{statement}\n{plan}");
    }
    store.close().await;
}
