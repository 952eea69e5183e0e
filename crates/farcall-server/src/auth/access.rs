//! Cloudflare Access, checked once more behind its edge.
//!
//! Whoever came through Access has an assertion that its edge signed for this very application, so
//! that another tunnel, another program on this machine or a route without a policy opens nothing.
//! Cookies and the headers of a service token are for the edge; here they are nobody's word.

pub(crate) mod fuzzing;

use std::{collections::HashMap, sync::Arc};

use farcall_core::{clock::Clock, principal::Principal};
use http::HeaderMap;
use url::Url;

use super::{
    Refusal,
    owner::is_owner,
    token::{Algorithm, Claims, Fault, Keys, Published, Trust},
};

/// The header with the assertion; the edge replaces whatever a caller sends in it.
const ASSERTION: &str = "cf-access-jwt-assertion";

/// Whom the edge of a team lets through to this application.
pub struct Access {
    trust: Trust,
    /// Callers whose rights somebody has, by identity.
    callers: HashMap<String, String>,
}

/// What an assertion has to say.
#[derive(Clone, Debug)]
pub struct AccessTerms {
    /// The team, as `https://TEAM.cloudflareaccess.com`.
    pub issuer: String,
    /// Where its keys are.
    pub keys: Url,
    /// The application's AUD tags; an assertion has one of them.
    pub audiences: Vec<String>,
    /// Whose rights somebody has: a person's address, which has an `@`, or the common name of a service token,
    /// and the name of a caller. Whoever is not among them is somebody else than all named callers.
    pub callers: HashMap<String, String>,
}

impl Access {
    /// Accepts what meets `terms`.
    ///
    /// # Errors
    /// Why this machine can fetch keys from nowhere, one sentence.
    pub fn new(terms: AccessTerms, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let callers = terms.callers.into_iter();
        let callers = callers.map(|(who, name)| {
            let identity = if who.contains('@') {
                person(&who)
            } else {
                service(&who)
            };
            (identity, name)
        });
        let published = Published::at(terms.keys).map_err(|reason| reason.to_string())?;
        Ok(Self {
            trust: Trust {
                keys: Keys::new(published, Arc::clone(&clock)),
                algorithms: Vec::from_iter(Algorithm::named("RS256")),
                issuer: terms.issuer,
                audiences: terms.audiences,
                clock,
            },
            callers: callers.collect(),
        })
    }

    /// Whose request this is.
    pub(super) async fn recognise(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let mut sent = headers.get_all(ASSERTION).iter();
        let assertion = sent.next().ok_or(Refusal::NoAssertion)?;
        let judged = match (assertion.to_str(), sent.next()) {
            (Ok(assertion), None) => self.judged(assertion).await,
            // Two of them: the edge sends one, so somebody else has sent the other.
            _ => Err(Fault::refused("it is not there exactly once, as text")),
        };
        judged.map_err(|fault| match fault {
            Fault::Refused(reason) => {
                tracing::debug!(%reason, "an assertion of Cloudflare Access is refused");
                Refusal::UnknownAssertion
            }
            Fault::Unavailable => Refusal::Unavailable,
        })
    }

    /// The caller whose rights `who` has, where an operator says so.
    pub(super) fn caller_of(&self, who: &Principal) -> Option<&str> {
        self.callers.get(who.id()).map(String::as_str)
    }

    async fn judged(&self, assertion: &str) -> Result<Principal, Fault> {
        let claims = self.trust.verify(assertion).await?;
        // The other kind, `org`, is of a person's visit to the team, not to this application.
        if claims.kind.as_deref() != Some("app") {
            return Err(Fault::refused("it is no assertion for an application"));
        }
        identity(&claims).ok_or(Fault::refused("it names nobody"))
    }
}

/// Who it is: a person has an address, or at least a `sub`; a service token has a common name, and
/// an empty `sub`. What is a person's is never a service's, whatever it is called.
fn identity(claims: &Claims) -> Option<Principal> {
    let named = |name: &Option<String>| name.clone().filter(|name| is_owner(name));
    let id = if let Some(service) = named(&claims.common_name) {
        self::service(&service)
    } else if let Some(email) = named(&claims.email) {
        person(&email)
    } else {
        format!("access:sub:{}", named(&claims.sub)?)
    };
    Some(Principal::new(id))
}

fn service(common_name: &str) -> String {
    format!("access:service:{common_name}")
}

/// Identity providers differ in how they write the address, and it is one person.
fn person(email: &str) -> String {
    format!("access:person:{}", email.to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::owner, *};

    fn id(who: &serde_json::Value) -> Option<String> {
        let mut claims = json!({"iss": "i", "aud": "a", "exp": 1});
        let all = claims.as_object_mut().unwrap();
        all.extend(who.as_object().unwrap().clone());
        let claims = serde_json::from_value(claims).unwrap();
        Some(identity(&claims)?.id().to_owned())
    }

    #[test]
    fn a_person_and_a_service_of_the_same_name_are_two() {
        for (who, expected) in [
            (
                json!({"email": "Ann@Example.com", "sub": "7335"}),
                "access:person:ann@example.com",
            ),
            (json!({"sub": "7335"}), "access:sub:7335"),
            (json!({"email": "", "sub": "7335"}), "access:sub:7335"),
            (
                json!({"common_name": "e3.access", "sub": ""}),
                "access:service:e3.access",
            ),
            (
                json!({"common_name": "ann@example.com"}),
                "access:service:ann@example.com",
            ),
        ] {
            assert_eq!(id(&who).as_deref(), Some(expected), "{who}");
        }
    }

    #[test]
    fn who_has_no_name_that_can_be_written_down_is_nobody() {
        for who in [
            json!({}),
            json!({"sub": ""}),
            json!({"email": " a@example.com"}),
            json!({"email": "a@example.com\n"}),
            json!({"common_name": "x".repeat(owner::LONGEST + 1)}),
        ] {
            assert_eq!(id(&who), None, "{who}");
        }
    }
}
