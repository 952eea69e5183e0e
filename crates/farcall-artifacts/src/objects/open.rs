//! Turns a URL and the environment into a store.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Duration,
};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreScheme, RetryConfig, memory::InMemory,
};
use tokio::runtime::Handle;
use url::Url;

use super::Objects;
use crate::error::ArtifactError;

/// How long one request is repeated where the store does not answer or says that it cannot.
/// The work of hours may hang on it, so it outlasts a restart of a store.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long nothing may come before a connection counts as broken.
const SILENCE: Duration = Duration::from_mins(1);

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
                "it holds more than a bucket and a prefix; credentials belong into the environment";
            return Err(bad(reason.to_owned()));
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(url).map_err(|_| bad(KNOWN.to_owned()))?;
        let mut instance = [0; 8];
        getrandom::fill(&mut instance)
            .map_err(|error| bad(format!("the system gives no random bytes: {error}")))?;
        Ok(Self {
            store: store(&scheme, url, options.into_iter().collect()).map_err(bad)?,
            prefix,
            name: shown(url).into(),
            runtime: Handle::try_current().map_err(|error| bad(error.to_string()))?,
            begun: Arc::new(Mutex::new(HashSet::new())),
            instance: u64::from_ne_bytes(instance),
            checks: Arc::new(AtomicU64::new(0)),
        })
    }
}

const KNOWN: &str = "it is none of `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix`, \
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

/// One cloud's builder: it reads what the environment says about it, as `object_store` names it.
/// The builders have the same methods and no trait.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
macro_rules! built {
    ($builder:expr, $prefix:literal, $url:expr, $options:expr) => {{
        let mut builder = $builder
            .with_url($url.as_str())
            .with_client_options(client())
            .with_retry(retries());
        for (name, value) in $options {
            // Other programs have variables with this prefix too.
            if name.starts_with($prefix)
                && let Ok(key) = name.to_ascii_lowercase().parse()
            {
                builder = builder.with_config(key, value);
            }
        }
        let built = builder.build().map_err(|error| error.to_string())?;
        Ok(Arc::new(built))
    }};
}

fn store(
    scheme: &ObjectStoreScheme,
    url: &Url,
    options: Vec<(String, String)>,
) -> Result<Arc<dyn ObjectStore>, String> {
    match scheme {
        ObjectStoreScheme::Memory => Ok(Arc::new(InMemory::new())),
        #[cfg(feature = "s3")]
        ObjectStoreScheme::AmazonS3 => {
            // The store keeps the checksum of what it was sent, and verifies each part by it.
            let builder = object_store::aws::AmazonS3Builder::new()
                .with_checksum_algorithm(object_store::aws::Checksum::SHA256);
            built!(builder, "AWS_", url, options)
        }
        #[cfg(feature = "gcs")]
        ObjectStoreScheme::GoogleCloudStorage => {
            let builder = object_store::gcp::GoogleCloudStorageBuilder::new();
            built!(builder, "GOOGLE_", url, options)
        }
        #[cfg(feature = "azure")]
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = object_store::azure::MicrosoftAzureBuilder::new();
            built!(builder, "AZURE_", url, options)
        }
        #[cfg(not(all(feature = "s3", feature = "gcs", feature = "azure")))]
        ObjectStoreScheme::AmazonS3
        | ObjectStoreScheme::GoogleCloudStorage
        | ObjectStoreScheme::MicrosoftAzure => {
            drop(options);
            Err(
                "this program was built without the feature for it: `s3`, `gcs` or `azure`"
                    .to_owned(),
            )
        }
        _ => Err(KNOWN.to_owned()),
    }
}

/// No limit on a whole request: a client that takes an hour for a file is fine, silence is not.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn client() -> ClientOptions {
    ClientOptions::new()
        .with_timeout_disabled()
        .with_read_timeout(SILENCE)
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        // More than fit into the time.
        max_retries: 1_000,
        retry_timeout: PATIENCE,
    }
}
