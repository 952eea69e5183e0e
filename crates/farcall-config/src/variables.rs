//! The only list of environment variables; code and reference both use it.

/// Those whose value is a secret, or may hold one; it belongs in no file but `.env`.
pub const SECRET: &[Variable] = &[
    MCP_BEARER_TOKEN,
    FARCALL_OAUTH_CLIENT_SECRET,
    FARCALL_DATABASE_URL,
    FARCALL_SECRET,
    FARCALL_PREVIOUS_SECRET,
    FARCALL_TOKEN,
    OTEL_EXPORTER_OTLP_HEADERS,
];

/// An environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds where it is not set.
    pub default: &'static str,
    /// What it is for, one sentence.
    pub purpose: &'static str,
}

/// Defaults that say what holds, and are no values that somebody could set.
const IN_WORDS: &[&str] = &[
    "SQLite in FARCALL_DATA_DIR",
    "folder in FARCALL_DATA_DIR",
    "in the issuer's metadata",
    "in the job store",
    "none",
    "processors",
    "text on a terminal, else json",
    "the server's name",
    "unset",
];

impl Variable {
    /// Whether its default is told in words, and is no value of it.
    pub fn defaults_in_words(&self) -> bool {
        IN_WORDS.contains(&self.default)
    }
}

macro_rules! variables {
    ($list:ident, $what:literal: $($name:ident, $default:literal, $purpose:literal;)*) => {
        $(
            #[doc = $purpose]
            pub const $name: Variable = Variable { name: stringify!($name), default: $default, purpose: $purpose };
        )*

        #[doc = $what]
        pub const $list: &[Variable] = &[$($name),*];
    };
}

