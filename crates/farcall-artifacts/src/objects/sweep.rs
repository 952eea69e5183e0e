//! Finds what a crash left in the bucket.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use farcall_core::id::JobId;
use futures_util::TryStreamExt;
use object_store::{ObjectMeta, path::Path};

use super::{CHECK, Objects};
use crate::{
    error::ArtifactError,
    location::Location,
    sweep::{BATCH, Known, Needed, Swept},
};

/// So many objects are deleted at once; a job may have any number.
const MAX_OBJECTS: usize = 10_000;

impl Objects {
    /// Removes the strays that are at least `older_than`. An upload that was not completed is no
    /// object yet and cannot be listed: the store's own lifecycle rule removes those.
    pub(crate) async fn sweep<F, E>(
        &self,
        older_than: Duration,
        needed: &mut impl FnMut(Vec<JobId>) -> F,
    ) -> Result<Swept, E>
    where
        F: Future<Output = Result<Vec<Needed>, E>>,
        E: From<ArtifactError>,
    {
        let mut swept = Swept::default();
        let until = self.touch().await? - older_than;
        let mut listed = self.store.list(Some(&self.prefix));
        loop {
            let (mut objects, mut jobs) = (Vec::new(), HashSet::new());
            let mut checks = Vec::new();
            let mut is_last = true;
            while let Some(object) = listed
                .try_next()
                .await
                .map_err(|error| ArtifactError::store("list the objects in", &self.name, error))?
            {
                if !is_old(&object, until) {
                    continue;
                }
                if let Some(location) = self.location(&object.location) {
                    jobs.insert(location.job());
                    objects.push(location);
                } else if self.is_check(&object.location) {
                    checks.push(object.location);
                }
                if jobs.len() == BATCH || objects.len() == MAX_OBJECTS {
                    is_last = false;
                    break;
                }
            }
            let jobs: Vec<_> = jobs.into_iter().collect();
            let known = if jobs.is_empty() {
                Vec::new()
            } else {
                needed(jobs).await?
            };
            let known = Known::new(known);
            objects.retain(|location| known.is_stray(location));
            let strays = objects.iter().map(|location| self.path(location)).collect();
            swept.parts += self.delete_counted(checks, &mut swept.failed).await;
            swept.unrecorded += self.delete_counted(strays, &mut swept.failed).await;
            if is_last {
                return Ok(swept);
            }
        }
    }

    /// What lies at `path`, if it is a name of ours.
    fn location(&self, path: &Path) -> Option<Location> {
        let mut parts = path.prefix_match(&self.prefix)?;
        let (folder, file) = (parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Location::parse(&format!("{}/{}", folder.as_ref(), file.as_ref()))
    }

    fn is_check(&self, path: &Path) -> bool {
        let Some(mut parts) = path.prefix_match(&self.prefix) else {
            return false;
        };
        let is_named = parts
            .next()
            .is_some_and(|name| name.as_ref().starts_with(CHECK));
        is_named && parts.next().is_none()
    }

    async fn delete_counted(&self, paths: Vec<Path>, failed: &mut u64) -> u64 {
        let wanted = paths.len() as u64;
        let (gone, refused) = self.delete(paths).await;
        if let Some(error) = refused {
            tracing::warn!(%error, left = wanted - gone, "left-overs could not be removed");
        }
        *failed += wanted - gone;
        gone
    }
}

fn is_old(object: &ObjectMeta, until: SystemTime) -> bool {
    SystemTime::from(object.last_modified) <= until
}
