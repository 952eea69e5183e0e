//! An OAuth resource server, as MCP's revision 2026-07-28 wants it: callers bring a token that an
//! authorization server issued for this very server.
//!
//! Nothing is issued, stored or passed on here. A client that brings no token reads in the challenge
//! where `metadata.rs` is, there who issues tokens, and in a 403 of `scopes.rs` which rights it lacks.

mod discovery;
mod introspection;
mod metadata;
mod scopes;

use std::{collections::BTreeSet, sync::Arc};

use farcall_core::{clock::Clock, principal::Principal};
use secrecy::SecretString;
use url::Url;

pub use self::scopes::ToolScopes;
use self::{discovery::Discovered, introspection::Introspection};
pub(crate) use self::{
    metadata::{WELL_KNOWN, document},
    scopes::Granted,
};
use super::{
    Refusal,
    outbound::NoAnswer,
    owner::is_owner,
    token::{Algorithm, Claims, Fault, Keys, Published, Several, Trust},
};

/// What a token has to say, and how it is asked.
#[derive(Clone, Debug)]
pub struct OAuthTerms {
    /// Who issues tokens, exactly as tokens name it.
    pub issuer: String,
    /// Whom tokens must be for; the resource itself unless the issuer knows it by another name.
    pub audience: String,
    /// The resource: the URL of `/mcp`, under which clients know this server (RFC 8707).
    pub resource: String,
    /// Prefix of the metadata's URL: the public origin, without a slash at its end.
    pub public_base_url: String,
    /// A name for people.
    pub name: String,
    /// How tokens are judged.
    pub tokens: OAuthTokens,
    /// Which tools need which rights.
    pub scopes: ToolScopes,
}

/// How tokens are judged.
#[derive(Clone, Debug)]
pub enum OAuthTokens {
    /// They are signed (RFC 9068).
    Signed {
        /// Where the keys are; in the issuer's metadata unless it is said.
        keys: Option<Url>,
        /// What may have signed them, such as `RS256`; asymmetric ones.
        algorithms: Vec<String>,
    },
    /// The issuer is asked about each (RFC 7662).
    Introspected {
        /// Where it is asked.
        url: Url,
        /// As whom.
        client_id: String,
        /// With which secret.
        client_secret: SecretString,
    },
}

/// Whom an authorization server gave a token for this server.
pub struct OAuth {
    terms: OAuthTerms,
    judge: Judge,
    /// What every 401 says behind its reason.
    pub(super) challenge: String,
}

enum Judge {
    Signature(Trust),
    Introspection(Introspection),
}

/// Nobody can say at the moment whether a token counts.
pub(super) struct Unavailable;

impl OAuth {
    /// Accepts what meets `terms`.
    ///
    /// # Errors
    /// Why that cannot be judged by anything, one sentence.
    pub fn new(terms: OAuthTerms, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let judge = Judge::new(&terms, clock)?;
        Ok(Self {
            challenge: terms.challenge(&terms.scopes.every.join(" ")),
            judge,
            terms,
        })
    }

    /// What a challenge says where a token lacks one of these scopes.
    pub(super) fn challenge_for(&self, scopes: &str) -> String {
        self.terms.challenge(scopes)
    }

    /// Who the bearer of `token` is, and what it may do; `None` where the token is not one for here.
    pub(super) async fn recognise(
        &self,
        token: &str,
    ) -> Result<Option<(Principal, Granted)>, Unavailable> {
        let judged = match &self.judge {
            Judge::Signature(trust) => trust
                .verify(token)
                .await
                .and_then(|claims| self.signed(claims)),
            Judge::Introspection(introspection) => introspection.judge(token, &self.terms).await,
        };
        match judged {
            Ok((principal, granted)) => {
                let withheld = self.terms.scopes.withheld_from(&granted);
                Ok(Some((principal.without(withheld), granted)))
            }
            Err(Fault::Refused(reason)) => {
                tracing::debug!(%reason, "a token of OAuth is refused");
                Ok(None)
            }
            Err(Fault::Unavailable) => Err(Unavailable),
        }
    }

    fn signed(&self, claims: Claims) -> Result<(Principal, Granted), Fault> {
        let client = claims.client_id.or(claims.azp);
        let principal = self.terms.principal(claims.sub, client)?;
        let scopes = [claims.scope, claims.scp].into_iter().flatten();
        let granted: BTreeSet<_> = scopes.flat_map(Several::into_words).collect();
        Ok((principal, Granted(Arc::new(granted))))
    }
}

impl OAuthTerms {
    /// The owner of what is begun with a token. RFC 9068 wants a subject in it; a token of a client
    /// that nobody has logged into may name the client alone.
    fn principal(
        &self,
        subject: Option<String>,
        client: Option<String>,
    ) -> Result<Principal, Fault> {
        let issuer = &self.issuer;
        let named = |name: Option<String>| name.filter(|name| is_owner(name));
        let id = match (named(subject), named(client)) {
            (Some(subject), _) => format!("oauth:{issuer}#{subject}"),
            (None, Some(client)) => format!("oauth-client:{issuer}#{client}"),
            (None, None) => return Err(Fault::refused("it names nobody")),
        };
        Ok(Principal::new(id))
    }

    /// What a challenge says about where tokens come from (RFC 9728 section 5.1), and which rights
    /// one needs.
    fn challenge(&self, scopes: &str) -> String {
        let metadata = format!("resource_metadata=\"{}\"", self.metadata_url());
        if scopes.is_empty() {
            metadata
        } else {
            format!("scope=\"{scopes}\", {metadata}")
        }
    }
}

impl Judge {
    fn new(terms: &OAuthTerms, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let unusable = |reason: NoAnswer| reason.to_string();
        let (keys, algorithms) = match &terms.tokens {
            OAuthTokens::Introspected { url, .. } => {
                let introspection = Introspection::new(url, clock).map_err(unusable)?;
                return Ok(Self::Introspection(introspection));
            }
            OAuthTokens::Signed { keys, algorithms } => (keys, algorithms),
        };
        let same_clock = Arc::clone(&clock);
        let keys = if let Some(url) = keys {
            Keys::new(Published::at(url.clone()).map_err(unusable)?, same_clock)
        } else {
            Keys::new(Discovered::of(&terms.issuer).map_err(unusable)?, same_clock)
        };
        let named = algorithms.iter().map(|name| {
            let algorithm = Algorithm::named(name);
            algorithm.ok_or_else(|| format!("`{name}` is no asymmetric signature"))
        });
        Ok(Self::Signature(Trust {
            keys,
            algorithms: named.collect::<Result<_, _>>()?,
            issuer: terms.issuer.clone(),
            audiences: vec![terms.audience.clone()],
            clock,
        }))
    }
}
