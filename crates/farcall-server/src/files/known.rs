//! The files that were fetched lately. What is published never changes, so nothing here can be
//! wrong; whether a caller may have it, and whether it has expired, is judged each time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use farcall_core::id::JobId;
use farcall_store::PublishedArtifact;

/// How many are remembered.
const MAX: usize = 1_024;

type Files = HashMap<(JobId, Option<String>), Arc<PublishedArtifact>>;

/// Published files by job and name.
#[derive(Clone, Default)]
pub(super) struct Known(Arc<Mutex<Files>>);

impl Known {
    pub(super) fn get(&self, job: JobId, name: Option<&str>) -> Option<Arc<PublishedArtifact>> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(&(job, name.map(str::to_owned))).cloned()
    }

    pub(super) fn keep(
        &self,
        job: JobId,
        name: Option<&str>,
        published: PublishedArtifact,
    ) -> Arc<PublishedArtifact> {
        let published = Arc::new(published);
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if files.len() >= MAX {
            // Rare, and a look into the store is all it costs.
            files.clear();
        }
        files.insert((job, name.map(str::to_owned)), Arc::clone(&published));
        published
    }
}
