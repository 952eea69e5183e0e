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
    try_attach(storage).await.map_err(|why| why.told(storage))
}

/// The same; where there is none yet, one is made, as a server does when it starts.
pub(crate) async fn attach_or_make(storage: &Storage) -> Result<Arc<dyn JobStore>, Failure> {
    match try_attach(storage).await {
        Ok(store) => return Ok(store),
        Err(Unattached::Missing) => {}
        Err(why) => return Err(why.told(storage)),
    }
    if let Some(url) = &storage.database_url {
        return open::open_database(url).await;
    }
    match SqliteStore::open(&storage.data_dir, Arc::new(SystemClock)).await {
        // A server that is started next must be able to have the folder.
        Ok(store) => store.close().await,
        // One that starts at this moment makes the store.
        Err(StoreError::Locked { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    attach(storage).await
}

/// Why there is no store to look at.
pub(crate) enum Unattached {
    /// Nobody has made one yet.
    Missing,
    /// It is of an earlier farcall, and nobody has brought it up to date.
    Older(Failure),
    /// Something is in the way.
    Failed(Failure),
}

impl Unattached {
    fn of(error: StoreError, told: impl FnOnce(StoreError) -> Failure) -> Self {
        match error {
            StoreError::NoStore { .. } => Self::Missing,
            StoreError::OlderSchema { .. } => Self::Older(told(error)),
            _ => Self::Failed(told(error)),
        }
    }

    fn told(self, storage: &Storage) -> Failure {
        match self {
            Self::Missing => {
                let place = match &storage.database_url {
                    Some(url) => format!("`{url}`"),
                    None => format!("the folder `{}`", storage.data_dir.display()),
                };
                StoreError::NoStore { place }.into()
            }
            Self::Older(failure) | Self::Failed(failure) => failure,
        }
    }
}

/// The same, with the reason where there is none.
pub(crate) async fn try_attach(storage: &Storage) -> Result<Arc<dyn JobStore>, Unattached> {
    if let Some(url) = &storage.database_url {
        return attach_database(url).await;
    }
    let folder = &storage.data_dir;
    match SqliteStore::attach(folder, Arc::new(SystemClock)).await {
        Ok(store) => Ok(Arc::new(store)),
        Err(error) => Err(Unattached::of(error, |error| unusable(folder, error))),
    }
}

/// The same where it is in a folder.
pub(crate) async fn attach_folder(folder: &Path) -> Result<SqliteStore, Failure> {
    let store = SqliteStore::attach(folder, Arc::new(SystemClock)).await;
    store.map_err(|error| unusable(folder, error))
}

fn unusable(folder: &Path, error: StoreError) -> Failure {
    // What SQLite says names no file.
    let names_no_file = matches!(error, StoreError::Database(_) | StoreError::Unavailable(_));
    let mut failure = Failure::from(error);
    if names_no_file {
        let (folder, why) = (folder.display(), &failure.message);
        failure.message = format!("the job store in `{folder}` cannot be opened: {why}");
    }
    failure.hint.get_or_insert_with(|| UNREADABLE.to_owned());
    failure
}

const UNREADABLE: &str =
    "see that this is the data folder of a server, and run this as the user who owns it";

#[cfg(feature = "postgres")]
async fn attach_database(url: &DatabaseUrl) -> Result<Arc<dyn JobStore>, Unattached> {
    use std::time::Duration;

    use farcall_store::PostgresStore;
    use secrecy::ExposeSecret;

    /// How long the database may take to answer for the first time.
    const ANSWER: Duration = Duration::from_secs(20);

    let attaching = PostgresStore::attach(url.url.expose_secret());
    match tokio::time::timeout(ANSWER, attaching).await {
        Ok(Ok(store)) => Ok(Arc::new(store)),
        Ok(Err(error)) => Err(Unattached::of(error, |error| {
            open::wrong_database(url, "cannot be looked at", error)
        })),
        Err(_) => Err(Unattached::Failed(open::silent_database(url, ANSWER))),
    }
}

#[cfg(not(feature = "postgres"))]
async fn attach_database(url: &DatabaseUrl) -> Result<Arc<dyn JobStore>, Unattached> {
    open::open_database(url).await.map_err(Unattached::Failed)
}
