//! What clients, proxies and shells say when something is wrong, and what it means.
//!
//! A sentence is recognised by words that must all be in it. The table goes from the particular to the general, and
//! the first row that fits is the answer: a bare `401` says less than the words around it.

use std::io::Read as _;

use serde_json::json;

use crate::{
    Failure,
    terminal::{print, print_json},
};

/// The most bytes of a message that are read.
const LONGEST: u64 = 64 << 10;

/// What a message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Words of it, in small letters: one of the groups, and all words of that group.
    words: &'static [&'static [&'static str]],
    means: &'static str,
    remedy: &'static str,
}

/// Says what `text` means, or reads it where it is `-`.
pub(super) fn explain(text: &str, is_json: bool) -> Result<(), Failure> {
    let mut read = String::new();
    let text = if text == "-" {
        let mut bytes = Vec::new();
        let reading = std::io::stdin().take(LONGEST).read_to_end(&mut bytes);
        reading.map_err(|error| Failure::failed(format!("the message cannot be read: {error}")))?;
        read.push_str(&String::from_utf8_lossy(&bytes));
        &read
    } else {
        text
    };
    let Some(Meaning { means, remedy, .. }) = meaning(text) else {
        if is_json {
            print_json(&json!({"ok": false, "meaning": null, "remedy": null}));
        }
        return Err(Failure::failed("this message is not known here").hint(
            "look at the server from where the client is: farcall doctor URL; docs/guide/troubleshoot.md lists what is known",
        ));
    };
    if is_json {
        print_json(&json!({"ok": true, "meaning": means, "remedy": remedy}));
    } else if print(&format!("meaning: {means}")) {
        print(&format!("remedy:  {remedy}"));
    }
    Ok(())
}

/// The row that fits.
pub(super) fn meaning(text: &str) -> Option<&'static Meaning> {
    let text = text.to_lowercase();
    let fits = |meaning: &&Meaning| {
        let mut groups = meaning.words.iter();
        groups.any(|words| words.iter().all(|word| has(&text, word)))
    };
    MEANINGS.iter().find(fits)
}

/// Whether a word is in the text; one of digits stands alone there, so that a port is no status.
fn has(text: &str, word: &str) -> bool {
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.contains(word);
    }
    let mut parts = text.split(|sign: char| !sign.is_ascii_alphanumeric());
    parts.any(|part| part == word)
}

