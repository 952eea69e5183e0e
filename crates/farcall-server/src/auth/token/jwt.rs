//! Signed tokens (RFC 7519), judged as RFC 8725 asks: by what this server expects, never by what the
//! token says about itself.

use std::sync::Arc;

use farcall_core::clock::{Clock, Timestamp};
use serde::Deserialize;

use super::{
    jwks::{Keys, NoKeys},
    jws::Envelope,
    signature::Algorithm,
};
use crate::edge::object;

/// A longer token is not looked at. All headers of a request have 32 KiB.
pub(crate) const LONGEST: usize = 16 << 10;

/// How far the clocks of this machine and of the issuer may be apart, in seconds.
const LEEWAY: f64 = 60.0;

/// What a token has to be to count.
pub(crate) struct Trust {
    /// Where the keys are.
    pub(crate) keys: Arc<Keys>,
    /// How it may have been signed.
    pub(crate) algorithms: Vec<&'static Algorithm>,
    /// Who must have issued it.
    pub(crate) issuer: String,
    /// For whom it must be; one of these.
    pub(crate) audiences: Vec<String>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Why a token does not count.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not what was expected; for the log, because each of these words would help to forge
    /// the next one.
    Refused(&'static str),
    /// There are no keys to judge it by.
    Unavailable,
}

impl Fault {
    pub(crate) const fn refused(reason: &'static str) -> Self {
        Self::Refused(reason)
    }
}

impl From<NoKeys> for Fault {
    fn from(NoKeys: NoKeys) -> Self {
        Self::Unavailable
    }
}

/// What a token says, as far as it is asked; each claim once, or the token is none.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: Several,
    exp: f64,
    nbf: Option<f64>,
    /// Of Cloudflare Access: what kind of token it is.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) sub: Option<String>,
    pub(crate) email: Option<String>,
    /// Of Cloudflare Access: the client id of a service token.
    pub(crate) common_name: Option<String>,
    /// Of OAuth: what was granted, and to which client. Issuers differ in the names.
    pub(crate) scope: Option<Several>,
    pub(crate) scp: Option<Several>,
    pub(crate) client_id: Option<String>,
    pub(crate) azp: Option<String>,
}

/// One string, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Several {
    One(String),
    Many(Vec<String>),
}

impl Several {
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// The words of one text that has spaces between them, or of a list.
    pub(crate) fn into_words(self) -> Vec<String> {
        match self {
            Self::One(text) => text.split_ascii_whitespace().map(str::to_owned).collect(),
            Self::Many(many) => many,
        }
    }
}

/// When a token counts, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) begin: Option<f64>,
    pub(crate) end: Option<f64>,
}

impl Span {
    /// Whether it has begun and not ended, where both clocks may be wrong a little.
    ///
    /// # Errors
    /// Which of the two.
    pub(crate) fn judge(self, now: Timestamp) -> Result<(), Fault> {
        let now = seconds(now);
        if self.end.is_some_and(|end| now >= end + LEEWAY) {
            return Err(Fault::refused("it has expired"));
        }
        if self.begin.is_some_and(|begin| now < begin - LEEWAY) {
            return Err(Fault::refused("it does not hold yet"));
        }
        Ok(())
    }

    /// Whether its end is so many seconds away at least.
    pub(crate) fn lasts(self, now: Timestamp, seconds_more: u16) -> bool {
        self.end
            .is_none_or(|end| end >= seconds(now) + f64::from(seconds_more))
    }
}

fn seconds(moment: Timestamp) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds are exact until the year 287396"
    )]
    let milliseconds = moment.0 as f64;
    milliseconds / 1_000.0
}

