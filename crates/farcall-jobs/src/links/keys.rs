//! The keys that links are signed with.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use farcall_core::{artifact::hexadecimal, id::JobId};
use hmac::{Hmac, KeyInit, Mac, digest::common::Key};
use sha2::{Digest, Sha256};

type HmacSha256 = Hmac<Sha256>;

/// The first part of what is signed; another order or another part makes it another version.
const VERSION: &str = "farcall-link-1";

/// What an opened file is sent as. It is signed, so that no link made today will ever ask a browser
/// to show a file.
const DISPOSITION: &str = "attachment";

/// How many bytes of a key's digest are its name in a link.
const ID_BYTES: usize = 4;

/// What a link opens, for whom, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The job whose file it is.
    pub job: JobId,
    /// The name of the file; none for the primary one.
    pub name: Option<&'a str>,
    /// The id of the principal that the job belongs to.
    pub owner: &'a str,
    /// When it stops to open it, in seconds since 1970-01-01 UTC.
    pub until: i64,
}

/// The keys that links are signed and verified with: one signs, and others are accepted beside it
/// while servers change over. Clones share them; they cannot be printed.
#[derive(Clone)]
pub struct LinkKeys(Arc<RwLock<Arc<[LinkKey]>>>);

struct LinkKey {
    /// Tells it from others in a link, and says nothing about it.
    id: String,
    mac: HmacSha256,
}

impl LinkKeys {
    /// Signs with `signing`, and accepts what the `others` have signed as well.
    pub fn new(signing: [u8; 32], others: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self(Arc::new(RwLock::new(link_keys(signing, others))))
    }

    /// From now on it is these, here and in every clone; what is left out opens nothing any more.
    pub fn exchange(&self, signing: [u8; 32], others: impl IntoIterator<Item = [u8; 32]>) {
        let next = link_keys(signing, others);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Those of this moment.
    fn current(&self) -> Arc<[LinkKey]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The query of a link, for example `exp=1790000000&kid=5f0c12ab&sig=…`.
    pub fn query(&self, opening: &Opening<'_>) -> String {
        let keys = self.current();
        let Some(LinkKey { id, mac }) = keys.first() else {
            return String::new();
        };
        let signature = signed(mac, opening).finalize().into_bytes();
        let signature = hexadecimal(&signature);
        format!("exp={}&kid={id}&sig={signature}", opening.until)
    }

    /// Whether `signature` was made for `opening` with the key called `id`. Whether its time is up
    /// is for the caller to judge.
    pub fn verify(&self, opening: &Opening<'_>, id: &str, signature: &[u8; 32]) -> bool {
        let keys = self.current();
        let key = keys.iter().find(|key| key.id == id);
        // In constant time. Which keys there are is no secret, their ids stand in every link.
        key.is_some_and(|key| signed(&key.mac, opening).verify_slice(signature).is_ok())
    }
}

impl fmt::Debug for LinkKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.current();
        let ids = keys.iter().map(|key| &key.id);
        formatter.debug_list().entries(ids).finish()
    }
}

fn link_keys(signing: [u8; 32], others: impl IntoIterator<Item = [u8; 32]>) -> Arc<[LinkKey]> {
    let keys = std::iter::once(signing).chain(others);
    keys.map(|key| LinkKey::new(&key)).collect()
}

/// What a key is called in links, and where operators look at keys: 8 hexadecimal digits that say
/// nothing about it.
pub fn key_id(key: &[u8; 32]) -> String {
    let digest = Sha256::new()
        .chain_update("farcall-link-key")
        .chain_update(key);
    hexadecimal(&digest.finalize()[..ID_BYTES])
}

impl LinkKey {
    fn new(key: &[u8; 32]) -> Self {
        // A key shorter than a block counts as one with zeros after it (RFC 2104 section 2).
        let mut block = Key::<HmacSha256>::default();
        block[..key.len()].copy_from_slice(key);
        Self {
            id: key_id(key),
            mac: HmacSha256::new(&block),
        }
    }
}

/// Each part with its length before it, so that no two openings are the same bytes.
fn signed(mac: &HmacSha256, opening: &Opening<'_>) -> HmacSha256 {
    let mut mac = mac.clone();
    let (job, until) = (opening.job.to_string(), opening.until.to_string());
    let name = opening.name.unwrap_or_default();
    for part in [
        VERSION,
        "GET",
        &job,
        name,
        opening.owner,
        &until,
        DISPOSITION,
    ] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac
}
