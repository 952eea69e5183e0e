//! An OAuth authorization server that issues tokens for this server.

use std::collections::BTreeMap;

use farcall_core::host;
use secrecy::SecretString;
use url::Url;

use crate::{
    Fault, Source,
    variables::{
        FARCALL_OAUTH_ALGORITHMS as ALGORITHMS, FARCALL_OAUTH_AUDIENCE as AUDIENCE,
        FARCALL_OAUTH_CLIENT_ID as CLIENT_ID, FARCALL_OAUTH_CLIENT_SECRET as CLIENT_SECRET,
        FARCALL_OAUTH_INTROSPECTION_URL as INTROSPECTION_URL, FARCALL_OAUTH_ISSUER as ISSUER,
        FARCALL_OAUTH_JWKS_URL as JWKS_URL, FARCALL_OAUTH_SCOPES as SCOPES, Variable,
    },
};

/// What may sign a token: nothing that shares its secret with whoever checks.
const ASYMMETRIC: [&str; 9] = [
    "EdDSA", "ES256", "ES384", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
];

/// Stands for every call in the list of scopes.
const EVERY: &str = "*";

/// Which tokens count.
#[derive(Clone, Debug)]
pub struct OAuth {
    /// Who issues them, as it is written in them.
    pub issuer: String,
    /// Whom they must be for, where that is not the URL of `/mcp`.
    pub audience: Option<String>,
    /// How they are judged.
    pub tokens: OAuthTokens,
    /// Scopes that every call needs.
    pub every: Vec<String>,
    /// Scopes that calls of single tools need beside those, by the name of the tool.
    pub of_tools: BTreeMap<String, Vec<String>>,
}

/// How tokens are judged.
#[derive(Clone, Debug)]
pub enum OAuthTokens {
    /// By their signature.
    Signed {
        /// Where the keys are, unless the issuer's metadata says it.
        keys: Option<Url>,
        /// What may have signed them, such as `RS256`.
        algorithms: Vec<String>,
    },
    /// By asking the issuer.
    Introspected {
        /// Where.
        url: Url,
        /// As which client.
        client_id: String,
        /// With which secret.
        client_secret: SecretString,
    },
}

impl OAuth {
    /// What is said about it, where that is enough; [`missing`](Self::missing) says what is not.
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Option<Self> {
        let url = |variable: &Variable, faults: &mut Vec<Fault>| {
            let text = source.filled(variable)?;
            let url = confidential(variable, text);
            url.map_err(|fault| faults.push(fault)).ok()
        };
        let (mut every, mut of_tools) = (Vec::new(), BTreeMap::new());
        for entry in source.list(&SCOPES) {
            match scopes(&entry) {
                Ok((EVERY, scopes)) => every.extend(scopes),
                Ok((tool, scopes)) => {
                    let all: &mut Vec<_> = of_tools.entry(tool.to_owned()).or_default();
                    all.extend(scopes);
                }
                Err(fault) => faults.push(fault),
            }
        }
        let keys = url(&JWKS_URL, faults);
        let algorithms = algorithms(source, faults);
        let introspection = url(&INTROSPECTION_URL, faults);
        let issuer = url(&ISSUER, faults)?;
        if issuer.query().is_some() || issuer.fragment().is_some() {
            // RFC 8414 section 2.
            faults.push(Fault::new(
                format!("`FARCALL_OAUTH_ISSUER` is `{issuer}`, which has more than a path"),
                ISSUER_HINT,
            ));
        }
        let tokens = match introspection {
            Some(url) => OAuthTokens::Introspected {
                url,
                client_id: source.filled(&CLIENT_ID)?.to_owned(),
                client_secret: source.filled(&CLIENT_SECRET)?.into(),
            },
            None => OAuthTokens::Signed { keys, algorithms },
        };
        Some(Self {
            // To the letter, as it is compared: a parsed URL may have a slash more.
            issuer: source.filled(&ISSUER)?.to_owned(),
            audience: source.filled(&AUDIENCE).map(str::to_owned),
            tokens,
            every,
            of_tools,
        })
    }

