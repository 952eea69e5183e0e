//! The PostgreSQL database of a data folder.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use farcall_testpg::Cluster;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// A database that only the servers of one rig use.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) name: String,
    /// Its address.
    pub(crate) url: String,
}

impl Database {
    pub(crate) async fn create(cluster: &Cluster) -> Self {
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let name = format!("kills_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        // The usual template lets nobody else in while it is copied.
        administer(
            cluster,
            format!("CREATE DATABASE {name} TEMPLATE template0"),
        )
        .await;
        Self {
            url: cluster.url(&name),
            name,
        }
    }

    pub(crate) async fn drop(self, cluster: &Cluster) {
        administer(cluster, format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }

    /// Writes down what it says of jobs, workers and files, for whoever wants to know why
    /// something was found; the server does not outlive the run.
    pub(crate) async fn tell(&self, folder: &Path) {
        const ALL: &str = "
            SELECT json_build_object(
                'now', farcall_now(),
                'workers', (SELECT json_agg(workers) FROM workers),
                'jobs', (SELECT json_agg(jobs) FROM jobs),
                'artifacts', (SELECT json_agg(artifacts) FROM artifacts))::text";
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let all: String = sqlx::query_scalar(ALL)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        fs::write(folder.join("database.json"), all).unwrap();
    }
}

async fn administer(cluster: &Cluster, statement: String) {
    let mut server = PgConnection::connect(&cluster.url("postgres"))
        .await
        .unwrap();
    let done = sqlx::query(AssertSqlSafe(statement)).execute(&mut server);
    done.await.unwrap();
    server.close().await.unwrap();
}
