//! URLs of the place itself, for callers that are sent there.

use std::time::Duration;

use farcall_core::artifact::Artifact;
use url::Url;

use crate::{Artifacts, Place, error::ArtifactError, read::parse};

impl Artifacts {
    /// Whether the place signs URLs that say what a file is sent as: S3 and Google Cloud Storage do.
    pub fn signs_urls(&self) -> bool {
        match &self.0.place {
            Place::Folder(_) => false,
            Place::Objects(objects) => objects.signs(),
        }
    }

    /// A URL that gives whoever has it the file that `artifact` describes, for `lifetime` and with
    /// this `Content-Disposition`; `None` where [`signs_urls`](Self::signs_urls) is false.
    ///
    /// Nobody looks whether the object is there, and nobody holds its bytes against the checksum.
    ///
    /// # Errors
    /// [`BadLocation`](ArtifactError::BadLocation), or [`Store`](ArtifactError::Store) where there are
    /// no keys to sign with, or the store that has them does not answer.
    pub async fn signed_url(
        &self,
        artifact: &Artifact,
        disposition: &str,
        lifetime: Duration,
    ) -> Result<Option<Url>, ArtifactError> {
        let location = parse(artifact)?;
        let as_sent = [
            ("response-content-disposition", disposition),
            ("response-content-type", artifact.media_type.as_str()),
        ];
        match &self.0.place {
            Place::Folder(_) => Ok(None),
            Place::Objects(objects) => objects.sign(&location, as_sent, lifetime).await,
        }
    }
}