    /// Faults for what is said without what it needs, which would leave the server open, and for what
    /// excludes each other.
    pub(crate) fn missing(source: &Source) -> Vec<Fault> {
        let is_set = |variable: &Variable| source.get(variable).is_some();
        let is_filled = |variable: &Variable| source.filled(variable).is_some();
        let without = |said: &Variable, needed: &Variable, hint: &str| {
            let sentence = format!("`{}` is set, and `{}` is not", said.name, needed.name);
            Fault::new(sentence, hint)
        };
        let mut faults = Vec::new();
        if is_set(&ISSUER) && !is_filled(&ISSUER) {
            let sentence =
                "`FARCALL_OAUTH_ISSUER` is empty, which would look protected and be open";
            faults.push(Fault::new(sentence, ISSUER_HINT));
        }
        let dependent = [AUDIENCE, JWKS_URL, ALGORITHMS, INTROSPECTION_URL, SCOPES];
        if let Some(said) = dependent.iter().find(|variable| is_set(variable))
            && !is_set(&ISSUER)
        {
            faults.push(without(said, &ISSUER, ISSUER_HINT));
        }
        for needed in [CLIENT_ID, CLIENT_SECRET] {
            if is_filled(&INTROSPECTION_URL) && !is_filled(&needed) {
                let hint = "register this server as a client that may introspect";
                faults.push(without(&INTROSPECTION_URL, &needed, hint));
            }
            if is_set(&needed) && !is_filled(&INTROSPECTION_URL) {
                let hint = "it is for introspection alone; set both, or neither";
                faults.push(without(&needed, &INTROSPECTION_URL, hint));
            }
        }
        if is_filled(&INTROSPECTION_URL) && is_filled(&JWKS_URL) {
            faults.push(Fault::new(
                "`FARCALL_OAUTH_INTROSPECTION_URL` and `FARCALL_OAUTH_JWKS_URL` are both set",
                "tokens are either asked about or verified by their signature; unset one of the two",
            ));
        }
        faults
    }
}

const ISSUER_HINT: &str = "set it to the issuer of the authorization server, to the letter as its metadata and tokens have it";

/// An address at which nobody on the way can read or answer.
fn confidential(variable: &Variable, text: &str) -> Result<Url, Fault> {
    let fault = |reason: &str| {
        Fault::new(
            format!("`{}` is `{text}`, {reason}", variable.name),
            "write an https address; http is for a server on this machine, at a loopback address",
        )
    };
    let url = Url::parse(text).map_err(|_| fault("which is no URL"))?;
    let Some(host) = url.host_str() else {
        return Err(fault("which names no host"));
    };
    let is_loopback = host::is_loopback(host);
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::new(
            format!("`{}` holds a user or a password", variable.name),
            "write the address alone",
        ));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        _ => Err(fault("which others could read or answer")),
    }
}

fn algorithms(source: &Source, faults: &mut Vec<Fault>) -> Vec<String> {
    let mut listed = source.list(&ALGORITHMS);
    if listed.is_empty() {
        listed = ALGORITHMS.default.split(',').map(str::to_owned).collect();
    }
    for algorithm in &listed {
        if !ASYMMETRIC.contains(&algorithm.as_str()) {
            faults.push(Fault::new(
                format!("`FARCALL_OAUTH_ALGORITHMS` lists `{algorithm}`, which is no asymmetric signature"),
                format!("write some of {}", ASYMMETRIC.join(", ")),
            ));
        }
    }
    listed
}

