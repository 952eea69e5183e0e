//! Who is let in: the callers that were named, the configuration's and the program's authenticators.

use std::sync::Arc;

use farcall_config::{Config, OAuth as Issuer, OAuthTokens as Judged};
use farcall_core::{catalog::Catalog, clock::Clock};
use farcall_server::{
    auth::{
        Access, AccessTerms, Authenticators, NamedCallers, OAuth, OAuthTerms, OAuthTokens,
        SharedSecret, ToolScopes,
    },
    router::MCP,
};
use farcall_store::CallerName;

use crate::{App, Failure};

/// The authenticators of a server that clients know as `public_base_url`.
///
/// # Errors
/// A [`Failure`] where one cannot work, or guards what is not there.
pub(super) fn authenticators(
    app: &App,
    config: &Config,
    named: &Arc<NamedCallers>,
    catalog: &Catalog,
    public_base_url: &str,
    clock: &Arc<dyn Clock>,
) -> Result<Authenticators, Failure> {
    let mut authenticators = Authenticators::default();
    authenticators.set_named(Arc::clone(named));
    if let Some(token) = &config.auth.bearer_token {
        authenticators.push(Arc::new(SharedSecret::new(token)));
    }
    for verifier in &app.verifiers {
        authenticators.push(Arc::clone(verifier));
    }
    if let Some(access) = &config.auth.access {
        for name in access.callers.values() {
            name_somebody(name, named)?;
        }
        let terms = AccessTerms {
            issuer: access.issuer.clone(),
            keys: access.keys.clone(),
            audiences: access.audiences.clone(),
            callers: access.callers.clone().into_iter().collect(),
        };
        let access = Access::new(terms, Arc::clone(clock));
        authenticators.set_access(access.map_err(Failure::failed)?);
    }
    if let Some(issuer) = &config.auth.oauth {
        guard_what_is_there(&scoped(config), catalog)?;
        let title = app.identity.title.as_ref();
        let name = title.unwrap_or(&app.identity.name);
        let oauth = OAuth::new(terms(issuer, public_base_url, name), Arc::clone(clock));
        authenticators.set_oauth(oauth.map_err(Failure::failed)?);
    }
    Ok(authenticators)
}

/// A name that no caller can have is refused; one that none has yet may be given at any time.
fn name_somebody(name: &str, named: &NamedCallers) -> Result<(), Failure> {
    CallerName::parse(name).map_err(|fault| {
        let sentence = format!("`FARCALL_ACCESS_CALLERS` names `{name}`: {fault}");
        Failure::usage(sentence).hint("write the name of a caller, as `token list` has it")
    })?;
    if !named.has(name) {
        tracing::warn!(
            "`FARCALL_ACCESS_CALLERS` names `{name}`, and no such caller is let in; `token create {name}` makes it"
        );
    }
    Ok(())
}

fn terms(issuer: &Issuer, public_base_url: &str, name: &str) -> OAuthTerms {
    let resource = format!("{public_base_url}{MCP}");
    let tokens = match &issuer.tokens {
        Judged::Signed { keys, algorithms } => OAuthTokens::Signed {
            keys: keys.clone(),
            algorithms: algorithms.clone(),
        },
        Judged::Introspected {
            url,
            client_id,
            client_secret,
        } => OAuthTokens::Introspected {
            url: url.clone(),
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
        },
    };
    OAuthTerms {
        issuer: issuer.issuer.clone(),
        audience: issuer.audience.clone().unwrap_or_else(|| resource.clone()),
        resource,
        public_base_url: public_base_url.to_owned(),
        name: name.to_owned(),
        tokens,
        scopes: ToolScopes {
            every: issuer.every.clone(),
            of_tools: issuer.of_tools.clone(),
        },
    }
}

/// The tools that need scopes of their own.
pub(super) fn scoped(config: &Config) -> Vec<String> {
    let issuer = config.auth.oauth.iter();
    issuer
        .flat_map(|issuer| issuer.of_tools.keys().cloned())
        .collect()
}

/// A scope for a tool that is misspelt, or has another name now, would leave the tool that was meant without
/// one.
pub(super) fn guard_what_is_there(scoped: &[String], catalog: &Catalog) -> Result<(), Failure> {
    let absent = scoped.iter().find(|tool| catalog.tool(tool).is_none());
    let Some(absent) = absent else {
        return Ok(());
    };
    let sentence = format!("`FARCALL_OAUTH_SCOPES` names `{absent}`, and there is no such tool");
    Err(Failure::usage(sentence)
        .hint("write the names of `tools/list`; a job has one tool for each step"))
}
