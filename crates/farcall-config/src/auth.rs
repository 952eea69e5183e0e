//! Who may call.

use secrecy::{ExposeSecret, SecretString};

use crate::{
    Access, Fault, Http, OAuth, Source,
    variables::{self, Variable},
};

/// Tokens shorter than this can be guessed by trying.
const SHORT_TOKEN: usize = 16;

/// As many characters does a secret need from which keys are made.
const SECRET: usize = 32;

/// Who may call.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    /// Whom Cloudflare Access let through, where that is asked.
    pub access: Option<Access>,
    /// The one shared secret, where there is one.
    pub bearer_token: Option<SecretString>,
    /// Who issues tokens for this server, where somebody does.
    pub oauth: Option<OAuth>,
    /// Whether a bind beyond loopback is fine without authentication.
    pub allow_unauthenticated: bool,
    /// Whether an authenticator of the program's own checks callers.
    pub has_own_authenticator: bool,
    /// Whether there are callers with tokens of their own in the store, as far as was looked.
    pub has_named_callers: bool,
    /// What keys are made from, where that is not in the job store.
    pub secret: Option<SecretString>,
    /// What they were made from before, or will be; links that were signed with it are accepted.
    pub previous_secret: Option<SecretString>,
}

impl Auth {
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Self {
        let token = source.get(&variables::MCP_BEARER_TOKEN);
        if token.is_some_and(|token| token.trim().is_empty()) {
            faults.push(Fault::new(
                "`MCP_BEARER_TOKEN` is empty, which would look protected and be open",
                "give it a long random secret, for example of `openssl rand -hex 32`, or unset it",
            ));
        } else if token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            faults.push(Fault::new(
                "`MCP_BEARER_TOKEN` holds a character that a header cannot carry",
                "use visible ASCII characters without spaces, for example of `openssl rand -hex 32`",
            ));
        }
        let mut secret = |variable: &Variable| {
            let secret = source.filled(variable);
            if secret.is_some_and(|secret| secret.chars().count() < SECRET) {
                let name = variable.name;
                faults.push(Fault::new(
                    format!("`{name}` has fewer than {SECRET} characters and could be guessed"),
                    "use the same long random text for all servers, for example of `openssl rand -hex 32`, \
                     or unset it",
                ));
            }
            secret.map(SecretString::from)
        };
        let (secret, previous_secret) = (
            secret(&variables::FARCALL_SECRET),
            secret(&variables::FARCALL_PREVIOUS_SECRET),
        );
        Self {
            access: Access::read(source, faults),
            oauth: OAuth::read(source, faults),
            bearer_token: token
                .filter(|token| !token.trim().is_empty())
                .map(|token| SecretString::from(token.to_owned())),
            allow_unauthenticated: source.is_on(&variables::FARCALL_ALLOW_UNAUTHENTICATED),
            has_own_authenticator: source.has_own_authenticator(),
            has_named_callers: source.has_named_callers(),
            secret,
            previous_secret,
        }
    }

    /// Whether nobody is authenticated by this process.
    pub fn is_open(&self) -> bool {
        self.access.is_none()
            && self.bearer_token.is_none()
            && self.oauth.is_none()
            && !self.has_named_callers
            && !self.has_own_authenticator
    }

    /// Whether the shared secret is too short to resist guessing.
    pub fn has_short_token(&self) -> bool {
        self.bearer_token
            .as_ref()
            .is_some_and(|token| token.expose_secret().len() < SHORT_TOKEN)
    }

    pub(crate) fn permits_bind(&self, http: &Http) -> bool {
        !self.is_open() || http.is_loopback() || self.allow_unauthenticated
    }
}
