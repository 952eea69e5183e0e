//! A PostgreSQL server, an S3 server, a balancer, and machines that share them.

use std::{fs, path::Path, time::Duration};

use farcall_acceptance::{
    Launch, Server,
    bakery::{self, Run},
    scratch,
};
use farcall_testpg::{Cluster, Durability, free_port};
use sqlx::{Connection, FromRow, PgConnection, postgres::PgRow};
use tempfile::TempDir;

use crate::{balancer::Balancer, caller::Caller, s3};

pub(crate) struct Machines {
    pub(crate) cluster: Cluster,
    pub(crate) lease: Duration,
    pub(crate) http: reqwest::Client,
    folder: TempDir,
    files: Vec<(&'static str, String)>,
    ports: Vec<u16>,
    balancer: Balancer,
}

impl Machines {
    /// What `replicas` need, whose workers have this `lease`.
    pub(crate) async fn new(replicas: usize, lease: Duration) -> Self {
        let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
        let ports: Vec<_> = (0..replicas).map(|_| free_port()).collect();
        Self {
            cluster: Cluster::start(Durability::Disk),
            lease,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            files: s3::serve(&folder.path().join("s3")).await,
            balancer: Balancer::start(&folder.path().join("nginx"), &ports).await,
            ports,
            folder,
        }
    }

    /// The machine `name`, with a data folder of its own.
    pub(crate) fn launch(&self, name: &str, role: &str) -> Launch {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_bakery"));
        let database = self.cluster.tcp_url(self.cluster.server(), "postgres");
        let mut launch = Launch::of(binary, &folder)
            .env("FARCALL_ROLE", role)
            .env("FARCALL_DATABASE_URL", database)
            .env("FARCALL_CONCURRENCY", "4")
            .env("PUBLIC_BASE_URL", self.balancer.origin())
            .env(bakery::LEASE, self.lease.as_millis().to_string())
            .env(bakery::LOG, self.log());
        for (name, value) in &self.files {
            launch = launch.env(name, value);
        }
        // A bug that whoever runs the test wants to see found.
        if let Some(plant) = std::env::var_os("FARCALL_PLANT") {
            launch = launch.env("FARCALL_PLANT", plant);
        }
        launch
    }

    /// The replica `number` at its place behind the balancer.
    pub(crate) fn replica(&self, number: usize, role: &str) -> Launch {
        self.launch(&format!("replica-{number}"), role)
            .env("MCP_PORT", self.ports[number].to_string())
    }

    pub(crate) async fn api(&self, number: usize) -> Server {
        self.replica(number, "api").start().await
    }

    pub(crate) async fn worker(&self, name: &str) -> Server {
        self.launch(name, "worker").start().await
    }

    /// Where the balancer is.
    pub(crate) fn origin(&self) -> String {
        self.balancer.origin()
    }

    /// Somebody who calls through the balancer.
    pub(crate) fn caller(&self) -> Caller {
        Caller::new(self.http.clone(), &self.balancer.origin())
    }

    /// Somebody who calls one machine.
    pub(crate) fn caller_of(&self, server: &Server) -> Caller {
        Caller::new(self.http.clone(), server.origin())
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }

    /// Every stage that has begun so far, on whatever machine.
    pub(crate) fn runs(&self) -> Vec<Run> {
        bakery::runs(&self.log())
    }

    /// What the database says.
    pub(crate) async fn query<T>(&self, sql: &'static str) -> Vec<T>
    where
        T: for<'row> FromRow<'row, PgRow> + Send + Unpin,
    {
        let url = self.cluster.url("postgres");
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let rows = sqlx::query_as(sql)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        rows
    }

    /// The names of the objects in the bucket.
    pub(crate) fn objects(&self) -> usize {
        let mut folders = vec![self.folder.path().join("s3/bucket")];
        let mut objects = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    objects += 1;
                }
            }
        }
        objects
    }
}
