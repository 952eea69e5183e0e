//! What Cloudflare says, and its programs.

use super::{super::Meaning, known};

/// A rule against bots or attacks.
pub(in crate::verbs::doctor) const BLOCKED: Meaning = known(
    &[
        &["error code: 1010"],
        &["error code: 1020"],
        &["error 1010"],
        &["error 1020"],
        &["error_code", "1010"],
        &["error_code", "1020"],
        &["\n1010\n"],
        &["\n1020\n"],
        &["cf-mitigated"],
        &["<title>just a moment"],
    ],
    "a rule of Cloudflare against bots or attacks refuses this program, before Access or the server see it",
    "Security, Events shows which rule; let it skip /mcp and /files of this host (a custom rule with the action Skip), and turn Bot Fight Mode off where it cannot be skipped",
);

/// A rule against too many requests.
pub(in crate::verbs::doctor) const LIMITED: Meaning = known(
    &[
        &["error code: 1015"],
        &["error 1015"],
        &["error_code", "1015"],
        &["\n1015\n"],
    ],
    "a rule of Cloudflare limits how often this may be asked, before the server sees it",
    "wait a minute; Security, WAF, Rate limiting rules: let the rule leave out /mcp and /files of this host, jobs are polled there",
);

/// A record that leads nowhere.
pub(in crate::verbs::doctor) const NO_ADDRESS: Meaning = known(
    &[
        &["error code: 1016"],
        &["error 1016"],
        &["error_code", "1016"],
        &["\n1016\n"],
    ],
    "Cloudflare finds no address behind the name: the record leads to a name without one, or to a tunnel that was deleted",
    "cloudflared tunnel route dns NAME HOST for a tunnel that there is; behind your own proxy, correct the record",
);

/// Errors of tunnels, of Access, of rules and of names.
pub(in crate::verbs::doctor::message) const EDGE: &[Meaning] = &[
    known(
        &[&["8000007"], &["wrangler", "project not found"]],
        "the project of Cloudflare Pages that should be published to does not exist",
        "create it first: wrangler pages project create NAME --production-branch=main; then wrangler pages deploy FOLDER --project-name NAME",
    ),
    known(
        &[
            &["failed to get tunnel"],
            &["tunnel not found"],
            &["tunnel credentials file"],
        ],
        "cloudflared knows no such tunnel: it was deleted, is of another account, or its file of credentials is missing or another's",
        "cloudflared tunnel list; compare `tunnel` and `credentials-file` in ~/.cloudflared/config.yml with it; a new one: cloudflared tunnel create NAME",
    ),
    known(
        &[&["cloudflareaccess.com"]],
        "Cloudflare Access asks for a log-in, so the headers of the service token are missing, or no policy takes them",
        "send both CF-Access-Client-Id and CF-Access-Client-Secret; the application needs a policy with the action Service Auth that includes the token",
    ),
    BLOCKED,
    LIMITED,
    NO_ADDRESS,
    known(
        &[
            &["redirect response"],
            &["temporary redirect"],
            &["permanent redirect"],
            &["moved permanently"],
        ],
        "the URL leads to another one, and clients of MCP do not follow redirects, or lose their headers on the way",
        "give the client the URL that answers itself: https:// and not http://, and no `/` behind /mcp; farcall doctor URL says where it leads",
    ),
    known(
        &[
            &["stuck at verifying"],
            &["custom domain", "verifying"],
            &["\nverifying\n"],
            &["\n\"verifying\"\n"],
        ],
        "the name is more than one level below the zone, and the free certificate covers the zone and *.zone alone",
        "use a name one level below the zone, or Advanced Certificate Manager or Total TLS",
    ),
];
