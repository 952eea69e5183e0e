//! What clients, proxies and shells say when something is wrong, and what it means.
//!
//! A sentence is recognised by words that must all be in it; `table` has them, `words` finds them, and the first row that
//! fits is the answer.

mod table;
mod words;

use std::io::Read as _;

use serde_json::json;

pub(super) use self::table::{BLOCKED, LIMITED, NO_ADDRESS};
use self::words::{has, lines};
use super::finding::Finding;
use crate::{
    Failure,
    terminal::{print, print_json},
};

/// The most bytes of a message that are read.
const LONGEST: u64 = 64 << 10;

/// What a message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Words of it, in small letters: one of the groups, and all words of that group. Between line breaks it is a
    /// line of its own.
    words: &'static [&'static [&'static str]],
    means: &'static str,
    remedy: &'static str,
}

impl Meaning {
    /// A finding with this cause and this remedy.
    pub(super) fn of(&self, finding: Finding) -> Finding {
        finding.cause(self.means).remedy(self.remedy)
    }
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
fn meaning(text: &str) -> Option<&'static Meaning> {
    first(table::all(), text)
}

/// What a server of farcall means by its own words.
pub(super) fn of_server(text: &str) -> Option<&'static Meaning> {
    first(table::SERVER.iter(), text)
}

