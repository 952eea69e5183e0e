//! What stands in front of the server, and whether it lets this caller through: statuses that are no answer of the
//! server, and refusals for want of a header.

use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::{
    super::{
        asked::{self, Answer},
        credentials::{ACCESS, Sent},
        finding::{Chart, Finding, Level},
        message::{self, BLOCKED, LIMITED, NO_ADDRESS},
    },
    Reached, STEP, Walk,
};
use crate::client::{is_in_the_clear, one_line, words};

/// What is to be done where a credential is wanted, and none is sent because it could be read.
const SEE_TLS: &str =
    "see `TLS` above: over https:// what says who asks is sent, and is looked at then";

/// What is known of an answer that is none of the protocol.
struct Seen<'a> {
    /// Where it came from, for people.
    place: &'a str,
    path: &'a str,
    answer: &'a Answer,
    /// What the body says, where it says something.
    words: String,
}

/// Whether the server itself answers this caller.
pub(super) async fn look(walk: &Walk<'_>, chart: &mut Chart) -> Reached {
    let place = walk.sent.endpoint.to_string();
    let answer = match walk.post(true, &super::handshake(), STEP) {
        Ok(request) => asked::answer(request).await,
        Err(error) => Err(error),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            chart.add(
                Finding::broken("edge", format!("`{place}` gives no HTTP answer: {error}"))
                    .cause("what listens there is no HTTP server, or it drops the connection; a proxy without an origin may do that")
                    .remedy("look at the log of the proxy; behind it, curl -s http://127.0.0.1:8900/healthz on the machine of the server"),
            );
            return Reached::Nobody;
        }
    };
    end_session(walk, walk.sent.endpoint.headers(), &answer).await;
    let media_type = answer.header("content-type");
    let json: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let seen = Seen {
        place: &place,
        path: walk.url().path(),
        words: one_line(
            &walk
                .sent
                .endpoint
                .scrubbed(&words(&json, &answer.body, media_type)),
        ),
        answer: &answer,
    };
    let (finding, reached) = match judged(&seen, walk.sent) {
        // Nothing is wrong where a client logs in by itself.
        Some(finding) if finding.level == Level::Unverified => (finding, Reached::Gate),
        Some(finding) => (finding, Reached::Nobody),
        None => (
            Finding::ok(
                "edge",
                format!("`{place}` is answered by an MCP server, and lets this caller in"),
            ),
            Reached::Server,
        ),
    };
    chart.add(finding);
    reached
}

/// A session that the server keeps for the question is ended.
pub(super) async fn end_session(walk: &Walk<'_>, headers: &http::HeaderMap, answer: &Answer) {
    let session = answer.header("mcp-session-id");
    if session.is_empty() {
        return;
    }
    if let Ok(client) = asked::client(walk.url(), STEP) {
        let request = client.delete(walk.url().clone()).headers(headers.clone());
        // It ends by itself otherwise.
        let _ = request.header("mcp-session-id", session).send().await;
    }
}