/// One entry of the list of scopes: a tool or `*`, and what it needs.
fn scopes(entry: &str) -> Result<(&str, Vec<String>), Fault> {
    // RFC 6749 section 3.3.
    let is_scope = |scope: &str| {
        scope
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
    };
    let fault = || {
        Fault::new(
            format!("`FARCALL_OAUTH_SCOPES` holds `{entry}`, which is no tool with scopes"),
            "write TOOL=SCOPE, several scopes with spaces, several tools with commas, and * for every call: \
             *=mcp,start_render=render:write",
        )
    };
    let (tool, words) = entry.split_once('=').ok_or_else(fault)?;
    let scopes: Vec<_> = words.split_ascii_whitespace().map(str::to_owned).collect();
    let tool = tool.trim();
    if tool.is_empty() || scopes.is_empty() || !scopes.iter().all(|scope| is_scope(scope)) {
        return Err(fault());
    }
    if scopes.iter().any(|scope| scope == "offline_access") {
        // It is about the client's refresh tokens, not about this server (MCP, authorization).
        return Err(Fault::new(
            "`FARCALL_OAUTH_SCOPES` asks for `offline_access`",
            "leave it out: whether a client may stay logged in is between it and its user",
        ));
    }
    Ok((tool, scopes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: (&str, &str) = ("FARCALL_OAUTH_ISSUER", "https://as.example.com/realms/a");

    fn read(pairs: &[(&str, &str)]) -> (Option<OAuth>, Vec<Fault>) {
        let mut faults = Vec::new();
        let source = Source::from_pairs(pairs.iter().copied());
        let oauth = OAuth::read(&source, &mut faults);
        faults.extend(OAuth::missing(&source));
        (oauth, faults)
    }

    #[test]
    fn an_issuer_is_enough() {
        let (oauth, faults) = read(&[AT]);
        assert!(faults.is_empty(), "{faults:?}");
        let oauth = oauth.unwrap();
        assert_eq!(oauth.issuer, AT.1);
        let OAuthTokens::Signed { keys, algorithms } = oauth.tokens else {
            panic!("introspected")
        };
        assert_eq!(
            (keys, algorithms),
            (None, vec!["RS256".to_owned(), "ES256".to_owned()])
        );
        assert!(oauth.every.is_empty() && oauth.of_tools.is_empty());
    }

    #[test]
    fn an_issuer_keeps_its_letters() {
        for issuer in [
            "https://as.example.com",
            "https://as.example.com/",
            "https://AS.example.com/A",
        ] {
            let (oauth, _) = read(&[("FARCALL_OAUTH_ISSUER", issuer)]);
            assert_eq!(oauth.unwrap().issuer, issuer);
        }
    }

    #[test]
    fn scopes_are_of_every_call_or_of_a_tool() {
        let said = "*=mcp, start_render = render:write jobs,*=more,start_render=z";
        let (oauth, faults) = read(&[AT, ("FARCALL_OAUTH_SCOPES", said)]);
        assert!(faults.is_empty(), "{faults:?}");
        let oauth = oauth.unwrap();
        assert_eq!(oauth.every, ["mcp", "more"]);
        assert_eq!(
            oauth.of_tools["start_render"],
            ["render:write", "jobs", "z"]
        );
        for wrong in [
            "mcp",
            "*=",
            "=mcp",
            "add=a\"b",
            "add=\u{e4}",
            "add=offline_access",
        ] {
            assert_eq!(
                read(&[AT, ("FARCALL_OAUTH_SCOPES", wrong)]).1.len(),
                1,
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_others_could_read_or_sign_is_refused() {
        for (name, value) in [
            ("FARCALL_OAUTH_ISSUER", "http://as.example.com"),
            ("FARCALL_OAUTH_ISSUER", "as.example.com"),
            ("FARCALL_OAUTH_ISSUER", "https://as.example.com/?a=1"),
            ("FARCALL_OAUTH_ISSUER", "https://user:secret@as.example.com"),
            ("FARCALL_OAUTH_ISSUER", "file:///etc/passwd"),
            ("FARCALL_OAUTH_JWKS_URL", "http://10.0.0.1/keys"),
            (
                "FARCALL_OAUTH_JWKS_URL",
                "http://127.0.0.1.example.com/keys",
            ),
            ("FARCALL_OAUTH_ALGORITHMS", "RS256,HS256"),
            ("FARCALL_OAUTH_ALGORITHMS", "none"),
        ] {
            let faults = read(&[AT, (name, value)]).1;
            assert_eq!(faults.len(), 1, "{name}={value}: {faults:?}");
            assert!(!faults[0].message.contains("secret@"), "{faults:?}");
        }
        for local in [
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
            "http://localhost:9000",
        ] {
            assert!(
                read(&[("FARCALL_OAUTH_ISSUER", local)]).1.is_empty(),
                "{local}"
            );
        }
    }

    #[test]
    fn half_of_it_is_refused() {
        let ask = (
            "FARCALL_OAUTH_INTROSPECTION_URL",
            "https://as.example.com/ask",
        );
        for pairs in [
            &[("FARCALL_OAUTH_ISSUER", "")][..],
            &[("FARCALL_OAUTH_SCOPES", "*=mcp")],
            &[("FARCALL_OAUTH_AUDIENCE", "api://x")],
            &[AT, ask, ("FARCALL_OAUTH_CLIENT_ID", "x")],
            &[AT, ask, ("FARCALL_OAUTH_CLIENT_SECRET", "x")],
            &[AT, ("FARCALL_OAUTH_CLIENT_SECRET", "x")],
            &[
                AT,
                ask,
                ("FARCALL_OAUTH_CLIENT_ID", "x"),
                ("FARCALL_OAUTH_CLIENT_SECRET", "y"),
                ("FARCALL_OAUTH_JWKS_URL", "https://as.example.com/keys"),
            ],
        ] {
            assert_eq!(read(pairs).1.len(), 1, "{pairs:?}: {:?}", read(pairs).1);
        }
    }
}