fn first(mut rows: impl Iterator<Item = &'static Meaning>, text: &str) -> Option<&'static Meaning> {
    let text = lines(text);
    rows.find(|row| {
        let mut groups = row.words.iter();
        groups.any(|words| words.iter().all(|word| has(&text, word)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What clients and servers say, and words of what it means.
    const SAID: &[(&str, &str)] = &[
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
        (
            r#"{"code":-32001,"message":"Session not found"}"#,
            "holds a session",
        ),
        (
            "StreamableHTTPError: Error POSTing to endpoint (HTTP 401): {\"error\":\"invalid_token\"}",
            "none of this server",
        ),
        (
            "StreamableHTTP connect failed: Invalid Host header",
            "the name under which it was called",
        ),
        ("HTTP 401 headers mcp-session-id: x", "missing or wrong"),
        (
            "StreamableHTTPError: Unexpected content type: text/html",
            "a page came",
        ),
        (
            "type: Invalid option: expected one of \"stdio\"|\"sse\"|\"http\"",
            "different names",
        ),
        ("connect ETIMEDOUT 203.0.113.7:443", "a firewall drops"),
        (
            "curl: (28) Failed to connect to a.example port 443 after 130000 ms: Couldn't connect to server",
            "a firewall drops",
        ),
        ("getaddrinfo EAI_AGAIN a.example", "no DNS server said"),
        (
            "SSE error: Non-200 status code (405)",
            "the older SSE transport",
        ),
        (
            r#"{"code":-32001,"message":"Unauthorized"}"#,
            "missing or wrong",
        ),
        ("MCP error -32001", "something of its own"),
        ("Tool call timed out", "longer than the client waits"),
        ("Verifying…", "one level below the zone"),
        (
            "Missing environment variables: EXAMPLE_MCP_TOKEN",
            "is not set where",
        ),
        (
            "SDK auth failed: HTTP 404: Invalid OAuth error response: SyntaxError: Unexpected token '<'",
            "took that for OAuth",
        ),
        (
            "Does not adhere to MCP server configuration schema",
            "different names",
        ),
        ("(HTTP 403): error code: 1010", "against bots"),
        ("1010", "against bots"),
        (
            r#"{"title":"Error 1010: Access denied","status":403,"error_code":1010,"cloudflare_error":true}"#,
            "against bots",
        ),
        ("error code: 1015", "limits how often"),
        ("error code: 1016", "no address behind the name"),
        ("error code: 526", "does not accept the certificate"),
        ("525", "does not accept the certificate"),
        ("401 Session expired, please log in", "no session of MCP"),
        (
            "Access to fetch at 'https://a.example/mcp' has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present",
            "its origin is not listed",
        ),
        ("Verifying domain ownership failed: NXDOMAIN", "no address"),
        ("Unauthorized: Failed to get tunnel", "no such tunnel"),
        ("MCP error -32000: Connection closed", "has ended"),
        (
            "MCP client for `x` timed out after 10 seconds. Add or adjust `startup_timeout_sec` in your config.toml",
            "Codex waits",
        ),
        ("httpx.ReadTimeout", "longer than the client waits"),
        (
            "curl: (28) Operation timed out after 5001 milliseconds with 0 bytes received",
            "longer than the client waits",
        ),
        ("read ECONNRESET", "dropped before an answer"),
        ("Error: socket hang up", "dropped before an answer"),
        (
            "upstream prematurely closed connection while reading response header from upstream",
            "dropped before an answer",
        ),
        ("dial tcp: lookup a.example: no such host", "no address"),
        ("dial tcp 203.0.113.7:443: i/o timeout", "a firewall drops"),
        (
            "x509: certificate signed by unknown authority",
            "does not trust who signed",
        ),
        (
            "x509: certificate is valid for a.example, not b.example",
            "for another name",
        ),
        (
            "certificate verify failed: Hostname mismatch, certificate is not valid for 'a.example'",
            "for another name",
        ),
        ("net::ERR_CERT_DATE_INVALID", "is over"),
        ("net::ERR_CERT_COMMON_NAME_INVALID", "for another name"),
        (
            "net::ERR_CERT_AUTHORITY_INVALID",
            "does not trust who signed",
        ),
        (
            "certificate verify failed: certificate is not yet valid (_ssl.c:1006)",
            "only from a later time on",
        ),
        (
            "client intended to send too large body: 2097152 bytes",
            "more than the 1 MiB",
        ),
        (
            "no live upstreams while connecting to upstream",
            "proxy or tunnel is up",
        ),
        (
            "Redirect response '307 Temporary Redirect' for url 'https://a.example/mcp'",
            "do not follow redirects",
        ),
        (
            "Failed to open SSE stream: Not Found",
            "nothing is at this path",
        ),
        (
            "upstream timed out (110: Connection timed out) while reading response header from upstream",
            "waited for longer",
        ),
        (
            "upstream timed out (110: Connection timed out) while connecting to upstream, client: 203.0.113.7",
            "reaches nobody at the address",
        ),
        (
            "Hostname/IP does not match certificate's altnames: Host: b.example. is not in the cert's altnames: DNS:a.example",
            "for another name",
        ),
        ("add 10.0.0.0/8 to tools.ssrfWhitelist", "private networks"),
        // Numbers beside words that say more.
        ("connect ECONNREFUSED 127.0.0.1:502", "nobody listens"),
        (
            "node:internal/deps/undici:530:11 cause: ECONNREFUSED",
            "nobody listens",
        ),
        (
            "[error] 502#502: *1 connect() failed (111: Connection refused)",
            "nobody listens",
        ),
        (r#""POST /mcp HTTP/1.1" 401 503 "-""#, "missing or wrong"),
        ("HTTP 401 s-maxage=0", "missing or wrong"),
        ("HTTP/1.1 401", "missing or wrong"),
        (
            "HTTP/2 401\r\ncontent-length: 502\r\nx-request-id: 404\r\n",
            "missing or wrong",
        ),
        ("the token is invalid: 401", "missing or wrong"),
        (r#"{"status":401}"#, "missing or wrong"),
        ("status:502", "proxy or tunnel is up"),
        // What the server says where callers are not let in; the rest is asked of a real one.
        (
            "the request did not come through Cloudflare Access; call the public URL of this server",
            "went around Access",
        ),
        (
            "Bearer error=\"invalid_token\", error_description=\"the assertion of Cloudflare Access is not for this server\"",
            "another team or application",
        ),
        (
            "whoever you are to Cloudflare Access is a caller here that has no token, and without one is not let in",
            "has no token any more",
        ),
        (
            "Bearer error=\"insufficient_scope\", scope=\"admin\"",
            "may not do this",
        ),
        (
            "this server asks nobody who they are, and shows this to callers with the scope `admin` alone",
            "asks nobody",
        ),
        (
            "HTTP 503: the token cannot be verified at the moment; try again in a few seconds",
            "could not fetch the keys",
        ),
        (
            "HTTP 404: there is no such session; initialize a new one",
            "holds a session",
        ),
        (
            "the request took longer than 30 s to arrive",
            "did not arrive whole",
        ),
        (
            "nothing of the request arrived for 10 s",
            "did not arrive whole",
        ),
        (
            "the request broke off before its end",
            "did not arrive whole",
        ),
        (
            "too many wrong credentials came from this address; try again in 20 s",
            "more requests came",
        ),
    ];

    #[test]
    fn what_clients_say_is_recognised_by_what_matters_in_it() {
        for (text, part) in SAID {
            let meaning = meaning(text).unwrap_or_else(|| panic!("{text} is not known"));
            assert!(meaning.means.contains(part), "{text}: {}", meaning.means);
        }
    }

    #[test]
    fn what_a_server_says_itself_is_told_from_what_others_do() {
        for (text, is_its_own) in [
            (
                "the token cannot be verified at the moment; try again in a few seconds",
                true,
            ),
            (
                "whoever you are to Cloudflare Access is a caller here that has no token",
                true,
            ),
            ("no bearer token was sent", false),
            ("Service Unavailable", false),
            ("Unauthorized", false),
        ] {
            assert_eq!(of_server(text).is_some(), is_its_own, "{text}");
        }
    }

    #[test]
    fn no_group_of_words_says_what_another_of_its_row_says() {
        for row in table::all() {
            for words in row.words {
                let text = lines(&words.join(" "));
                let is_said = |other: &&&[&str]| other.iter().all(|word| has(&text, word));
                let said: Vec<_> = row.words.iter().filter(is_said).collect();
                assert_eq!(said, [words], "{words:?}");
            }
        }
    }

    #[test]
    fn every_group_of_words_reaches_its_row() {
        for (index, row) in table::all().enumerate() {
            for words in row.words {
                let found = meaning(&words.join(" "));
                assert_eq!(found, Some(row), "row {index}: {words:?}");
            }
        }
    }
}