impl Trust {
    /// What `token` says, where it counts.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) async fn verify(&self, token: &str) -> Result<Claims, Fault> {
        if token.len() > LONGEST {
            return Err(Fault::refused("it is longer than any token"));
        }
        let Envelope {
            header,
            claims,
            message,
            signature,
        } = Envelope::open(token)?;
        let mut allowed = self.algorithms.iter();
        let algorithm = allowed.find(|allowed| allowed.name == header.alg);
        let algorithm =
            algorithm.ok_or(Fault::refused("its algorithm is none of those allowed"))?;
        if !header.typ.as_deref().is_none_or(is_type) {
            return Err(Fault::refused("it is a token of another type"));
        }
        let key = header.kid.filter(|id| !id.is_empty());
        let key = key.ok_or(Fault::refused("it does not name its key"))?;
        let key = self.keys.find(&key, algorithm).await?;
        let key = key.ok_or(Fault::refused("its key is not known"))?;
        if !key.verifies(algorithm, message.as_bytes(), &signature) {
            return Err(Fault::refused("its signature is not of the key it names"));
        }
        let claims: Claims = object(&claims)
            .map_err(|_| Fault::refused("its claims are not JSON of the right shape"))?;
        self.judge(&claims)?;
        Ok(claims)
    }

    fn judge(&self, claims: &Claims) -> Result<(), Fault> {
        if claims.iss != self.issuer {
            return Err(Fault::refused("somebody else issued it"));
        }
        let mut audiences = claims.aud.as_slice().iter();
        if !audiences.any(|audience| self.audiences.contains(audience)) {
            return Err(Fault::refused("it is for somebody else"));
        }
        let span = Span {
            begin: claims.nbf,
            end: Some(claims.exp),
        };
        span.judge(self.clock.now())
    }
}

/// Whether a token of this `typ` is one that opens something (RFC 9068 section 2.1, RFC 8725 section
/// 3.11); compared as the media type it is.
fn is_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    matches!(typ, "jwt" | "at+jwt")
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use bytes::Bytes;
    use farcall_core::clock::ManualClock;
    use serde_json::{Value, json};

    use super::{super::jwks::Source, *};
    use crate::auth::outbound::NoAnswer;

    struct Nowhere;

    #[async_trait]
    impl Source for Nowhere {
        async fn fetch(&self) -> Result<Bytes, NoAnswer> {
            Err(NoAnswer::because("there is none"))
        }
    }

    /// Somebody who expects `i` to issue tokens for `a` or `b`, at 1000 s.
    fn trust() -> Trust {
        let clock = Arc::new(ManualClock::at(Timestamp(1_000_000)));
        Trust {
            keys: Keys::new(Nowhere, clock.clone()),
            algorithms: vec![Algorithm::named("RS256").unwrap()],
            issuer: "i".to_owned(),
            audiences: vec!["a".to_owned(), "b".to_owned()],
            clock,
        }
    }

    fn judged(claims: &Value) -> bool {
        serde_json::from_value(claims.clone()).is_ok_and(|claims| trust().judge(&claims).is_ok())
    }

    #[test]
    fn a_minute_of_difference_between_clocks_is_forgiven_and_not_more() {
        for (times, counts) in [
            (json!({"exp": 941}), true),
            (json!({"exp": 940.5}), true),
            (json!({"exp": 940}), false),
            (json!({"exp": -1}), false),
            (json!({"exp": 1e300}), true),
            (json!({"exp": 2000, "nbf": 1060}), true),
            (json!({"exp": 2000, "nbf": 1061}), false),
            (json!({"exp": "2000"}), false),
            (json!({"exp": null}), false),
            (json!({}), false),
        ] {
            let mut claims = json!({"iss": "i", "aud": "a"});
            claims
                .as_object_mut()
                .unwrap()
                .extend(times.as_object().unwrap().clone());
            assert_eq!(judged(&claims), counts, "{times}");
        }
    }

    #[test]
    fn issuer_and_audience_are_these_and_none_like_them() {
        for (issuer, audience, counts) in [
            (json!("i"), json!("b"), true),
            (json!("i"), json!(["x", "a"]), true),
            (json!("i/"), json!("a"), false),
            (json!("I"), json!("a"), false),
            (json!(["i"]), json!("a"), false),
            (json!("i"), json!("A"), false),
            (json!("i"), json!("a b"), false),
            (json!("i"), json!([]), false),
            (json!("i"), json!({"a": "a"}), false),
            (json!("i"), json!([["a"]]), false),
            (json!("i"), Value::Null, false),
        ] {
            let claims = json!({"iss": issuer, "aud": audience, "exp": 2000});
            assert_eq!(judged(&claims), counts, "{claims}");
        }
    }

    #[tokio::test]
    async fn without_keys_nothing_is_said_about_a_token() {
        // {"alg":"RS256","kid":"k"}
        let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AA";
        assert_eq!(trust().verify(token).await.unwrap_err(), Fault::Unavailable);
    }
}
