//! The jobs of a server, for verbs that look at them beside it: where they are, and a way to them
//! that makes nothing, changes nothing by itself, and keeps nobody from working.

use std::{path::Path, sync::Arc};

use farcall_config::{DatabaseUrl, Source, Storage, variables};
use farcall_core::clock::SystemClock;
use farcall_store::{JobStore, SqliteStore, StoreError};

use crate::{Failure, running::open};

// Where the data is, as flags say it. A doc comment would stand in the help of every verb.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct DataFlags {
    /// Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<String>,
}

impl DataFlags {
    /// What a server with this flag, this environment and this `.env` would have read, and where
    /// its data is.
    pub(crate) fn read(&self) -> Result<(Source, Storage), Failure> {
        let usage = |error: farcall_config::ConfigError| Failure::usage(error.to_string());
        let mut source = Source::from_environment(Path::new(".")).map_err(usage)?;
        if let Some(folder) = &self.data_dir {
            source.set(&variables::FARCALL_DATA_DIR, folder);
        }
        let storage = Storage::alone(&source).map_err(usage)?;
        match (&self.data_dir, &storage.database_url) {
            // Whoever names a folder does not mean the jobs of another place.
            (Some(folder), Some(url)) => Err(Failure::usage(format!(
                "--data-dir names `{folder}`, but the jobs are in `{url}`: FARCALL_DATABASE_URL is set"
            ))
            .hint("leave --data-dir out, or unset FARCALL_DATABASE_URL")),
            _ => Ok((source, storage)),
        }
    }
}

/// The job store of the server whose data is there, whether it runs or not.
pub(crate) async fn attach(storage: &Storage) -> Result<Arc<dyn JobStore>, Failure> {
    match &storage.database_url {
        Some(url) => attach_database(url).await,
        None => Ok(Arc::new(attach_folder(&storage.data_dir).await?)),
    }
}

/// The same where it is in a folder.
pub(crate) async fn attach_folder(folder: &Path) -> Result<SqliteStore, Failure> {
    let store = SqliteStore::attach(folder, Arc::new(SystemClock)).await;
    store.map_err(|error| {
        let mut failure = open::wrong(&error);
        // What SQLite says names no file.
        if matches!(error, StoreError::Database(_) | StoreError::Unavailable(_)) {
            let folder = folder.display();
            failure.message = format!("the job store in `{folder}` cannot be opened: {error}");
        }
        failure.hint.get_or_insert_with(|| UNREADABLE.to_owned());
        failure
    })
}

const UNREADABLE: &str =
    "see that this is the data folder of a server, and run this as the user who owns it";

#[cfg(feature = "postgres")]
async fn attach_database(url: &DatabaseUrl) -> Result<Arc<dyn JobStore>, Failure> {
    use std::time::Duration;

    use farcall_store::PostgresStore;
    use secrecy::ExposeSecret;

    /// How long the database may take to answer for the first time.
    const ANSWER: Duration = Duration::from_secs(20);

    let attaching = PostgresStore::attach(url.url.expose_secret());
    match tokio::time::timeout(ANSWER, attaching).await {
        Ok(Ok(store)) => Ok(Arc::new(store)),
        Ok(Err(error)) => Err(open::wrong_database(url, "cannot be looked at", &error)),
        Err(_) => Err(open::silent_database(url, ANSWER)),
    }
}

#[cfg(not(feature = "postgres"))]
async fn attach_database(url: &DatabaseUrl) -> Result<Arc<dyn JobStore>, Failure> {
    open::open_database(url).await
}
