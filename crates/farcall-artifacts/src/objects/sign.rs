//! URLs of the bucket itself, which open an object for a while without any key.

use std::{sync::Arc, time::Duration};

use object_store::ObjectStore;
use url::Url;

use super::Objects;
use crate::{error::ArtifactError, location::Location};

/// What signs URLs; without a cloud there is nothing that could.
#[cfg(any(feature = "s3", feature = "gcs"))]
pub(super) type SharedSigner = Arc<dyn object_store::signer::Signer>;
#[cfg(not(any(feature = "s3", feature = "gcs")))]
pub(super) type SharedSigner = std::convert::Infallible;

/// A store as it was opened.
pub(super) struct Bucket {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) signer: Option<SharedSigner>,
}

impl Bucket {
    /// One that signs URLs which say what a file is sent as.
    #[cfg(any(feature = "s3", feature = "gcs"))]
    pub(super) fn signing(store: impl ObjectStore + object_store::signer::Signer) -> Self {
        let store = Arc::new(store);
        Self {
            signer: Some(Arc::clone(&store) as SharedSigner),
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
        match &self.signer {
            Some(signer) => {
                let path = self.path(location);
                let url = signed(signer, &path, as_sent, lifetime).await;
                url.map(Some)
                    .map_err(|error| ArtifactError::store("sign", location, error))
            }
            None => Ok(None),
        }
    }
}

#[cfg(any(feature = "s3", feature = "gcs"))]
async fn signed(
    signer: &SharedSigner,
    path: &object_store::path::Path,
    as_sent: [(&str, &str); 2],
    lifetime: Duration,
) -> Result<Url, Box<dyn std::error::Error + Send + Sync>> {
    use object_store::signer::{Method, SignedUrlOptions};

    /// How long the bucket may take to sign; most sign without asking anybody.
    const ANSWER_TIME: Duration = Duration::from_secs(10);

    let options = SignedUrlOptions::new().with_query(as_sent);
    let signing = signer.signed_url_opts(Method::GET, path, lifetime, &options);
    Ok(tokio::time::timeout(ANSWER_TIME, signing).await??)
}

#[cfg(not(any(feature = "s3", feature = "gcs")))]
#[expect(clippy::unused_async, reason = "with a cloud it waits")]
async fn signed(
    signer: &SharedSigner,
    _: &object_store::path::Path,
    _: [(&str, &str); 2],
    _: Duration,
) -> Result<Url, Box<dyn std::error::Error + Send + Sync>> {
    match *signer {}
}