variables! {
    ALL, "Every variable, in the order of the reference.":
    MCP_HOST, "127.0.0.1", "Address to bind.";
    MCP_PORT, "8900", "Port to bind; 0 lets the system choose.";
    PORT, "unset", "Used where MCP_PORT is not set, as hosted runtimes do.";
    PUBLIC_BASE_URL, "http://127.0.0.1:PORT", "Public origin: prefix of file URLs, and an allowed Host.";
    MCP_BEARER_TOKEN, "unset", "One shared secret; requests with it as their bearer token may call and fetch.";
    FARCALL_ACCESS_TEAM, "unset", "Team of Cloudflare Access, such as `acme`; requests that it let through to FARCALL_ACCESS_AUD may call.";
    FARCALL_ACCESS_AUD, "unset", "AUD tag of the Access application in front of this server; several with commas.";
    FARCALL_ACCESS_CALLERS, "none", "Named callers that people and service tokens of Access become: ann@example.com=ann, and for a service token its client id, ….access=ci.";
    FARCALL_OAUTH_ISSUER, "unset", "OAuth authorization server, such as `https://login.example.com/realms/a`, whose tokens for this server are accepted.";
    FARCALL_OAUTH_AUDIENCE, "PUBLIC_BASE_URL/mcp", "Audience that its tokens must name, if it is not this server's URL.";
    FARCALL_OAUTH_SCOPES, "none", "Scopes that calls need, by tool, and * for every call: *=mcp,start_render=render:write.";
    FARCALL_OAUTH_JWKS_URL, "in the issuer's metadata", "URL of the keys that sign its tokens.";
    FARCALL_OAUTH_ALGORITHMS, "RS256,ES256", "Algorithms that may sign its tokens, comma-separated; asymmetric ones only.";
    FARCALL_OAUTH_INTROSPECTION_URL, "unset", "URL at which each token is introspected, instead of verifying its signature.";
    FARCALL_OAUTH_CLIENT_ID, "unset", "Client id for introspection.";
    FARCALL_OAUTH_CLIENT_SECRET, "unset", "Client secret for introspection.";
    FARCALL_DATA_DIR, ".farcall", "Folder of the job store and of the files.";
    FARCALL_DATABASE_URL, "SQLite in FARCALL_DATA_DIR", "Database of the jobs: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.";
    FARCALL_ROLE, "all", "What this process does: `api` answers callers, `worker` runs jobs, `all` does both.";
    FARCALL_CONCURRENCY, "processors", "How many jobs run at once in this process.";
    FARCALL_SLOTS, "none", "What this process has for jobs that need something, such as gpu=1,ram_gb=64.";
    FARCALL_DRAIN, "30s", "How long running jobs may go on when the server stops.";
    FARCALL_MIN_FREE, "64MiB", "Free disk space below which no job is started, such as 500MiB or 2GiB; 0 for no limit.";
    FARCALL_LINGER, "1s", "How long callers are still answered after the server was told to stop, while `/readyz` says so.";
    FARCALL_ARTIFACTS_URL, "folder in FARCALL_DATA_DIR", "Where files are kept: `s3://bucket/prefix`, `gs://…`, `az://…`, `file:///folder`, or `memory:` for tests.";
    FARCALL_SECRET, "in the job store", "Secret of 32 characters or more that servers share; what travels through clients and links to files are signed with keys made from it.";
    FARCALL_PREVIOUS_SECRET, "none", "The FARCALL_SECRET before, or the one to come: what was signed with keys made from it is accepted too.";
    FARCALL_LINK_LIFETIME, "1h", "How long a link to a file opens it, from 1s to 7d; each result has new ones.";
    FARCALL_REDIRECT_FILES, "unset", "1 redirects downloads of files in a bucket to a signed URL of the bucket.";
    FARCALL_ALLOWED_HOSTS, "none", "More values of the Host header to accept, comma-separated.";
    FARCALL_ALLOWED_ORIGINS, "none", "Origins of browsers to accept, comma-separated; turns CORS on for them.";
    FARCALL_TRUSTED_PROXIES, "none", "Proxies (addresses or networks, comma-separated) whose X-Forwarded-For or CF-Connecting-IP is trusted.";
    FARCALL_CALL_RATE, "1000/s", "How many requests one caller may make, except polls, such as 60/m; off for no limit.";
    FARCALL_TOOL_RATE, "500/s", "How often one caller may call one tool; off for no limit.";
    FARCALL_POLL_RATE, "5000/s", "How many status polls one caller may make, such as 5000/s; off for no limit.";
    FARCALL_FAILURE_RATE, "30/m", "How many wrong credentials may come from one address (of IPv6 one /64); off for no limit.";
    FARCALL_ALLOW_UNAUTHENTICATED, "unset", "1 permits a bind beyond loopback without authentication.";
    FARCALL_PLAIN_CALLS, "1", "0 leaves every call and list of tools to the transport of the MCP SDK: a slower way to the same answers.";
    FARCALL_TOKEN, "unset", "Bearer token that client verbs such as smoke send; MCP_BEARER_TOKEN where it is not set.";
    FARCALL_AUDIT, "unset", "File to which a JSON line is added for each call: who, tool, hash of the arguments, job, outcome; `stdout` for standard output.";
    FARCALL_AUDIT_VALUES, "unset", "1 writes into these lines what calls were made with, up to 64 KiB of each.";
    FARCALL_METRICS, "unset", "Address and port, such as 127.0.0.1:9100, at which Prometheus reads `/metrics` without a credential; beyond loopback only with FARCALL_ALLOW_UNAUTHENTICATED.";
    FARCALL_LOG, "info", "What is logged: a level, or directives as tracing-subscriber reads them.";
    FARCALL_LOG_FORMAT, "text on a terminal, else json", "How it is logged: text or json.";
    OTEL_EXPORTER_OTLP_ENDPOINT, "unset", "OpenTelemetry collector that takes spans over HTTP, such as `http://127.0.0.1:4318`, in a program with the feature `otel`.";
    OTEL_EXPORTER_OTLP_HEADERS, "none", "Extra headers for the collector: name=value, comma-separated.";
    OTEL_SERVICE_NAME, "the server's name", "Name of this server at the collector.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_that_nobody_could_set_is_told_in_words() {
        for words in IN_WORDS {
            let mut defaults = ALL.iter().map(|variable| variable.default);
            assert!(defaults.any(|default| default == *words), "{words}");
        }
        for variable in ALL {
            let is_sentence = variable.default.contains(' ');
            let is_told = variable.defaults_in_words();
            assert!(is_told || !is_sentence, "{variable:?}");
        }
        assert!(PORT.defaults_in_words());
        assert!(!MCP_PORT.defaults_in_words());
    }
}
