//! What an answer says by its status or its form, and what clients make of one that is late, cut off or strange.

use super::{super::Meaning, known};

/// From the particular to the general: a bare `401` says less than all words that may stand around it.
pub(in crate::verbs::doctor::message) const ANSWERS: &[Meaning] = &[
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
        &[&["524"], &["504"]],
        "something in front of the server waited for longer than it may",
        "make a job of what takes long; give the proxy the time limits that `farcall deploy nginx` writes",
    ),
    known(
        &[
            &["no live upstreams"],
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
        &[&["525"], &["526"]],
        "Cloudflare does not accept the certificate of the proxy behind it",
        "give the proxy a certificate of an authority or of Cloudflare's origin authority, or set the mode of encryption to Full",
    ),
    known(
        &[
            &["session expired", "log in"],
            &["session expired", "login"],
            &["session expired", "sign in"],
        ],
        "a log-in is over, that of the client's own account or that at the edge; it is no session of MCP",
        "log in again in the client; a client without a person needs a token or a service token in its headers, and no log-in",
    ),
    known(
        &[
            &["session not found"],
            &["session terminated"],
            &["session expired"],
            &["no valid session"],
            &["no such session"],
            &["invalid session"],
            &["unknown session"],
        ],
        "the client holds a session that the server no longer knows, as after a restart of it",
        "start the client again; behind several servers, requests of a session must go to the same one; Python's SDK says the same of every 404, so see that the URL ends in /mcp",
    ),
    known(
        &[&["startup_timeout_sec"], &["mcp client for", "timed out"]],
        "Codex waits 10 seconds for a server to begin, and this one took longer or did not answer",
        "farcall doctor URL says how far it comes; startup_timeout_sec = 30 in the server's entry of ~/.codex/config.toml lets it wait longer",
    ),
    known(
        &[
            &["mcp error", "connection closed"],
            &["-32000", "connection closed"],
        ],
        "the program that the client's entry starts has ended: it is not there, needs another version of Node.js or Python, or failed at once",
        "run the command of the entry in a shell and read what it says; for a server at a URL choose Streamable HTTP in the place of a program, where the client has it",
    ),
    known(
        &[
            &["request timed out"],
            &["timed out while waiting"],
            &["readtimeout"],
            &["read timeout"],
            &["read timed out"],
            &["curl: (28)"],
            &["timeout", "tool"],
            &["timed out", "tool"],
            &["tooltimeout"],
            &["-32001", "timeout"],
            &["-32001", "timed out"],
            &["mcp error", "timed out"],
            &["deadline exceeded"],
        ],
        "a call took longer than the client waits: 30 seconds in nanobot, 60 in many others",
        "make a job of the tool (start_x, get_x_status, get_x_result), or raise the client's limit, such as toolTimeout",
    ),
    known(
        &[
            &["stream disconnected"],
            &["body timeout"],
            &["body_timeout"],
            &["headers timeout"],
            &["headers_timeout"],
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
            &["private addresses"],
            &["private ip"],
            &["private ips"],
            &["ssrfwhitelist"],
        ],
        "the client refuses addresses of private networks, as nanobot does",
        "give it the public URL, or list the address in the client: ssrfWhitelist in nanobot",
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
            &["larger than 1 mib"],
            &["client intended to send too large body"],
        ],
        "a request has more than the 1 MiB that the server takes, or than a proxy lets through",
        "hand large things over as URLs or files; nginx: client_max_body_size 2m, which lets the server say it itself",
    ),
    known(
        &[
            &["405"],
            &["method not allowed"],
            &["406"],
            &["not acceptable"],
            &["names neither of the types that are sent here"],
            &["is not allowed here"],
            &["compressed requests are not read"],
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
            &["more requests than a caller may make"],
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
        &[
            &["404"],
            &["mcp is spoken at"],
            &["not found", "mcp"],
            &["failed to open sse stream", "not found"],
        ],
        "nothing is at this path: the URL does not end in /mcp, or a tunnel does not list the name and answers by its last rule",
        "write /mcp at the end of the URL; compare `hostname` in ~/.cloudflared/config.yml with it",
    ),
    known(
        &[&["-32001"]],
        "a number that each program uses for something of its own: clients of the TypeScript SDK for a call that took longer than they wait, some servers for a session or a token that they do not know",
        "give the words beside it as well; farcall doctor URL looks whether the server answers",
    ),
];
