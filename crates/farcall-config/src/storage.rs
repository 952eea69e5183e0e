//! Where data lives.

use std::{fmt, path::PathBuf};

use secrecy::SecretString;
use url::Url;

use crate::{Fault, Source, variables};

/// Where data lives.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Folder of the job store and of the files; created where it is missing.
    pub data_dir: PathBuf,
    /// The database of jobs, where it is not a file in that folder.
    pub database_url: Option<DatabaseUrl>,
    /// Where the files of jobs are, where it is not that folder.
    pub artifacts_url: Option<Url>,
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

impl Storage {
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Self {
        let folder = source.filled(&variables::FARCALL_DATA_DIR);
        let database_url = source
            .filled(&variables::FARCALL_DATABASE_URL)
            .map(DatabaseUrl::parse);
        if let Some(None) = database_url {
            // What was written may hold a password.
            faults.push(Fault::new(
                "`FARCALL_DATABASE_URL` is no address of a PostgreSQL database",
                "write postgres://user:password@host/database, or leave it out for a file in the data folder",
            ));
        }
        let artifacts_url = source.filled(&variables::FARCALL_ARTIFACTS_URL).map(place);
        if let Some(None) = artifacts_url {
            faults.push(Fault::new(
                "`FARCALL_ARTIFACTS_URL` is no place for files",
                "write s3://bucket/prefix, gs://…, az://… or file:///folder without credentials, \
                 which come from variables of their own",
            ));
        }
        Self {
            data_dir: folder.unwrap_or(variables::FARCALL_DATA_DIR.default).into(),
            database_url: database_url.flatten(),
            artifacts_url: artifacts_url.flatten(),
        }
    }
}

fn place(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_known = matches!(url.scheme(), "az" | "file" | "gs" | "memory" | "s3");
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    (is_known && !has_credentials).then_some(url)
}
