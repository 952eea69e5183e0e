//! Containers: one server alone, or several with what they share.

use std::fmt::Write as _;

use farcall_config::variables;

use super::{Build, Deployment, Planned, lacks, template::fill};
use crate::Failure;

const ALONE: &str = include_str!("templates/docker-compose.yml");
const REPLICAS: &str = include_str!("templates/docker-compose.replicas.yml");
const BALANCER: &str = include_str!("templates/Caddyfile.replicas");

/// The store for files, where the configuration names none.
const STORE: &str = include_str!("templates/store.yml");

/// What the servers are told of that store.
const STORE_KEYS: &str = "AWS_ENDPOINT_URL: http://store:9000\nAWS_ALLOW_HTTP: \"true\"\nAWS_REGION: us-east-1\n\
    AWS_ACCESS_KEY_ID: files\nAWS_SECRET_ACCESS_KEY: ${STORE_PASSWORD:?put it into .env}\n";

/// How all variables begin that say something of that store; no other one may stand beside [`STORE_KEYS`].
const OF_STORE: &str = "AWS_";

/// What `deploy compose` takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Number of servers that answer callers, with PostgreSQL, an S3 store and workers: docker-compose.replicas.yml
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(2..=64))]
    pub replicas: Option<u32>,
    /// Number of servers that run jobs [default: 2]
    #[arg(long, value_name = "NUMBER", requires = "replicas", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub workers: Option<u32>,
}

/// The files for `deployment`.
///
/// # Errors
/// Where the folder holds nothing that an image can be made of, or files are in a place that containers cannot share.
pub(super) fn files(deployment: &Deployment, flags: &Flags) -> Result<Vec<Planned>, Failure> {
    let build = build(deployment)?;
    match flags.replicas {
        None => Ok(vec![Planned::new(
            "docker-compose.yml",
            filled(ALONE, deployment, &build, &[]),
        )]),
        Some(replicas) => several(deployment, &build, replicas, flags.workers),
    }
}

fn several(
    deployment: &Deployment,
    build: &str,
    replicas: u32,
    workers: Option<u32>,
) -> Result<Vec<Planned>, Failure> {
    let mut words = format!("compose --replicas {replicas}");
    if let Some(workers) = workers {
        let _ = write!(words, " --workers {workers}");
    }
    let workers = workers.unwrap_or(2);
    let place = deployment.config.storage.artifacts.as_ref();
    let (url, store, keys, waits, volume) = match place.map(|place| &place.url) {
        None => (
            "s3://files".to_owned(),
            STORE,
            STORE_KEYS,
            "bucket:\n  condition: service_completed_successfully\n",
            format!(
                "files:\n  name: {}\n",
                yaml(&format!("{}_files", deployment.slug()))
            ),
        ),
        Some(url) if matches!(url.scheme(), "s3" | "gs" | "az") => {
            (url.to_string(), "", "", "", String::new())
        }
        Some(url) => {
            return Err(Failure::usage(format!(
                "`FARCALL_ARTIFACTS_URL` is `{url}`, a place that containers do not share"
            ))
            .hint("name a bucket, such as s3://bucket/prefix; or leave it out, and the file brings a store"));
        }
    };
    let keys = if keys.is_empty() {
        cloud_keys(deployment)
    } else {
        keys.to_owned()
    };
    let needs_store = if store.is_empty() {
        ""
    } else {
        "#   grep -qs '^STORE_PASSWORD=' .env || (umask 077; printf '\\nSTORE_PASSWORD=%s\\n' \"$(openssl rand -hex 32)\" >> .env)\n"
    };
    let values = [
        ("written_several", deployment.written(&words)),
        ("replicas", replicas.to_string()),
        ("workers", workers.to_string()),
        ("connections", connections(replicas + workers).to_string()),
        ("files_url", yaml(&url)),
        ("store", store.to_owned()),
        ("keys", keys),
        ("waits", waits.to_owned()),
        ("volume", volume),
        ("needs_store", needs_store.to_owned()),
    ];
    let values: Vec<_> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Ok(vec![
        Planned::new(
            "docker-compose.replicas.yml",
            filled(REPLICAS, deployment, build, &values),
        ),
        Planned::new(
            "deploy/Caddyfile.replicas",
            filled(BALANCER, deployment, build, &values),
        ),
    ])
}

/// How many connections a database needs for so many servers, twice as many, and those who look after it.
fn connections(servers: u32) -> u32 {
    /// What one holds at most.
    const EACH: u32 = 21;
    servers * EACH * 2 + 16
}

fn filled(template: &str, deployment: &Deployment, build: &str, more: &[(&str, &str)]) -> String {
    let slug = deployment.slug();
    let project = match template {
        ALONE => slug.clone(),
        _ => format!("{slug} replicas"),
    };
    let named = |of: &str| yaml(&format!("{slug}_{of}"));
    // Compose says it itself: whose word counts is told by its network.
    let alone = listed(deployment, |name| name != PROXIES);
    let shared = listed(deployment, |name| !is_shared(name, deployment));
    let values = [
        ("title", deployment.title()),
        ("written", deployment.written("compose")),
        ("service", yaml(&slug)),
        ("port", deployment.config.http.port.to_string()),
        ("stop", deployment.stops_within().to_string()),
        ("build", build.to_owned()),
        ("source", source(deployment).to_owned()),
        ("network", network(&project)),
        ("alone", named("default")),
        ("several", named("replicas")),
        ("data", named("data")),
        ("jobs", named("jobs")),
        ("passed", alone),
        ("shared", shared),
    ];
    let mut values: Vec<_> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    values.extend_from_slice(more);
    fill(template, &values)
}

