//! Where the keys of an issuer are, by its own word (RFC 8414, OpenID Connect Discovery).

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use url::Url;

use crate::auth::{
    outbound::{NoAnswer, Outbound, is_confidential},
    token::Source,
};

/// The keys of an issuer, wherever it says that they are.
pub(super) struct Discovered {
    outbound: Outbound,
    issuer: String,
    /// Where its metadata may be, the likelier place first.
    places: [Url; 2],
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Discovered {
    /// The keys of `issuer`.
    ///
    /// # Errors
    /// Why nothing can be fetched from there.
    pub(super) fn of(issuer: &str) -> Result<Self, NoAnswer> {
        let url: Url = issuer
            .parse()
            .map_err(|_| NoAnswer::because(format!("`{issuer}` is no URL")))?;
        Ok(Self {
            outbound: Outbound::new(&url)?,
            issuer: issuer.to_owned(),
            places: places(&url),
        })
    }
}

impl Discovered {
    /// Whether its metadata may lead there: to this machine only where the issuer is on it, too.
    fn may_name(&self, keys: &Url) -> bool {
        let [metadata, _] = &self.places;
        let is_here = metadata.scheme() == "http";
        keys.scheme() == "https" || (is_here && is_confidential(keys))
    }
}

/// RFC 8414 section 3.1 puts its own name before the issuer's path, OpenID Connect Discovery section
/// 4 puts it behind; in both a slash at the end of the issuer does not count.
fn places(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    [
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("{path}/.well-known/openid-configuration")),
    ]
}

#[async_trait]
impl Source for Discovered {
    async fn fetch(&self) -> Result<Bytes, NoAnswer> {
        let [first, second] = &self.places;
        let metadata = match self.outbound.get(first).await {
            Ok(metadata) => metadata,
            Err(_) => self.outbound.get(second).await?,
        };
        let metadata: Metadata = serde_json::from_slice(&metadata).map_err(|error| {
            NoAnswer::because(format!(
                "the metadata of the issuer is not readable: {error}"
            ))
        })?;
        // RFC 8414 section 3.3: else it is the metadata of somebody else.
        if metadata.issuer != self.issuer {
            return Err(NoAnswer::because(format!(
                "the metadata of `{}` is of `{}`; both must be the same to the letter",
                self.issuer, metadata.issuer
            )));
        }
        let keys = Url::parse(&metadata.jwks_uri).ok();
        let keys = keys.filter(|keys| self.may_name(keys)).ok_or_else(|| {
            let keys = metadata.jwks_uri;
            NoAnswer::because(format!(
                "the keys would be at `{keys}`, which is no https address"
            ))
        })?;
        self.outbound.get(&keys).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_elsewhere_leads_nobody_to_this_machine() {
        let may_name = |issuer: &str, keys: &str| {
            let discovered = Discovered::of(issuer).unwrap();
            discovered.may_name(&keys.parse().unwrap())
        };
        let (here, there) = ("http://127.0.0.1:9200/keys", "https://as.example.com/keys");
        assert!(may_name("https://as.example.com", there));
        assert!(!may_name("https://as.example.com", here));
        assert!(may_name("http://127.0.0.1:4000", here));
        assert!(may_name("http://127.0.0.1:4000", there));
        assert!(!may_name(
            "http://127.0.0.1:4000",
            "http://as.example.com/keys"
        ));
    }

    #[test]
    fn metadata_is_looked_for_before_and_behind_the_path_of_the_issuer() {
        for (issuer, first, second) in [
            (
                "https://as.example.com",
                "https://as.example.com/.well-known/oauth-authorization-server",
                "https://as.example.com/.well-known/openid-configuration",
            ),
            (
                "https://as.example.com/",
                "https://as.example.com/.well-known/oauth-authorization-server",
                "https://as.example.com/.well-known/openid-configuration",
            ),
            (
                "https://as.example.com:8443/realms/a",
                "https://as.example.com:8443/.well-known/oauth-authorization-server/realms/a",
                "https://as.example.com:8443/realms/a/.well-known/openid-configuration",
            ),
        ] {
            let found = places(&issuer.parse().unwrap()).map(String::from);
            assert_eq!(found, [first, second]);
        }
    }
}