const fn known(
    words: &'static [&'static [&'static str]],
    means: &'static str,
    remedy: &'static str,
) -> Meaning {
    Meaning {
        words,
        means,
        remedy,
    }
}

/// All that is known, from the particular to the general.
const MEANINGS: &[Meaning] = &[
    known(
        &[
            &["dynamic client registration"],
            &["does not support dynamic client registration"],
            &["oauth", "registration", "404"],
        ],
        "the client got 401, took that for OAuth and looked for where to register; the server has a token and no OAuth, so the token was not sent or is not the server's",
        "put the header into the client's entry, \"headers\": {\"Authorization\": \"Bearer ${EXAMPLE_MCP_TOKEN}\"}, and set that variable where the client is started; then start the client again",
    ),
    known(
        &[
            &["unknown mcp server type"],
            &["streamablehttp", "invalid"],
            &["streamablehttp", "config"],
            &["streamable-http", "config"],
            &["invalid mcp server", "type"],
        ],
        "clients call Streamable HTTP by different names in `type`; `streamableHttp` is the guide's and nanobot's, and Claude Code and Gemini CLI know `http`",
        "write \"type\": \"http\" for Claude Code, Gemini CLI, Copilot and VS Code; Cline: streamableHttp; Roo: streamable-http; Goose: streamable_http; opencode: remote",
    ),
    known(
        &[&["8000007"], &["wrangler", "project not found"]],
        "the project of Cloudflare Pages that should be published to does not exist",
        "create it first: wrangler pages project create NAME --production-branch=main; then wrangler pages deploy FOLDER --project-name NAME",
    ),
    known(
        &[&["modulenotfounderror"], &["no module named"]],
        "a Python program was started by another Python than the one that has its packages",
        "name that of the environment in `command`: [\".venv/bin/python\", \"server.py\"], of Python 3.10 or later; in an image, install requirements.txt; `farcall check` says which program is started",
    ),
    known(
        &[&["in use by another farcall"]],
        "two servers were started with the same data folder, and SQLite is for one",
        "stop one of them (systemctl --user status NAME), or give it another FARCALL_DATA_DIR; several servers share a PostgreSQL database",
    ),
    known(
        &[
            &["address already in use"],
            &["eaddrinuse"],
            &["cannot be bound"],
        ],
        "another program has the port, perhaps an earlier start of the same server",
        "ss -ltnp shows which; stop it, or set another MCP_PORT here and in what stands in front",
    ),
    known(
        &[&["storage_full"], &["no space left on device"], &["enospc"]],
        "the disk where jobs write is full, or below FARCALL_MIN_FREE",
        "make room there; waiting jobs go on by themselves",
    ),
    known(
        &[&["unknown job_id"], &["unknown_job"]],
        "no job of this caller has that id: it has expired, was cut off, or belongs to another caller",
        "start it anew; a job belongs to the token that started it, and is kept for `keep_for`, 7 days by default",
    ),
    known(
        &[
            &["this `host` is not served here"],
            &["invalid host header"],
            &["421", "misdirected"],
        ],
        "the server does not know the name under which it was called",
        "set PUBLIC_BASE_URL to the public origin, or list the name in FARCALL_ALLOWED_HOSTS, and start the server again",
    ),
    known(
        &[
            &["pages of this `origin` may not call"],
            &["cors"],
            &["access-control-allow-origin"],
        ],
        "a page in a browser called, and its origin is not listed",
        "list it in FARCALL_ALLOWED_ORIGINS, scheme and host: https://app.example.com",
    ),
    known(
        &[&["no bearer token was sent"], &["no credential was sent"]],
        "the client did not send the header `Authorization`",
        "put it into the client's entry and set its variable; some clients read another key: Codex takes bearer_token_env_var, and ignores a table `headers`",
    ),
    known(
        &[&["bearer token is not known here"], &["invalid_token"]],
        "a token was sent, and it is none of this server: changed, revoked, cut off, or a placeholder that nobody filled in",
        "compare it with MCP_BEARER_TOKEN of the server, or make one: farcall token create NAME; set the variable where the client is started, and start that again",
    ),
    known(
        &[
            &["missing environment variable"],
            &["environment variable", "not set"],
            &["environment variable", "not found"],
            &["bearer ${"],
        ],
        "the client's entry names a variable that is not set where the client was started",
        "export it there, or put it into the client's own `.env`; programs with windows do not read the shell's profile",
    ),
    known(
        &[
            &["cloudflareaccess.com"],
            &["did not come through cloudflare access"],
        ],
        "Cloudflare Access asks for a log-in, so the headers of the service token are missing, or no policy takes them",
        "send both CF-Access-Client-Id and CF-Access-Client-Secret; the application needs a policy with the action Service Auth that includes the token",
    ),
    known(
        &[&["stuck at verifying"], &["custom domain", "verifying"]],
        "the name is more than one level below the zone, and the free certificate covers the zone and *.zone alone",
        "use a name one level below the zone, or Advanced Certificate Manager or Total TLS",
    ),
    known(
        &[
            &["certificate has expired"],
            &["cert_has_expired"],
            &["certificate expired"],
            &["certificate verify failed", "expired"],
        ],
        "the certificate of the proxy is over, nothing has renewed it",
        "certbot renew, or Caddy's log; farcall doctor URL says until when it held",
    ),
    known(
        &[
            &["self-signed certificate"],
            &["self signed certificate"],
            &["self_signed"],
            &["depth_zero"],
            &["unable_to_verify_leaf"],
            &["unable to get local issuer"],
            &["unknownissuer"],
            &["certificate verify failed"],
            &["unable to verify the first certificate"],
        ],
        "the client does not trust who signed the certificate: it is of an authority of your own, or the proxy does not send the whole chain",
        "use a certificate of a public authority with its chain (fullchain.pem); for your own authority: SSL_CERT_FILE, or NODE_EXTRA_CA_CERTS for clients in Node",
    ),
    known(
        &[
            &["altname_invalid"],
            &["no alternative certificate subject name"],
            &["hostname mismatch"],
            &["notvalidforname"],
            &["doesn't match", "certificate"],
            &["not valid for", "name"],
        ],
        "the certificate is for another name than the one in the URL",
        "let the proxy have one for this very name; a free certificate of Cloudflare covers one level below the zone",
    ),
    known(
        &[
            &["wrong version number"],
            &["wrong_version_number"],
            &["invalidcontenttype"],
            &["http request to an https server"],
            &["http request was sent to https port"],
            &["packet length too long"],
        ],
        "one side speaks TLS and the other does not: https:// was written for a port of plain HTTP, or the other way round",
        "for the server itself write http://127.0.0.1:8900/mcp; from outside, https:// with the name of the proxy or tunnel",
    ),
    known(
        &[
            &["handshake failure"],
            &["handshake_failure"],
            &["ssl_error_syscall"],
            &["curl: (35)"],
            &["code 000"],
            &["tlsv1 alert"],
            &["sslv3 alert"],
        ],
        "there is no certificate for this name yet, or nothing serves it",
        "look at the tunnel and at the server behind it; a new name waits some minutes for its certificate, one more than one level below the zone for ever",
    ),
    known(
        &[
            &["enotfound"],
            &["name or service not known"],
            &["could not resolve host"],
            &["nodename nor servname"],
            &["getaddrinfo"],
            &["curl: (6)"],
            &["dns error"],
            &["err_name_not_resolved"],
        ],
        "the name in the URL has no address",
        "cloudflared tunnel route dns NAME HOST, or an A or AAAA record; then wait a minute, and see that it is spelt right",
    ),
    known(
        &[
            &["530"],
            &["1033"],
            &["argo tunnel error"],
            &["cloudflare tunnel error"],
        ],
        "the tunnel has no active connection",
        "cloudflared tunnel info NAME; cloudflared tunnel run NAME, or systemctl --user restart cloudflared-NAME; then curl -s http://127.0.0.1:8900/healthz on that machine",
    ),
    known(
        &[
            &["524"],
            &["504"],
            &["gateway time-out"],
            &["gateway timeout"],
            &["a timeout occurred"],
        ],
        "something in front of the server waited for longer than it may",
        "make a job of what takes long; give the proxy the time limits that `farcall deploy nginx` writes",
    ),
    known(
        &[
            &["502"],
            &["bad gateway"],
            &["503"],
            &["service unavailable"],
            &["521"],
            &["522"],
            &["523"],
        ],
        "a proxy or tunnel is up, and the server behind it does not answer",
        "on its machine: curl -s http://127.0.0.1:8900/healthz; start the server, and compare the port with that in the proxy's configuration",
    ),
    known(
        &[
            &["econnrefused"],
            &["connection refused"],
            &["connecterror"],
            &["all connection attempts failed"],
            &["curl: (7)"],
            &["failed to connect to"],
            &["couldn't connect to server"],
        ],
        "nobody listens there: the server does not run, or on another port",
        "start it, and ask it: curl -s http://127.0.0.1:8900/healthz; in a container it must bind 0.0.0.0, and the port be published",
    ),
    known(
        &[
            &["-32001"],
            &["request timed out"],
            &["timed out while waiting"],
            &["timeout", "tool"],
            &["mcp error", "timed out"],
            &["deadline exceeded"],
        ],
        "a call took longer than the client waits: 30 seconds in nanobot, 60 in many others",
        "make a job of the tool (start_x, get_x_status, get_x_result), or raise the client's limit, such as toolTimeout",
    ),
    known(
        &[
            &["sse stream disconnected"],
            &["stream disconnected"],
            &["body timeout"],
            &["headers timeout"],
            &["incomplete chunked read"],
            &["terminated", "typeerror"],
            &["peer closed connection"],
        ],
        "something on the way cut a stream that was quiet",
        "give the proxy 300 seconds (proxy_read_timeout in nginx); farcall doctor URL --idle 20 shows whether it is cut",
    ),
    known(
        &[
            &["ssrf"],
            &["private address"],
            &["private ip"],
            &["ssrfwhitelist"],
        ],
        "the client refuses addresses of private networks, as nanobot does",
        "give it the public URL, or list the address in the client: ssrfWhitelist in nanobot",
    ),
    known(
        &[
            &["session not found"],
            &["session terminated"],
            &["session expired"],
            &["no valid session"],
            &["mcp-session-id"],
        ],
        "the client holds a session that the server no longer knows, as after a restart of it",
        "start the client again; behind several servers, requests of a session must go to the same one",
    ),
    known(
        &[
            &["unexpected token '<'"],
            &["unexpected token <"],
            &["unexpected content type", "html"],
            &["unexpected content-type", "html"],
            &["<!doctype html"],
        ],
        "a page came in the place of an answer: a log-in of the edge, an error of a proxy, or another site",
        "see that the URL ends in /mcp, and that the headers of the edge are sent; farcall doctor URL says which it is",
    ),
    known(
        &[
            &["413"],
            &["payload too large"],
            &["request entity too large"],
            &["content too large"],
        ],
        "a request has more than the 1 MiB that the server takes, or than a proxy lets through",
        "hand large things over as URLs or files; nginx: client_max_body_size 2m, which lets the server say it itself",
    ),
    known(
        &[
            &["406"],
            &["not acceptable"],
            &["415"],
            &["unsupported media type"],
        ],
        "the client's headers are not those of Streamable HTTP: it speaks the older SSE transport, or sends compressed bodies",
        "choose Streamable HTTP in the client, with the URL that ends in /mcp; not `sse`",
    ),
    known(
        &[
            &["429"],
            &["too many requests"],
            &["too many wrong credentials"],
        ],
        "more requests came than a caller may make, or too many wrong credentials from one address",
        "wait as long as Retry-After says; behind a proxy set FARCALL_TRUSTED_PROXIES, or all callers share one limit",
    ),
    known(
        &[
            &["401"],
            &["unauthorized"],
            &["authentication failed"],
            &["needs authentication"],
            &["requires authentication"],
        ],
        "what says who asks is missing or wrong",
        "Access: send both CF-Access-Client-Id and CF-Access-Client-Secret; a bearer token: Authorization: Bearer <token>, the server's MCP_BEARER_TOKEN; farcall doctor URL says which is missing",
    ),
    known(
        &[&["403"], &["forbidden"]],
        "the edge or the server does not let this caller do that: a header of Access is missing, the policy does not take it, or the server does not know the `Host`",
        "farcall doctor URL says which; Access needs both headers and a policy with the action Service Auth",
    ),
    known(
        &[&["404"], &["not found", "mcp"]],
        "nothing is at this path: the URL does not end in /mcp, or a tunnel does not list the name and answers by its last rule",
        "write /mcp at the end of the URL; compare `hostname` in ~/.cloudflared/config.yml with it",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_say_is_recognised_by_what_matters_in_it() {
        for (text, part) in [
            (
                "Dynamic Client Registration rejected (HTTP 404)",
                "took that for OAuth",
            ),
            (
                "SDK auth failed: Incompatible auth server: does not support dynamic client registration",
                "took that for OAuth",
            ),
            (
                "MCP server \"x\": unknown MCP server type: streamableHttp",
                "different names",
            ),
            (
                "✘ [ERROR] A request to the Cloudflare API failed. Project not found. [code: 8000007]",
                "Pages",
            ),
            (
                "ModuleNotFoundError: No module named 'mcp'",
                "another Python",
            ),
            (
                "curl: (35) error:0A000410:SSL routines::sslv3 alert handshake failure",
                "no certificate for this name yet",
            ),
            (
                "httpx.ConnectError: All connection attempts failed",
                "nobody listens",
            ),
            ("error code: 530", "no active connection"),
            (
                "<html><title>502 Bad Gateway</title>",
                "proxy or tunnel is up",
            ),
            (
                "Error POSTing to endpoint (HTTP 401): {\"error\":\"no bearer token was sent; …\"}",
                "did not send the header",
            ),
            ("HTTP 401 Unauthorized", "missing or wrong"),
            (
                "MCP error -32001: Request timed out",
                "longer than the client waits",
            ),
            (
                "TypeError: fetch failed: getaddrinfo ENOTFOUND a.example",
                "no address",
            ),
            ("connect ECONNREFUSED 127.0.0.1:8401", "nobody listens"),
            (
                "SSL: CERTIFICATE_VERIFY_FAILED certificate verify failed: certificate has expired (_ssl.c:1006)",
                "is over",
            ),
        ] {
            let meaning = meaning(text).unwrap_or_else(|| panic!("{text} is not known"));
            assert!(meaning.means.contains(part), "{text}: {}", meaning.means);
        }
    }

    #[test]
    fn a_number_within_another_is_no_status() {
        assert_eq!(meaning("it took 4013 ms at port 15302"), None);
        assert!(meaning("status=401,").is_some());
    }

    #[test]
    fn every_row_can_be_reached() {
        for (index, row) in MEANINGS.iter().enumerate() {
            let is_reached = row.words.iter().any(|words| {
                let found = meaning(&words.join(" "));
                found == Some(row)
            });
            assert!(is_reached, "row {index}: {}", row.means);
        }
    }
}
