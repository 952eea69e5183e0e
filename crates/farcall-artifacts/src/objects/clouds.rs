//! Stores of the clouds, made from a URL and the environment.

use std::time::Duration;

use object_store::{BackoffConfig, ClientOptions, ObjectStoreScheme, RetryConfig};
use url::Url;

use super::{open::KNOWN, sign::Bucket};

/// How long one request is repeated where the store does not answer or says that it cannot.
/// The work of hours may hang on it, so it outlasts a restart of a store.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long nothing may come before a connection counts as broken.
const SILENCE: Duration = Duration::from_mins(1);

/// One cloud's builder: it reads what the environment says about it, as `object_store` names it.
/// The builders have the same methods and no trait.
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
        builder.build().map_err(|error| error.to_string())
    }};
}

pub(super) fn store(
    scheme: &ObjectStoreScheme,
    url: &Url,
    options: Vec<(String, String)>,
) -> Result<Bucket, String> {
    match scheme {
        #[cfg(feature = "s3")]
        ObjectStoreScheme::AmazonS3 => {
            // The store keeps the checksum of what it was sent, and verifies each part by it.
            let builder = object_store::aws::AmazonS3Builder::new()
                .with_checksum_algorithm(object_store::aws::Checksum::SHA256);
            built!(builder, "AWS_", url, options).map(Bucket::signing)
        }
        #[cfg(feature = "gcs")]
        ObjectStoreScheme::GoogleCloudStorage => {
            let builder = object_store::gcp::GoogleCloudStorageBuilder::new();
            built!(builder, "GOOGLE_", url, options).map(Bucket::signing)
        }
        #[cfg(feature = "azure")]
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = object_store::azure::MicrosoftAzureBuilder::new();
            // Its signed URLs cannot say what a file is sent as.
            built!(builder, "AZURE_", url, options).map(Bucket::plain)
        }
        #[cfg(not(feature = "s3"))]
        ObjectStoreScheme::AmazonS3 => Err(super::open::WITHOUT_FEATURE.to_owned()),
        #[cfg(not(feature = "gcs"))]
        ObjectStoreScheme::GoogleCloudStorage => Err(super::open::WITHOUT_FEATURE.to_owned()),
        #[cfg(not(feature = "azure"))]
        ObjectStoreScheme::MicrosoftAzure => Err(super::open::WITHOUT_FEATURE.to_owned()),
        _ => Err(KNOWN.to_owned()),
    }
}

/// No limit on a whole request: a client that takes an hour for a file is fine, silence is not.
fn client() -> ClientOptions {
    ClientOptions::new()
        .with_timeout_disabled()
        .with_read_timeout(SILENCE)
}

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
