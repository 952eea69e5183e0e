//! Opens the places of jobs and files that the configuration names.

use std::{sync::Arc, time::Duration};

use farcall_artifacts::{ArtifactError, Artifacts};
use farcall_config::{Config, DatabaseUrl, Storage};
use farcall_core::clock::Clock;
use farcall_jobs::Links;
use farcall_server::JobFiles;
use farcall_store::{JobStore, SqliteStore, StoreError};
use secrecy::{ExposeSecret, SecretString};

use crate::Failure;

/// Opens the store of jobs, and the place of their files.
pub(super) async fn open(
    config: &Config,
    public_base_url: &str,
    clock: &Arc<dyn Clock>,
) -> Result<JobFiles, Failure> {
    let storage = &config.storage;
    // Who runs no job writes nothing here.
    let min_free = if config.jobs.role.works() {
        config.jobs.min_free
    } else {
        0
    };
    let store: Arc<dyn JobStore> = if let Some(url) = &storage.database_url {
        open_database(url).await?
    } else {
        let store = SqliteStore::open(&storage.data_dir, Arc::clone(clock)).await?;
        store.keep_free(min_free);
        Arc::new(store)
    };
    let artifacts = open_artifacts(storage).await?;
    artifacts.space().keep_free(min_free);
    let redirects = config.files.redirects;
    if redirects && !artifacts.signs_urls() {
        return Err(Failure::usage(
            "FARCALL_REDIRECT_FILES sends callers to signed URLs of the bucket, and there are none where the files are",
        )
        .hint("unset it, or keep the files in `s3://…` or `gs://…`"));
    }
    Ok(JobFiles {
        store,
        artifacts,
        links: Links::new(public_base_url),
        redirects,
    })
}

/// What keeps a store from being opened or asked, to whoever configured it.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::usage(error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// How long the database may take to answer for the first time; a start must not hang. Long enough
/// for a migration, of this process or of another that it waits for.
#[cfg(feature = "postgres")]
const DATABASE_ANSWER: Duration = Duration::from_mins(2);

#[cfg(feature = "postgres")]
pub(crate) async fn open_database(url: &DatabaseUrl) -> Result<Arc<dyn JobStore>, Failure> {
    use farcall_store::PostgresStore;

    let opening = PostgresStore::open(url.url.expose_secret());
    match tokio::time::timeout(DATABASE_ANSWER, opening).await {
        Ok(Ok(store)) => Ok(Arc::new(store)),
        Ok(Err(error)) => Err(wrong_database(url, "cannot keep the jobs", error)),
        Err(_) => Err(silent_database(url, DATABASE_ANSWER)),
    }
}

/// What a database says, to whoever configured it.
#[cfg(feature = "postgres")]
pub(crate) fn wrong_database(url: &DatabaseUrl, what: &str, error: StoreError) -> Failure {
    let is_of_the_database = matches!(error, StoreError::Database(_) | StoreError::Unavailable(_));
    let mut failure = Failure::from(error);
    failure.message = format!("`{url}` {what}: {}", failure.message);
    if is_of_the_database {
        failure.hint = Some(UNREACHABLE.to_owned());
    }
    failure
}

/// The same of one that says nothing.
#[cfg(feature = "postgres")]
pub(crate) fn silent_database(url: &DatabaseUrl, limit: Duration) -> Failure {
    let limit = limit.as_secs();
    Failure::usage(format!("`{url}` does not answer within {limit} seconds")).hint(UNREACHABLE)
}

#[cfg(feature = "postgres")]
const UNREACHABLE: &str = "see that the server runs and takes this user, and that FARCALL_DATABASE_URL is \
                           postgres://USER:PASSWORD@HOST:PORT/DATABASE";

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "with the feature it waits")]
pub(crate) async fn open_database(url: &DatabaseUrl) -> Result<Arc<dyn JobStore>, Failure> {
    let message =
        format!("`{url}` cannot keep the jobs: this program was built without PostgreSQL");
    Err(Failure::usage(message).hint("build it with farcall's feature `postgres`"))
}

/// How long the place of the files may take to take one in; a start must not hang.
const FILES_ANSWER: Duration = Duration::from_secs(15);

pub(crate) async fn open_artifacts(storage: &Storage) -> Result<Artifacts, Failure> {
    let folder = &storage.data_dir;
    let Some(place) = &storage.artifacts else {
        return Artifacts::open(folder).map_err(|error| {
            Failure::usage(format!(
                "files cannot be kept in `{}`: {error}",
                folder.display()
            ))
            .hint("set FARCALL_DATA_DIR to a folder that this user may write to")
        });
    };
    let owned =
        |(name, value): &(String, SecretString)| (name.clone(), value.expose_secret().to_owned());
    let failed = |error: String| {
        Failure::usage(error).hint(
            "correct FARCALL_ARTIFACTS_URL and the variables of the cloud it belongs to, see docs/concepts/files.md",
        )
    };
    let artifacts = Artifacts::open_url(folder, &place.url, place.options.iter().map(owned))
        .map_err(|error| failed(error.to_string()))?;
    // A bucket that is not there would cost the first job its result.
    match tokio::time::timeout(FILES_ANSWER, artifacts.check()).await {
        // What is there can be read on a full disk too.
        Ok(Ok(()) | Err(ArtifactError::StorageFull { .. })) => Ok(artifacts),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!(
            "the place of the files does not answer within {} seconds",
            FILES_ANSWER.as_secs()
        ))),
    }
}
