//! What a server says itself, of a caller or of the machine that it runs on.

use super::{super::Meaning, known};

/// Whole sentences, each of which says more than the status that it comes with.
pub(in crate::verbs::doctor::message) const SERVER: &[Meaning] = &[
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
            &["blocked by cors"],
            &["cors error"],
            &["cors policy"],
            &["cors request"],
            &["cross-origin request blocked"],
            &["no 'access-control-allow-origin'"],
        ],
        "a page in a browser called, and its origin is not listed",
        "list it in FARCALL_ALLOWED_ORIGINS, scheme and host: https://app.example.com",
    ),
    known(
        &[&["did not come through cloudflare access"]],
        "the server checks what Cloudflare Access puts on a request, and it was not there: the request went around Access, or Access let it through without a look",
        "call the public URL; see that the application of Access covers this path, and that no policy has the action Bypass",
    ),
    known(
        &[&["cloudflare access is not for this server"]],
        "what Cloudflare Access put on the request is of another team or application, or too old",
        "compare team and AUD tag of the server with those of the Access application, and look at the clock of its machine; the log says why with FARCALL_LOG=farcall_server=debug",
    ),
    known(
        &[
            &["the request took longer than", "to arrive"],
            &["nothing of the request arrived"],
            &["the request broke off before its end"],
        ],
        "a request did not arrive whole: the way to the server is slow, or something on it cut the connection",
        "try again; hand large things over as URLs or files; behind a proxy, let it read a request whole before it passes it on (proxy_request_buffering of nginx, which is on where nobody turned it off)",
    ),
    known(
        &[&["the body is empty"]],
        "a POST without a body: it was typed by hand, or a redirect or a proxy has taken the body away",
        "see that the URL is the one that answers itself, https:// and without a `/` behind /mcp; by hand: curl URL -H 'Content-Type: application/json' -d '{…}'",
    ),
    known(
        &[
            &["caller here that has no token"],
            &["caller has no token any more"],
        ],
        "the server knows who calls, and whoever that is has no token any more",
        "farcall token list on its machine; farcall token create NAME makes a new one",
    ),
    known(
        &[&["asks nobody who they are"], &["there are no callers yet"]],
        "the server asks nobody who they are, and this is for callers with the scope `admin` alone",
        "farcall token create NAME --scopes admin, and send that token",
    ),
    known(
        &[
            &["insufficient_scope"],
            &["this needs the scope"],
            &["token does not allow this"],
        ],
        "the server knows who calls, and that caller may not do this",
        "a token of farcall: farcall token create NAME --scopes …; one of OAuth: let the client ask the authorization server for the scope that the answer names",
    ),
    known(
        &[&["cannot be verified at the moment"]],
        "the server could not fetch the keys, or ask the store or the authorization server, that say whether the token is right",
        "try again in a few seconds; if it stays so, its log says why, and FARCALL_LOG=farcall_server=debug more",
    ),
    known(
        &[&["holds no bearer token"]],
        "the header `Authorization` was sent, and not in the form `Bearer <token>`, or twice",
        "write \"Authorization\": \"Bearer ${EXAMPLE_MCP_TOKEN}\", with one space and the token alone in the variable; see that no proxy adds its own",
    ),
];
