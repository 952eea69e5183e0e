//! Where callers fetch files.

mod keys;

use std::{sync::Arc, time::Duration};

use farcall_core::{
    clock::{Clock, Timestamp},
    id::JobId,
};
use farcall_store::JobRecord;

pub use self::keys::{LinkKeys, Opening};

/// Makes the URLs of files from the server's public address.
///
/// Where callers are authenticated a URL is signed: whoever has it may fetch this one file for a
/// while, with any program and without a token.
#[derive(Clone, Debug)]
pub struct Links {
    base: Arc<str>,
    signing: Option<Signing>,
}

#[derive(Clone, Debug)]
struct Signing {
    keys: LinkKeys,
    lifetime: Duration,
    clock: Arc<dyn Clock>,
}

impl Links {
    /// URLs below `public_base_url`, which has no slash at its end. They carry no signature.
    pub fn new(public_base_url: impl Into<Arc<str>>) -> Self {
        Self {
            base: public_base_url.into(),
            signing: None,
        }
    }

    /// The same URLs with a signature, each good for `lifetime` from when it is made.
    #[must_use]
    pub fn signed(mut self, keys: LinkKeys, lifetime: Duration, clock: Arc<dyn Clock>) -> Self {
        self.signing = Some(Signing {
            keys,
            lifetime,
            clock,
        });
        self
    }

    /// The links to the files of one job, made at this moment.
    pub fn of<'a>(&'a self, record: &'a JobRecord) -> FileLinks<'a> {
        let until = match (&self.signing, record.expires_at) {
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
            links: self,
            job: record.id,
            owner: &record.owner,
            until,
        }
    }
}

/// The links to the files of one job.
#[derive(Debug)]
pub struct FileLinks<'a> {
    links: &'a Links,
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
        let Self { links, job, .. } = self;
        let mut url = format!("{}/files/{job}", links.base);
        if let Some(name) = name {
            url.push('/');
            url.push_str(name);
        }
        if let (Some(signing), Some(until)) = (&links.signing, self.until) {
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
