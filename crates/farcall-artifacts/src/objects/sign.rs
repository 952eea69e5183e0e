//! URLs of the bucket itself, which open an object for a while without any key.

use std::{sync::Arc, time::Duration};

use object_store::{
    ObjectStore,
    signer::{Method, SignedUrlOptions, Signer},
};
use url::Url;

use super::Objects;
use crate::{error::ArtifactError, location::Location};

/// How long the bucket may take to sign; most sign without asking anybody.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// A store as it was opened.
pub(super) struct Bucket {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) signer: Option<Arc<dyn Signer>>,
}

impl Bucket {
    /// One that signs URLs which say what a file is sent as.
    #[cfg(any(feature = "s3", feature = "gcs"))]
    pub(super) fn signing(store: impl ObjectStore + Signer) -> Self {
        let store = Arc::new(store);
        Self {
            signer: Some(Arc::clone(&store) as Arc<dyn Signer>),
            store,
        }
    }

    /// One that does not.
    pub(super) fn plain(store: impl ObjectStore) -> Self {
        Self {
            store: Arc::new(store),
            signer: None,
        }
    }
}

impl Objects {
    pub(crate) fn signs(&self) -> bool {
        self.signer.is_some()
    }

    pub(crate) async fn sign(
        &self,
        location: &Location,
        as_sent: [(&str, &str); 2],
        lifetime: Duration,
    ) -> Result<Option<Url>, ArtifactError> {
        let Some(signer) = &self.signer else {
            return Ok(None);
        };
        let path = self.path(location);
        let options = SignedUrlOptions::new().with_query(as_sent);
        let signing = signer.signed_url_opts(Method::GET, &path, lifetime, &options);
        let signed = tokio::time::timeout(ANSWER_TIME, signing).await;
        let signed = signed.map_err(|late| ArtifactError::store("sign", location, late))?;
        let url = signed.map_err(|error| ArtifactError::store("sign", location, error))?;
        Ok(Some(url))
    }
}
