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

    /// Writes down all that it says, for whoever wants to know why something was found; the
    /// server does not outlive the run.
    pub(crate) async fn tell(&self, folder: &Path) {
        const WORKERS: &str = "
            SELECT json_build_object('now', farcall_now(), 'workers', json_agg(workers))::text
            FROM workers";
        let (workers, jobs) = (self.read(WORKERS).await, self.jobs().await);
        fs::write(folder.join("database.json"), format!("[{workers},{jobs}]")).unwrap();
    }

    /// All that it says of jobs, as JSON.
    pub(crate) async fn jobs(&self) -> String {
        const JOBS: &str = "
            SELECT json_build_object(
                'jobs', (SELECT json_agg(jobs ORDER BY sequence) FROM jobs),
                'checkpoints', (SELECT json_agg(checkpoints ORDER BY job) FROM checkpoints),
                'artifacts', (SELECT json_agg(artifacts ORDER BY job, position) FROM artifacts)
            )::text";
        self.read(JOBS).await
    }

    async fn read(&self, statement: &'static str) -> String {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let read = sqlx::query_scalar(statement).fetch_one(&mut connection);
        let read = read.await.unwrap();
        connection.close().await.unwrap();
        read
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