/// What is wrong with an answer; `None` where it is one of an MCP server.
fn judged(seen: &Seen<'_>, sent: &Sent) -> Option<Finding> {
    let (status, place) = (seen.answer.status, seen.place);
    let said = if seen.words.is_empty() {
        format!("`{place}` answers {}", shown(status))
    } else {
        format!("`{place}` answers {}: {}", shown(status), seen.words)
    };
    match status.as_u16() {
        401 | 403 => Some(refused(seen, said, sent)),
        _ if status.is_redirection() => Some(redirected(seen, &said, sent)),
        503 if is_json_rpc(seen.answer) => Some(own(Finding::broken("edge", said), &seen.words)),
        502..=504 | 520..=530 => Some(without_origin(seen, said)),
        404 | 405 => Some(elsewhere(seen, said)),
        413 => Some(
            Finding::broken("edge", said)
                .cause("a proxy takes only small requests")
                .remedy("let it take 2 MiB (client_max_body_size 2m in nginx), the server itself refuses more than 1"),
        ),
        429 if is_blocked(seen.answer) => Some(LIMITED.of(Finding::broken("edge", said))),
        429 => Some(
            Finding::broken("edge", said)
                .cause("too many requests, or too many wrong credentials came from this address")
                .remedy("wait a minute; FARCALL_FAILURE_RATE and FARCALL_CALL_RATE are the limits of a server of farcall"),
        ),
        200..=299 if is_mcp(seen.answer) => None,
        200..=299 if seen.answer.cut.is_some() => Some(
            Finding::broken("edge", format!("{said}, and its answer ends early: {}", seen.answer.cut.as_deref().unwrap_or_default()))
                .cause("what stands in front cuts answers, by their size or after a time, or the server ended in the middle of one")
                .remedy("look into the log of the proxy, then of the server; proxy_max_temp_file_size and proxy_read_timeout are such limits of nginx"),
        ),
        // An older or newer server refuses the handshake in the protocol's own terms.
        400 | 406 | 415 | 422 if is_json_rpc(seen.answer) => None,
        200..=299 => Some(
            Finding::broken("edge", format!("`{place}` answers, and not as an MCP server ({})", media_type(seen.answer, sent)))
                .cause("another site is served at this name or path, or a page asks people to log in")
                .remedy("the path of the endpoint is usually /mcp; behind Cloudflare Access send both headers of a service token"),
        ),
        _ => Some(
            Finding::broken("edge", said)
                .cause("the server, or something in front of it, fails")
                .remedy("look into the log of the server, then of the proxy"),
        ),
    }
}

fn is_mcp(answer: &Answer) -> bool {
    answer
        .header("content-type")
        .starts_with("text/event-stream")
        || is_json_rpc(answer)
}

fn is_json_rpc(answer: &Answer) -> bool {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    body.get("jsonrpc").is_some()
}

fn media_type(answer: &Answer, sent: &Sent) -> String {
    match answer.header("content-type") {
        "" => "no media type".to_owned(),
        said => one_line(&sent.endpoint.scrubbed(said)),
    }
}

