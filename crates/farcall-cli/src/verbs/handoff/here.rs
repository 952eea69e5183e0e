//! The server that this project is, from its configuration.

use std::{env, path::Path};

use farcall_config::{Config, Source, file::Project};
use farcall_core::{catalog::Faults, host};
use farcall_server::{
    connect::{Auth, Registration, Tool},
    router::MCP,
};

use crate::{
    App, Failure, mounts,
    offer::Offer,
    project,
    subject::{Configured, Reader, Subject},
    terminal::talk,
    withheld::withheld,
};

/// Who reads here.
const READER: Reader = Reader {
    verb: "handoff",
    has_faults: "has faults",
};

/// What `subject` offers, and where and how.
///
/// # Errors
/// Everything for which it would not start, and where its configuration leaves open what callers send.
pub(super) async fn registration(
    subject: Subject<'_>,
    auth: Option<Auth>,
) -> Result<Registration, Failure> {
    let here = env::current_dir().map_err(|error| {
        Failure::failed(format!("the working directory cannot be found: {error}"))
    })?;
    let source = Source::from_environment(&here);
    let mut source = source.map_err(|error| Failure::usage(error.to_string()))?;
    let Configured { project, config } = subject.read(&mut source, &READER).await?;
    let url = url(&config)?;
    let auth = match auth {
        Some(auth) => auth,
        None => sent(&config)?,
    };
    let (name, version, title, tools) = match subject {
        Subject::App(app) => of_app(app)?,
        Subject::File(file) => {
            let project = project.ok_or_else(|| Failure::failed("the file was not read"))?;
            let tools = of_project(file, &project, &config).await?;
            let server = project.server;
            (server.name, server.version, server.title, tools)
        }
    };
    Ok(Registration {
        name,
        version,
        title,
        url,
        auth,
        tools: Some(tools),
        keeps_contract: true,
    })
}

type Described = (String, String, Option<String>, Vec<Tool>);

fn of_app(app: &App) -> Result<Described, Failure> {
    let identity = app.identity.clone();
    let tools = tools(&app.offer).map_err(|faults| Failure::usage(faults.to_string()))?;
    Ok((identity.name, identity.version, identity.title, tools))
}

/// Mounted servers are started, to be asked what they offer, and reach no more than they would as servers.
async fn of_project(file: &Path, project: &Project, config: &Config) -> Result<Vec<Tool>, Failure> {
    let withheld = withheld(Some(file), &config.storage, config.audit.as_ref());
    let told = |faults: Faults| Failure::usage(faults.to_string());
    let offer = project::offer(project, &withheld, &[])
        .await
        .map_err(told)?;
    let tools = tools(&offer).map_err(told);
    mounts::stop(offer.mounts).await;
    tools
}

fn tools(offer: &Offer) -> Result<Vec<Tool>, Faults> {
    let catalog = offer.display()?;
    let declarations = catalog.tools().iter().map(|tool| &tool.tool.declaration);
    let tools = declarations.map(|declaration| Tool {
        name: declaration.name.clone(),
        description: declaration.description.clone(),
    });
    Ok(tools.collect())
}

/// Where clients reach it.
fn url(config: &Config) -> Result<String, Failure> {
    if let Some(url) = &config.http.public_base_url {
        return Ok(format!("{}{MCP}", url.as_str()));
    }
    let port = config.http.port;
    if port == 0 {
        return Err(Failure::usage(
            "`MCP_PORT` is `0`, so the port is another one each time, and nobody can be told where the server is",
        )
        .hint("set PUBLIC_BASE_URL, or a port, such as MCP_PORT=8900"));
    }
    talk(
        "warning: PUBLIC_BASE_URL is not set, so this is for clients on this machine; set it to the address that others \
         know",
    );
    Ok(format!("http://127.0.0.1:{port}{MCP}"))
}

/// What callers send, as far as the configuration says it: who stands in front asks first.
fn sent(config: &Config) -> Result<Auth, Failure> {
    let auth = &config.auth;
    if auth.access.is_some() {
        return Ok(Auth::Access);
    }
    if auth.bearer_token.is_some() || auth.has_own_authenticator || auth.has_named_callers {
        return Ok(Auth::Bearer);
    }
    if auth.oauth.is_some() {
        return Ok(Auth::OAuth);
    }
    match &config.http.public_base_url {
        Some(url) if !host::is_loopback(url.host()) => Err(Failure::usage(format!(
            "nothing in the configuration says what callers of `{}` send",
            url.as_str()
        ))
        .hint(
            "say it: --auth cloudflare where Access stands in front, --auth bearer where a proxy asks for a token, \
             --auth none where everybody may call",
        )),
        _ => Ok(Auth::Open),
    }
}
