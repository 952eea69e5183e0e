//! The words, what they mean, and what to do.

use super::Meaning;

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

/// All that is known, from the particular to the general: a bare `401` says less than the words around it.
pub(super) const MEANINGS: &[Meaning] = &[
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
            &["invalid mcp server type"],
            &["unknown type", "streamablehttp"],
            &["unknown type", "streamable-http"],
            &["unknown transport", "streamablehttp"],
            &["unknown transport", "streamable-http"],
            &["type", "streamablehttp", "expected"],
            &["type", "streamable-http", "expected"],
            &["type", "streamablehttp", "invalid option"],
            &["invalid option", "stdio"],
            &["invalid enum value", "stdio"],
            &["invalid discriminator value", "stdio"],
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
        &[&["did not come through cloudflare access"]],
        "the server checks what Cloudflare Access puts on a request, and it was not there: the request went around Access, or Access let it through without a look",
        "call the public URL; see that the application of Access covers this path, and that no policy has the action Bypass",
    ),
    known(
        &[
            &["assertion of cloudflare access is not for this server"],
            &["is not for this server"],
        ],
        "what Cloudflare Access put on the request is of another team or application, or too old",
        "compare team and AUD tag of the server with those of the Access application, and look at the clock of its machine; the log says why with FARCALL_LOG=farcall_server=debug",
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
            &["missing environment variables"],
            &["environment variable", "not set"],
            &["environment variable", "not found"],
            &["bearer ${"],
        ],
        "the client's entry names a variable that is not set where the client was started",
        "export it there, or put it into the client's own `.env`; programs with windows do not read the shell's profile",
    ),
    known(
        &[&["cloudflareaccess.com"]],
        "Cloudflare Access asks for a log-in, so the headers of the service token are missing, or no policy takes them",
        "send both CF-Access-Client-Id and CF-Access-Client-Secret; the application needs a policy with the action Service Auth that includes the token",
    ),
    known(
        &[
            &["stuck at verifying"],
            &["domain", "verifying"],
            &["\nverifying\n"],
            &["\n\"verifying\"\n"],
        ],
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
            &["certificate", "doesn't match"],
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
        &[&["eai_again"], &["temporary failure in name resolution"]],
        "no DNS server said whether the name in the URL has an address",
        "see that the machine of the client is online; in a container, that it has a network and a DNS server (/etc/resolv.conf); then try again",
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
            &["etimedout"],
            &["connection timed out"],
            &["connect timeout"],
            &["connecttimeout"],
            &["connect_timeout"],
            &["curl: (28)", "failed to connect"],
            &["ehostunreach"],
            &["enetunreach"],
            &["no route to host"],
            &["network is unreachable"],
        ],
        "no connection came about: a firewall drops what is sent to that address and port, or there is no way to it from where the client is",
        "use the public URL; open the port in the firewall of the machine and of its provider, or let a tunnel stand in front, which needs no open port; farcall doctor URL on the client's machine says how far it comes",
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
        &[
            &["request timed out"],
            &["timed out while waiting"],
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
            &["sse stream disconnected"],
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
        &[&["404"], &["not found", "mcp"]],
        "nothing is at this path: the URL does not end in /mcp, or a tunnel does not list the name and answers by its last rule",
        "write /mcp at the end of the URL; compare `hostname` in ~/.cloudflared/config.yml with it",
    ),
    known(
        &[&["-32001"]],
        "a number that each program uses for something of its own: clients of the TypeScript SDK for a call that took longer than they wait, some servers for a session or a token that they do not know",
        "give the words beside it as well; farcall doctor URL looks whether the server answers",
    ),
];
