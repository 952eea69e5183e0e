//! Where callers fetch files.

mod keys;

use std::{fmt, sync::Arc, time::Duration};

use farcall_core::{
    clock::{Clock, Timestamp},
    id::JobId,
};
use farcall_store::JobRecord;

pub use self::keys::{LinkKeys, Opening, key_id};

/// Makes the URLs of files from the server's public address.
///
/// Where callers are authenticated a URL is signed: whoever has it may fetch this one file for a
/// while, with any program and without a token.
#[derive(Clone, Debug)]
pub struct Links {
    base: Arc<str>,
    signing: Option<Signing>,
}

/// How URLs are signed.
#[derive(Clone)]
pub struct Signing {
    /// The keys of this server and all of its replicas.
    pub keys: LinkKeys,
    /// How long a URL is good from when it is made.
    pub lifetime: Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether URLs are signed at this moment; one that was signed before is good all the same.
    pub is_wanted: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for Signing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signing")
    }
}

impl Links {
    /// URLs below `public_base_url`, which has no slash at its end. They carry no signature.
    pub fn new(public_base_url: impl Into<Arc<str>>) -> Self {
        Self {
            base: public_base_url.into(),
            signing: None,
        }
    }

    /// The same URLs with a signature.
    #[must_use]
    pub fn signed(mut self, signing: Signing) -> Self {
        self.signing = Some(signing);
        self
    }

    /// What signatures are verified with, where there are any.
    pub fn keys(&self) -> Option<&LinkKeys> {
        self.signing.as_ref().map(|signing| &signing.keys)
    }

    /// The links to the files of one job, made at this moment.
    pub fn of<'a>(&'a self, record: &'a JobRecord) -> FileLinks<'a> {
        let signing = self.signing.as_ref();
        let signing = signing.filter(|signing| (signing.is_wanted)());
        let until = match (signing, record.expires_at) {
            (Some(signing), kept_until) => {
                let lifetime = i64::try_from(signing.lifetime.as_millis()).unwrap_or(i64::MAX);
                let end = signing.clock.now().0.saturating_add(lifetime);
                let end = kept_until.map_or(end, |kept_until| end.min(kept_until.0));
                // A link says whole seconds, and so does what is told about it.
                Some(Timestamp(end / 1_000 * 1_000))
            }
            (None, kept_until) => kept_until,
        };
        FileLinks {
            base: &self.base,
            signing,
            job: record.id,
            owner: &record.owner,
            until,
        }
    }
}

/// The links to the files of one job.
#[derive(Debug)]
pub struct FileLinks<'a> {
    base: &'a str,
    signing: Option<&'a Signing>,
    job: JobId,
    owner: &'a str,
    until: Option<Timestamp>,
}

impl FileLinks<'_> {
    /// The URL of the job's primary file.
    pub fn primary(&self) -> String {
        self.url(None)
    }

    /// The URL of one of the job's files; its name needs no escaping.
    pub fn file(&self, name: &str) -> String {
        self.url(Some(name))
    }

    /// Until when these URLs open their files, where that is known: a plain one as long as the file
    /// is kept.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    fn url(&self, name: Option<&str>) -> String {
        let Self { base, job, .. } = self;
        let mut url = format!("{base}/files/{job}");
        if let Some(name) = name {
            url.push('/');
            url.push_str(name);
        }
        if let (Some(signing), Some(until)) = (self.signing, self.until) {
            let opening = Opening {
                job: *job,
                name,
                owner: self.owner,
                until: until.0 / 1_000,
            };
            url.push('?');
            url.push_str(&signing.keys.query(&opening));
        }
        url
    }
}