/// Whether a variable is the same for several containers, and comes from their own file.
fn is_shared(name: &str, deployment: &Deployment) -> bool {
    const SAID: [&str; 6] = [
        variables::FARCALL_ARTIFACTS_URL.name,
        variables::FARCALL_DATABASE_URL.name,
        variables::FARCALL_ROLE.name,
        PROXIES,
        "POSTGRES_PASSWORD",
        "STORE_PASSWORD",
    ];
    SAID.contains(&name)
        || match &deployment.config.storage.artifacts {
            None => name.starts_with(OF_STORE),
            Some(place) => place.options.iter().any(|(known, _)| known == name),
        }
}

const PROXIES: &str = variables::FARCALL_TRUSTED_PROXIES.name;

/// The first three numbers of the addresses of a project's network: the same for the same project each time, and most
/// likely others for another one on the same machine. Docker's own networks count up from 172.17, so they come here last.
fn network(project: &str) -> String {
    let fnv = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = project.bytes().fold(0x811c_9dc5, fnv);
    format!("172.{}.{}", 24 + hash % 7, hash / 7 % 256)
}

/// What keeps the containers from working as the server does that runs here.
pub(super) fn warnings(deployment: &Deployment, flags: &Flags) -> Vec<String> {
    // Several have a database of their own.
    let mut warnings = match flags.replicas {
        None => lacks::warnings(deployment),
        Some(_) => lacks::of_image(deployment),
    };
    let is_own_store = flags.replicas.is_some() && deployment.config.storage.artifacts.is_none();
    let hidden = deployment.passed.iter();
    let hidden = hidden.filter(|name| is_own_store && name.starts_with(OF_STORE));
    warnings.extend(hidden.map(|name| {
        format!(
            "`{name}` of `.env` does not reach the servers, which are told of the store in the file: set \
             FARCALL_ARTIFACTS_URL to a bucket of yours, or give the program's key another name"
        )
    }));
    let proxies = deployment.config.limits.trusted_proxies.iter();
    let others: Vec<_> = proxies
        .filter(|proxy| !proxy.network().is_loopback())
        .map(ToString::to_string)
        .collect();
    if !others.is_empty() {
        warnings.push(format!(
            "`{PROXIES}` names `{}`, which containers are not told of: add it to the value in the file",
            others.join("`, `")
        ));
    }
    warnings
}

/// The keys of a bucket that the configuration names, as `.env` has them.
fn cloud_keys(deployment: &Deployment) -> String {
    let place = deployment.config.storage.artifacts.as_ref();
    let options = place
        .map(|place| place.options.as_slice())
        .unwrap_or_default();
    let mut names: Vec<_> = options.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    unset(names.into_iter())
}

/// The variables that containers are given, as far as they are wanted: what only this shell says with its value, the
/// others without.
fn listed(deployment: &Deployment, is_wanted: impl Fn(&str) -> bool) -> String {
    let mut lines = String::new();
    for name in deployment.passed.iter().filter(|name| is_wanted(name)) {
        let mut values = deployment.environment.iter();
        let value = values.find(|(known, _)| known == name);
        let value = value.map(|(_, value)| format!(" {}", yaml(value)));
        let _ = writeln!(lines, "{}:{}", yaml_key(name), value.unwrap_or_default());
    }
    lines
}

/// These variables without values, which are those of `.env` or the shell then.
fn unset<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut lines = String::new();
    for name in names {
        lines.push_str(&yaml_key(name));
        lines.push_str(":\n");
    }
    lines
}

/// What `build:` says, for one who has never built it.
fn build(deployment: &Deployment) -> Result<String, Failure> {
    match &deployment.build {
        Build::Package { up, down, .. } if !up.is_empty() => Ok(format!(
            "context: {up}\ndockerfile: {}\n",
            yaml(&format!("{down}/Dockerfile"))
        )),
        Build::Package { .. } => Ok("context: .\n".to_owned()),
        Build::Project { .. } => Ok(format!(
            "context: .\nargs:\n  FARCALL: ${{FARCALL:-farcall@{}}}\n",
            env!("CARGO_PKG_VERSION")
        )),
        Build::Impossible { reason, hint } => {
            Err(Failure::usage(reason.as_str()).hint(hint.as_str()))
        }
    }
}

/// The first command, where farcall itself is installed into the image.
fn source(deployment: &Deployment) -> &'static str {
    match deployment.build {
        Build::Project { .. } => {
            "#   export FARCALL='--git URL farcall'     # the URL of farcall's repository; without it, its crate, once published\n"
        }
        _ => "",
    }
}

/// Words that are something else than text in some YAML.
const WORDS: [&str; 9] = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"];

/// `text` as compose reads it: a dollar would begin a variable.
fn yaml(text: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-".contains(sign);
    let begins = text.starts_with(|sign: char| sign.is_ascii_alphabetic());
    let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
    if begins && text.chars().all(is_plain) && !is_word {
        return text.to_owned();
    }
    serde_json::Value::from(text.replace('$', "$$")).to_string()
}

/// The name of a variable as a key.
fn yaml_key(name: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_';
    if name.starts_with(|sign: char| sign.is_ascii_uppercase()) && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        serde_json::Value::from(name.replace('$', "$$")).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_in_every_yaml() {
        for (text, written) in [
            ("debug", "debug"),
            ("api/Dockerfile", "api/Dockerfile"),
            ("TRUE", "\"TRUE\""),
            ("42", "\"42\""),
            (".inf", "\".inf\""),
            ("a b: $c", "\"a b: $$c\""),
            ("", "\"\""),
        ] {
            assert_eq!(yaml(text), written);
        }
    }
}
