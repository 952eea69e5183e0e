//! `[server]`: what the server tells about itself, and the settings that the environment also has.

use std::path::Path;

use farcall_core::JsonObject;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use toml::Spanned;
use url::Url;

use super::{Reading, command::clear, table::Table, template::filled};
use crate::{
    Config, Source,
    file::{
        Server, Settings,
        grammar::{
            Key, Section, Shape,
            shapes::{POSITIVE, TEXTS},
        },
        hidden::hidden,
    },
    variables::{self, Variable},
};

pub(super) static SERVER: Section = Section {
    name: "server",
    about: "What the server tells about itself, and settings that flags and the environment win over.",
    groups: &[
        &[
            Key::with("name", Shape::Line, "the folder's", "Its name."),
            Key::with("version", Shape::Line, "0.0.0", "Its version, for clients."),
            Key::optional("title", Shape::Line, "A name for people."),
            Key::optional(
                "instructions",
                Shape::Prose,
                "What an agent should know before it calls anything.",
            ),
        ],
        SETTINGS,
    ],
};

const SETTINGS: &[Key] = &[
    setting(&variables::MCP_HOST, "host", Shape::Text),
    setting(&variables::MCP_PORT, "port", Shape::Integer(0, 65_535)),
    setting(&variables::PUBLIC_BASE_URL, "public_base_url", Shape::Text),
    setting(&variables::MCP_BEARER_TOKEN, "bearer_token", Shape::Secret),
    setting(&variables::FARCALL_ACCESS_TEAM, "access_team", Shape::Text),
    setting(&variables::FARCALL_ACCESS_AUD, "access_aud", TEXTS),
    setting(
        &variables::FARCALL_ACCESS_CALLERS,
        "access_callers",
        Shape::Map(&Shape::Text),
    ),
    setting(
        &variables::FARCALL_OAUTH_ISSUER,
        "oauth_issuer",
        Shape::Text,
    ),
    setting(
        &variables::FARCALL_OAUTH_AUDIENCE,
        "oauth_audience",
        Shape::Text,
    ),
    setting(
        &variables::FARCALL_OAUTH_SCOPES,
        "oauth_scopes",
        Shape::Map(&Shape::Text),
    ),
    setting(
        &variables::FARCALL_OAUTH_JWKS_URL,
        "oauth_jwks_url",
        Shape::Text,
    ),
    setting(
        &variables::FARCALL_OAUTH_ALGORITHMS,
        "oauth_algorithms",
        TEXTS,
    ),
    setting(
        &variables::FARCALL_OAUTH_INTROSPECTION_URL,
        "oauth_introspection_url",
        Shape::Text,
    ),
    setting(
        &variables::FARCALL_OAUTH_CLIENT_ID,
        "oauth_client_id",
        Shape::Text,
    ),
    setting(
        &variables::FARCALL_OAUTH_CLIENT_SECRET,
        "oauth_client_secret",
        Shape::Secret,
    ),
    setting(&variables::FARCALL_DATA_DIR, "data_dir", Shape::Path),
    setting(
        &variables::FARCALL_DATABASE_URL,
        "database_url",
        Shape::Secret,
    ),
    setting(
        &variables::FARCALL_ARTIFACTS_URL,
        "artifacts_url",
        Shape::Text,
    ),
    setting(
        &variables::FARCALL_ROLE,
        "role",
        Shape::Choice(&[
            ("all", "answers callers and runs jobs"),
            ("api", "answers callers"),
            ("worker", "runs jobs"),
        ]),
    ),
    setting(&variables::FARCALL_CONCURRENCY, "concurrency", POSITIVE),
    setting(&variables::FARCALL_SLOTS, "slots", Shape::Map(&POSITIVE)),
    setting(
        &variables::FARCALL_DRAIN,
        "drain",
        Shape::Duration { no_time: true },
    ),
    setting(
        &variables::FARCALL_LINGER,
        "linger",
        Shape::Duration { no_time: true },
    ),
    setting(&variables::FARCALL_MIN_FREE, "min_free", Shape::Size),
    setting(&variables::FARCALL_SECRET, "secret", Shape::Secret),
    setting(
        &variables::FARCALL_PREVIOUS_SECRET,
        "previous_secret",
        Shape::Secret,
    ),
    setting(
        &variables::FARCALL_LINK_LIFETIME,
        "link_lifetime",
        Shape::Duration { no_time: false },
    ),
    setting(
        &variables::FARCALL_REDIRECT_FILES,
        "redirect_files",
        Shape::Boolean,
    ),
    setting(&variables::FARCALL_ALLOWED_HOSTS, "allowed_hosts", TEXTS),
    setting(
        &variables::FARCALL_ALLOWED_ORIGINS,
        "allowed_origins",
        TEXTS,
    ),
    setting(
        &variables::FARCALL_TRUSTED_PROXIES,
        "trusted_proxies",
        TEXTS,
    ),
    setting(&variables::FARCALL_CALL_RATE, "call_rate", Shape::Text),
    setting(&variables::FARCALL_TOOL_RATE, "tool_rate", Shape::Text),
    setting(&variables::FARCALL_POLL_RATE, "poll_rate", Shape::Text),
    setting(
        &variables::FARCALL_FAILURE_RATE,
        "failure_rate",
        Shape::Text,
    ),
    setting(
        &variables::FARCALL_ALLOW_UNAUTHENTICATED,
        "allow_unauthenticated",
        Shape::Boolean,
    ),
    setting(&variables::FARCALL_AUDIT, "audit", Shape::Text),
    setting(
        &variables::FARCALL_AUDIT_VALUES,
        "audit_values",
        Shape::Boolean,
    ),
    setting(&variables::FARCALL_METRICS, "metrics", Shape::Text),
    setting(&variables::FARCALL_LOG, "log", Shape::Text),
    setting(
        &variables::FARCALL_LOG_FORMAT,
        "log_format",
        Shape::Choice(&[("text", "for people"), ("json", "one JSON object a line")]),
    ),
];

