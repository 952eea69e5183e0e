//! The envelope of a token: a header, claims and a signature, each in base64, with dots between them
//! (RFC 7515, the compact form).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::jwt::Fault;
use crate::edge::object;

/// A token that was opened, and not judged.
pub(super) struct Envelope<'t> {
    pub(super) header: Header,
    pub(super) claims: Vec<u8>,
    /// What the signature is of: the first two parts as they came.
    pub(super) message: &'t str,
    pub(super) signature: Vec<u8>,
}

/// What a token says about itself, each thing once. Keys and addresses of keys that it brings along are
/// not read.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    /// Extensions that must be understood; none is.
    #[serde(default, deserialize_with = "whatever")]
    crit: Option<IgnoredAny>,
}

impl<'t> Envelope<'t> {
    /// Opens a token.
    ///
    /// # Errors
    /// What it is not.
    pub(super) fn open(token: &'t str) -> Result<Self, Fault> {
        let (message, signature) = token.rsplit_once('.').ok_or(UNSIGNED)?;
        let (header, claims) = message.split_once('.').ok_or(UNSIGNED)?;
        let header: Header = object(&decoded(header)?)
            .map_err(|_| Fault::refused("its header is not JSON of the right shape"))?;
        if header.crit.is_some() {
            return Err(Fault::refused(
                "it has an extension that must be understood",
            ));
        }
        Ok(Self {
            header,
            claims: decoded(claims)?,
            message,
            signature: decoded(signature)?,
        })
    }
}

/// Something, be it `null`.
fn whatever<'de, D: Deserializer<'de>>(said: D) -> Result<Option<IgnoredAny>, D::Error> {
    IgnoredAny::deserialize(said).map(Some)
}

const UNSIGNED: Fault = Fault::refused("it is no signed token");

/// Strictly: without padding, and with nothing in the bits that no byte needs, so that a token has one
/// spelling.
fn decoded(part: &str) -> Result<Vec<u8>, Fault> {
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(part);
    decoded.map_err(|_| Fault::refused("a part is not base64"))
}
