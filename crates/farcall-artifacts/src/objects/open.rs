//! Turns a URL and the environment into a store.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use object_store::{ObjectStoreScheme, memory::InMemory};
use tokio::runtime::Handle;
use url::Url;

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use super::clouds::store as cloud;
use super::{Objects, sign::Bucket};
use crate::error::ArtifactError;

impl Objects {
    pub(crate) fn open(
        url: &Url,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ArtifactError> {
        let bad = |reason: String| ArtifactError::BadUrl {
            url: shown(url),
            reason,
        };
        if url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            let reason =
                "it holds more than a bucket and a prefix; credentials belong in the environment";
            return Err(bad(reason.to_owned()));
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(url).map_err(|_| bad(KNOWN.to_owned()))?;
        let mut instance = [0; 8];
        getrandom::fill(&mut instance)
            .map_err(|error| bad(format!("the system gives no random bytes: {error}")))?;
        let Bucket { store, signer } =
            store(&scheme, url, options.into_iter().collect()).map_err(bad)?;
        Ok(Self {
            store,
            signer,
            prefix,
            name: shown(url).into(),
            runtime: Handle::try_current().map_err(|error| bad(error.to_string()))?,
            begun: Arc::new(Mutex::new(HashSet::new())),
            instance: u64::from_ne_bytes(instance),
            checks: Arc::new(AtomicU64::new(0)),
        })
    }
}

#[cfg(not(all(feature = "s3", feature = "gcs", feature = "azure")))]
pub(super) const WITHOUT_FEATURE: &str =
    "this program was built without the feature for it: `s3`, `gcs` or `azure`";

pub(super) const KNOWN: &str = "it is none of `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix`, \
    `az://container/prefix` and `memory:`";

/// The URL without what could be secret.
pub(crate) fn shown(url: &Url) -> String {
    let host = url.host_str().map(|host| format!("//{host}"));
    format!(
        "{}:{}{}",
        url.scheme(),
        host.unwrap_or_default(),
        url.path()
    )
}

fn store(
    scheme: &ObjectStoreScheme,
    url: &Url,
    options: Vec<(String, String)>,
) -> Result<Bucket, String> {
    if *scheme == ObjectStoreScheme::Memory {
        return Ok(Bucket::plain(InMemory::new()));
    }
    cloud(scheme, url, options)
}

#[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure")))]
fn cloud(scheme: &ObjectStoreScheme, _: &Url, _: Vec<(String, String)>) -> Result<Bucket, String> {
    Err(match scheme {
        ObjectStoreScheme::AmazonS3
        | ObjectStoreScheme::GoogleCloudStorage
        | ObjectStoreScheme::MicrosoftAzure => WITHOUT_FEATURE,
        _ => KNOWN,
    }
    .to_owned())
}
