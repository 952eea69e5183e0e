//! Where a server looks up the callers that were named.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use farcall_config::{Config, Source, Storage};
use farcall_core::clock::SystemClock;
use farcall_server::{
    JobFiles,
    auth::{CallerSource, NamedCallers},
};
use farcall_store::{CallerStore, JobStore, SqliteStore, StoreError};
use tokio::sync::OnceCell;

use super::open;
use crate::{
    Failure,
    attach::{Unattached, try_attach},
};

/// The store of a server's callers.
pub(super) struct Place {
    /// The folder where one may be made while the server runs, for a program that keeps nothing there.
    folder: PathBuf,
    store: OnceCell<Arc<dyn JobStore>>,
}

impl Place {
    /// The store of the jobs; for a program without any, what others keep in the same place. Nothing is made
    /// in a folder: two such programs may be started in the same one.
    pub(super) async fn new(
        config: &Config,
        jobs: Option<&JobFiles>,
    ) -> Result<Arc<Self>, Failure> {
        let Storage {
            data_dir,
            database_url,
            ..
        } = &config.storage;
        let store = match (jobs, database_url) {
            (Some(jobs), _) => Some(Arc::clone(&jobs.store)),
            (None, Some(url)) => Some(open::open_database(url).await?),
            (None, None) => None,
        };
        Ok(Arc::new(Self {
            folder: data_dir.clone(),
            store: OnceCell::new_with(store),
        }))
    }

    /// The store that this process has opened, if it has.
    pub(super) fn opened(&self) -> Option<Arc<dyn JobStore>> {
        self.store.get().map(Arc::clone)
    }

    /// The callers there, as they are at each moment.
    pub(super) async fn watched(self: &Arc<Self>) -> Result<Arc<NamedCallers>, Failure> {
        let source: Arc<Self> = Arc::clone(self);
        Ok(Arc::new(NamedCallers::start(source).await?))
    }

    /// Lets go of the store, which may have been closed before.
    pub(super) async fn close(&self) {
        if let Some(store) = self.store.get() {
            store.close().await;
        }
    }
}

#[async_trait]
impl CallerSource for Place {
    async fn store(&self) -> Result<Option<Arc<dyn CallerStore>>, StoreError> {
        let attach = async || {
            let store = SqliteStore::attach(&self.folder, Arc::new(SystemClock)).await?;
            Ok::<Arc<dyn JobStore>, _>(Arc::new(store))
        };
        match self.store.get_or_try_init(attach).await {
            Ok(store) => Ok(Some(Arc::clone(store) as Arc<dyn CallerStore>)),
            // Before there were callers, nobody was named.
            Err(StoreError::NoStore { .. } | StoreError::OlderSchema { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether anybody was named in the store that `source` says, before it is opened.
pub(crate) async fn are_there(source: &Source) -> Result<bool, Failure> {
    let Ok(storage) = Storage::alone(source) else {
        // What is wrong is told together with everything else.
        return Ok(false);
    };
    let store = match try_attach(&storage).await {
        Ok(store) => store,
        Err(Unattached::Missing | Unattached::Older(_)) => return Ok(false),
        Err(Unattached::Failed(failure)) => return Err(failure),
    };
    let callers = store.callers().await;
    store.close().await;
    Ok(!callers?.callers.is_empty())
}