/// A key that stands behind a variable says what the variable says.
const fn setting(variable: &'static Variable, name: &'static str, shape: Shape) -> Key {
    Key {
        variable: Some(variable),
        ..Key::with(name, shape, variable.default, variable.purpose)
    }
}

/// The key of the section that stands behind a variable.
pub fn setting_of(variable: &Variable) -> Option<&'static str> {
    let mut keys = SETTINGS.iter();
    let key = keys.find(|key| key.variable == Some(variable))?;
    Some(key.name)
}

/// Reads the section, where there is one.
pub(super) fn read(
    reading: &Reading<'_>,
    table: Option<&Table<'_>>,
    folder: &Path,
) -> (Server, Settings) {
    let own = |key: &str| Some((*table?.text(key)?.get_ref()).to_owned());
    let server = Server {
        name: own("name").unwrap_or_else(|| name_of(folder)),
        version: own("version").unwrap_or_else(|| "0.0.0".to_owned()),
        title: own("title"),
        instructions: own("instructions"),
    };
    let Some(table) = table else {
        return (server, Settings::default());
    };
    let mut settings = Vec::new();
    for key in SETTINGS {
        let value = setting_value(reading, table, key);
        if let (Some(variable), Some(value)) = (key.variable, value) {
            judge(reading, table, key.name, variable, &value);
            settings.push((*variable, value));
        }
    }
    (server, Settings(settings))
}

/// The folder's name, where clients can be told it.
fn name_of(folder: &Path) -> String {
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.filter(|name| !name.trim().is_empty() && hidden(name, false).is_none());
    name.unwrap_or("farcall").to_owned()
}

/// What the file says under `key`, as it would stand in a variable.
fn setting_value(reading: &Reading<'_>, table: &Table<'_>, key: &Key) -> Option<SecretString> {
    let Key { name, shape, .. } = key;
    let value = table.any(name)?;
    let at = value.span();
    Some(match (shape, value.get_ref()) {
        (Shape::Secret, Value::String(text)) => {
            let filled = filled(reading, &Spanned::new(at.clone(), text.as_str()))?;
            // Of an address only the password is one.
            let holds_secret =
                *name != "database_url" || Url::parse(text).is_ok_and(|url| has_password(&url));
            if filled.is_clear && holds_secret {
                let variable = key.variable.map_or("a variable", |variable| variable.name);
                let hint =
                    format!("set {variable} in `.env` or in the environment, and remove it here");
                clear(reading, name, &at, &hint);
            }
            filled.text
        }
        (Shape::Path, Value::String(path)) => {
            reading.resolve(path).to_string_lossy().into_owned().into()
        }
        (_, value) => plain(value).into(),
    })
}

/// Whether the address of a database holds a password, in one of both places where it may stand.
fn has_password(address: &Url) -> bool {
    address.password().is_some() || address.query_pairs().any(|(name, _)| name == "password")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => u8::from(*yes).to_string(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(table) => pairs(table),
        other => other.to_string(),
    }
}

fn pairs(table: &JsonObject) -> String {
    let pairs = table
        .iter()
        .map(|(name, value)| format!("{name}={}", plain(value)));
    pairs.collect::<Vec<_>>().join(",")
}

/// Judges a setting by itself, as the variable would be judged; what only shows beside others is
/// judged when the server starts.
fn judge(
    reading: &Reading<'_>,
    table: &Table<'_>,
    key: &str,
    variable: &Variable,
    value: &SecretString,
) {
    let alone = Source::from_pairs([(variable.name, value.expose_secret())]);
    let at = table.value_span(key);
    for fault in Config::faults_of_values(&alone) {
        let here = |text: &str| text.replace(variable.name, key);
        reading.secret_fault(&at, here(&fault.message), here(&fault.hint));
    }
}