/// The number with its name, where it has one.
fn shown(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// The server itself takes no requests now.
fn own(finding: Finding, words: &str) -> Finding {
    match message::of_server(words) {
        Some(meaning) => meaning.of(finding),
        None => finding
            .cause("the server itself takes no requests now: it is stopping, or has more to do than it takes in")
            .remedy("wait a moment; farcall doctor on its machine says what /readyz fails at"),
    }
}

/// Somebody answers for a server that is not there.
fn without_origin(seen: &Seen<'_>, said: String) -> Finding {
    const ORIGIN: &str = "on the machine of the server: curl -s http://127.0.0.1:8900/healthz, with its own port; start it where nobody answers, and compare the port with that in the configuration of the proxy or tunnel";
    let finding = Finding::broken("edge", said);
    match seen.answer.status.as_u16() {
        530 if code(seen.answer) == Some(1016) => NO_ADDRESS.of(finding),
        530 => finding
            .cause("the tunnel has no active connection: cloudflared does not run, or not for this name")
            .remedy(format!("cloudflared tunnel info NAME; restart it: cloudflared tunnel run NAME, or systemctl --user restart cloudflared-NAME; then {ORIGIN}")),
        521..=523 => finding
            .cause("Cloudflare cannot connect to the machine that the record leads to")
            .remedy("start the proxy there and open its port, or use a tunnel in the place of an A record"),
        525 | 526 => finding
            .cause("Cloudflare does not accept the certificate of the proxy behind it")
            .remedy("give the proxy a certificate of an authority or of Cloudflare's origin authority, or set the mode of encryption to Full"),
        504 | 524 => finding
            .cause("the server takes longer than what stands in front waits")
            .remedy("long work belongs in a job (start_x, get_x_status, get_x_result); give the proxy the time limits that `deploy nginx` writes"),
        _ if seen.answer.header("server").eq_ignore_ascii_case("cloudflare") => finding
            .cause("the tunnel is up, and the server behind it does not answer at the address in `ingress`")
            .remedy(ORIGIN),
        _ => finding
            .cause("a proxy is up, and the server behind it is not, or at another port")
            .remedy(ORIGIN),
    }
}

fn elsewhere(seen: &Seen<'_>, said: String) -> Finding {
    let finding = Finding::broken("edge", said);
    if !seen.path.ends_with("/mcp") {
        return finding
            .cause(format!("the path is `{}`", seen.path))
            .remedy("write the URL with /mcp at its end");
    }
    if seen.answer.status == StatusCode::METHOD_NOT_ALLOWED {
        return finding
            .cause("the program there takes no POST at this path: a server of the older transport with SSE, a site of files, or a proxy that lets GET alone through")
            .remedy("let what stands in front pass POST, GET and DELETE on for /mcp; a server that speaks SSE alone has its endpoint at /sse, and needs a client that still speaks it");
    }
    finding
        .cause("another program is behind this name, or a tunnel whose `ingress` does not list it and ends in the rule for 404")
        .remedy("compare `hostname` in ~/.cloudflared/config.yml, or the name of the proxy's site, with this URL; the path to the server must pass /mcp on")
}

fn redirected(seen: &Seen<'_>, said: &str, sent: &Sent) -> Finding {
    let location = seen.answer.header("location");
    let target = Url::parse(location).ok();
    if target.as_ref().is_some_and(asked::is_access) {
        let said = format!(
            "`{}` sends this caller to the log-in of Cloudflare Access",
            seen.place
        );
        return access(Finding::broken("edge auth", said), sent);
    }
    // Behind `?` may be a key, and before it what was sent.
    let to = match &target {
        Some(target) => format!("{}{}", target.origin().ascii_serialization(), target.path()),
        None => location
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    let to = one_line(&sent.endpoint.scrubbed(&to));
    Finding::broken("edge", format!("{said}, to `{to}`"))
        .cause("clients of MCP do not follow redirects, and would lose their headers on the way")
        .remedy(format!(
            "give clients the URL that answers itself, such as `{to}` if it is yours"
        ))
}

/// 401 and 403: by whom, and what is missing.
fn refused(seen: &Seen<'_>, said: String, sent: &Sent) -> Finding {
    let words = seen.words.as_str();
    if words.contains("`Host`") {
        return Finding::broken("Host guard", said)
            .cause("the server does not know the name under which it is called")
            .remedy("set PUBLIC_BASE_URL to the public origin, or list the name in FARCALL_ALLOWED_HOSTS, and start the server again; the proxy must pass `Host` on");
    }
    if words.contains("`Origin`") {
        return Finding::broken("Host guard", said)
            .cause("something on the way adds an `Origin` that is not the server's")
            .remedy("list it in FARCALL_ALLOWED_ORIGINS");
    }
    let challenge = seen.answer.header("www-authenticate");
    if challenge
        .get(..6)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
    {
        let finding = Finding::broken("edge auth", said);
        return match message::of_server(&format!("{words}\n{challenge}")) {
            Some(meaning) => meaning.of(finding),
            None => bearer(finding, sent, challenge),
        };
    }
    let is_cloudflare = seen
        .answer
        .header("server")
        .eq_ignore_ascii_case("cloudflare")
        || !seen.answer.header("cf-ray").is_empty();
    if is_cloudflare && is_blocked(seen.answer) {
        return BLOCKED.of(Finding::broken("edge auth", said));
    }
    // What Cloudflare refuses itself is a page.
    let is_origin =
        serde_json::from_str::<Value>(&seen.answer.body).is_ok_and(|body| body.is_object());
    if is_cloudflare && !is_origin {
        return access(Finding::broken("edge auth", said), sent);
    }
    let finding = Finding::broken("edge auth", said);
    let finding = if is_cloudflare && sent.is_somebody() {
        finding.cause("the program behind Cloudflare does not accept what was sent")
    } else if sent.is_somebody() {
        finding.cause("something in front of the server does not accept what was sent")
    } else {
        finding.cause("nothing was sent that says who asks")
    };
    if is_in_the_clear(sent.endpoint.url()) {
        return finding.remedy(SEE_TLS);
    }
    finding.remedy("Access: send CF-Access-Client-Id and CF-Access-Client-Secret; a bearer token: Authorization: Bearer <token>, the server's MCP_BEARER_TOKEN; another gate: --header 'Name: ${VARIABLE}'")
}

/// Whether Cloudflare asks for proof of a person, or has an error of its own, 1000 to 1099, such as 1010 and 1020.
fn is_blocked(answer: &Answer) -> bool {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    body["cloudflare_error"] == true
        || code(answer).is_some_and(|code| (1000..=1099).contains(&code))
        || !answer.header("cf-mitigated").is_empty()
}

/// The number of an error of Cloudflare.
///
/// Who accepts JSON gets it as a problem of RFC 9457 (Cloudflare's changelog of 2026-03-11): `error_code`, and
/// `cloudflare_error` set to true.
fn code(answer: &Answer) -> Option<u64> {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    body["error_code"].as_u64().or_else(|| {
        let (_, rest) = answer.body.split_once("error code: ")?;
        let end = rest.find(|sign: char| !sign.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    })
}

/// 401 with a challenge: what was sent says more of it than the words do.
fn bearer(finding: Finding, sent: &Sent, challenge: &str) -> Finding {
    if !sent.has("authorization") {
        let via_oauth = challenge.contains("resource_metadata");
        let is_in_the_clear = is_in_the_clear(sent.endpoint.url());
        if sent.logs_in && via_oauth && !is_in_the_clear {
            return Finding::unverified(finding.check, finding.said)
                .cause("the server wants what a client gets from an authorization server when somebody logs in there")
                .remedy("let the client log in; to look further from here: --header 'Authorization: Bearer ${FARCALL_TOKEN}', with a token of that server in FARCALL_TOKEN");
        }
        return finding
            .cause("the header `Authorization` is missing")
            .remedy(if is_in_the_clear {
                SEE_TLS
            } else if sent.is_handed_over {
                "let the hand-off send it, \"headers\": {\"Authorization\": \"Bearer ${EXAMPLE_MCP_TOKEN}\"}, or bearer_token_env_var = \"EXAMPLE_MCP_TOKEN\" of Codex, and set what it names; `hand-off` and `credentials` above say what became of it"
            } else if sent.is_kept() {
                "export FARCALL_TOKEN with the token of that server, or set PUBLIC_BASE_URL where the URL is that of the server here; clients send `Authorization: Bearer <token>`"
            } else if via_oauth {
                "export FARCALL_TOKEN with a token of the authorization server, or of `token create NAME`; clients log in by themselves"
            } else {
                "export FARCALL_TOKEN, or MCP_BEARER_TOKEN, with the token of the server; clients send `Authorization: Bearer <token>`"
            });
    }
    finding
        .cause("the token in `Authorization` is none of this server: it was changed, revoked, cut off or quoted")
        .remedy("compare it with MCP_BEARER_TOKEN of the server, or make another: token create NAME; then start clients again, which read it once")
}

/// What Cloudflare Access misses.
fn access(finding: Finding, sent: &Sent) -> Finding {
    let [id, secret] = ACCESS.map(|header| sent.has(header));
    let missing = match (id, secret) {
        (true, true) => {
            return finding
                .cause("both headers of the service token were sent, and Access does not let it through: it is wrong or expired, or no policy takes it")
                .remedy("Zero Trust, Access, the application: a policy with the action Service Auth must include this token; see under Service Auth that it has not expired, and that Id and Secret are not exchanged");
        }
        (true, false) => "`CF-Access-Client-Secret` is missing",
        (false, true) => "`CF-Access-Client-Id` is missing",
        (false, false) => "`CF-Access-Client-Id` and `CF-Access-Client-Secret` are missing",
    };
    if is_in_the_clear(sent.endpoint.url()) {
        return finding.cause(missing).remedy(SEE_TLS);
    }
    if sent.is_handed_over {
        return finding
            .cause(missing)
            .remedy("let the hand-off send both of a service token, from the consumer's EXAMPLE_CF_CLIENT_ID and EXAMPLE_CF_CLIENT_SECRET, called after the server; the application needs a policy with the action Service Auth");
    }
    finding
        .cause(missing)
        .remedy("send both of a service token: export CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET, or the consumer's EXAMPLE_CF_CLIENT_ID and EXAMPLE_CF_CLIENT_SECRET, called after the server; the application needs a policy with the action Service Auth")
}
