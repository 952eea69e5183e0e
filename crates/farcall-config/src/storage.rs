//! Where data lives.

use std::{fmt, path::PathBuf};

use secrecy::SecretString;
use url::Url;

use crate::{ConfigError, Fault, Source, variables};

/// Where data lives.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Folder of the job store and of the files; created where it is missing.
    pub data_dir: PathBuf,
    /// The database of jobs, where it is not a file in that folder.
    pub database_url: Option<DatabaseUrl>,
    /// Where the files of jobs are, where it is not that folder.
    pub artifacts: Option<ArtifactsUrl>,
}

/// Where a PostgreSQL database is; its credentials cannot be printed.
#[derive(Clone, Debug)]
pub struct DatabaseUrl {
    /// The whole URL.
    pub url: SecretString,
    shown: String,
}

impl DatabaseUrl {
    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return None;
        }
        // A password with a `/`, `?` or `#` that is not escaped ends the host, and what is shown
        // would be part of it.
        let rest = [Some(url.path()), url.query(), url.fragment()];
        if rest.into_iter().flatten().any(|part| part.contains('@')) {
            return None;
        }
        // Everything else may hold a secret.
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        Some(Self {
            shown: format!("postgres://{host}{port}{}", url.path()),
            url: text.to_owned().into(),
        })
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

/// A place for files, and what the environment says about how to reach it.
#[derive(Clone, Debug)]
pub struct ArtifactsUrl {
    /// The place. Credentials are not in it.
    pub url: Url,
    /// The variables of the clouds, `AWS_…`, `AZURE_…` and `GOOGLE_…`, by name.
    pub options: Vec<(String, SecretString)>,
}

/// What the names begin with that belong to the clouds rather than to us.
const CLOUDS: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

impl Storage {
    /// Whether other processes can have the same files.
    pub(crate) fn shares_files(&self) -> bool {
        let place = self.artifacts.as_ref();
        place.is_some_and(|place| place.url.scheme() != "memory")
    }

    /// Reads this section alone, for what looks at the data beside a server.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong with it.
    pub fn alone(source: &Source) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let storage = Self::read(source, &mut faults);
        if faults.is_empty() {
            Ok(storage)
        } else {
            Err(ConfigError(faults))
        }
    }

    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Self {
        let folder = source.filled(&variables::FARCALL_DATA_DIR);
        let database_url = source
            .filled(&variables::FARCALL_DATABASE_URL)
            .map(DatabaseUrl::parse);
        if let Some(None) = database_url {
            // What was written may hold a password.
            faults.push(Fault::new(
                "`FARCALL_DATABASE_URL` is no address of a PostgreSQL database",
                "write postgres://user:password@host/database, with %2F for a `/` in the password and so on; \
                 or leave it out for a file in the data folder",
            ));
        }
        Self {
            data_dir: folder.unwrap_or(variables::FARCALL_DATA_DIR.default).into(),
            database_url: database_url.flatten(),
            artifacts: artifacts(source, faults),
        }
    }
}

fn artifacts(source: &Source, faults: &mut Vec<Fault>) -> Option<ArtifactsUrl> {
    let text = source.filled(&variables::FARCALL_ARTIFACTS_URL)?;
    let url = Url::parse(text).ok().filter(|url| {
        let is_known = matches!(url.scheme(), "az" | "file" | "gs" | "memory" | "s3");
        is_known && url.username().is_empty() && url.password().is_none()
    });
    let Some(url) = url else {
        // Not repeated: it may hold a secret that belongs elsewhere.
        faults.push(Fault::new(
            "`FARCALL_ARTIFACTS_URL` is no place for files",
            "write s3://bucket/prefix, gs://…, az://… or file:///folder, and the credentials in variables \
             of their own, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ));
        return None;
    };
    Some(ArtifactsUrl {
        url,
        options: source.beginning_with(&CLOUDS),
    })
}
