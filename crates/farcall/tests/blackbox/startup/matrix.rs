//! Which servers start: every way to be reached with every way to know callers.

use farcall_config::{Config, Source};

type Variables = &'static [(&'static str, &'static str)];

/// Where it listens, and whether only this machine gets there.
const BINDS: [(&str, bool); 10] = [
    ("127.0.0.1", true),
    ("127.1.2.3", true),
    ("::1", true),
    ("localhost", true),
    ("::ffff:127.0.0.1", true),
    ("0.0.0.0", false),
    ("::", false),
    ("192.0.2.7", false),
    ("::ffff:192.0.2.7", false),
    // Whatever a name leads to, it may be another address tomorrow.
    ("farm.example.com", false),
];

/// Under which address clients know it, which protects nothing.
const URLS: [Variables; 3] = [
    &[],
    &[("PUBLIC_BASE_URL", "https://farm.example.com")],
    &[("PUBLIC_BASE_URL", "http://127.0.0.1:8900")],
];

/// Who stands in front of it, who protects nothing either.
const PROXIES: [Variables; 3] = [
    &[],
    &[("FARCALL_TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")],
    &[
        ("FARCALL_ALLOWED_HOSTS", "farm.lan"),
        ("FARCALL_ALLOWED_ORIGINS", "https://app.example.com"),
    ],
];

/// What is no authentication, whatever it looks like.
const OPEN: [Variables; 3] = [
    &[],
    &[("FARCALL_SECRET", "0123456789abcdef0123456789abcdef")],
    &[("FARCALL_ALLOW_UNAUTHENTICATED", "0")],
];

/// What lets only those in whom it knows.
const CLOSED: [Variables; 5] = [
    &[("MCP_BEARER_TOKEN", "a-secret-that-is-long-enough")],
    &[
        ("FARCALL_ACCESS_TEAM", "acme"),
        ("FARCALL_ACCESS_AUD", "tag"),
    ],
    &[("FARCALL_OAUTH_ISSUER", "https://issuer.example.com")],
    &[
        ("FARCALL_OAUTH_ISSUER", "https://issuer.example.com"),
        (
            "FARCALL_OAUTH_INTROSPECTION_URL",
            "https://issuer.example.com/i",
        ),
        ("FARCALL_OAUTH_CLIENT_ID", "farm"),
        ("FARCALL_OAUTH_CLIENT_SECRET", "a-secret"),
    ],
    &[("FARCALL_ALLOW_UNAUTHENTICATED", "1")],
];

/// What says it is protected, and is not; and the variable that would make it so.
const HALVES: [(Variables, &str); 9] = [
    (&[("MCP_BEARER_TOKEN", "")], "MCP_BEARER_TOKEN"),
    (&[("MCP_BEARER_TOKEN", "   ")], "MCP_BEARER_TOKEN"),
    (&[("FARCALL_ACCESS_TEAM", "acme")], "FARCALL_ACCESS_AUD"),
    (&[("FARCALL_ACCESS_AUD", "tag")], "FARCALL_ACCESS_TEAM"),
    (
        &[("FARCALL_ACCESS_TEAM", ""), ("FARCALL_ACCESS_AUD", "tag")],
        "FARCALL_ACCESS_TEAM",
    ),
    (
        &[("FARCALL_ACCESS_TEAM", "acme"), ("FARCALL_ACCESS_AUD", "")],
        "FARCALL_ACCESS_AUD",
    ),
    (&[("FARCALL_OAUTH_ISSUER", "")], "FARCALL_OAUTH_ISSUER"),
    (
        &[("FARCALL_OAUTH_AUDIENCE", "https://farm.example.com/mcp")],
        "FARCALL_OAUTH_ISSUER",
    ),
    (&[("FARCALL_OAUTH_SCOPES", "*=mcp")], "FARCALL_OAUTH_ISSUER"),
];

/// The environments with one of each, said in words, and whether only this machine reaches the server.
fn environments(ways: &[Variables]) -> impl Iterator<Item = (Source, bool, String)> {
    BINDS.into_iter().flat_map(move |(host, is_near)| {
        let kinds = URLS
            .into_iter()
            .flat_map(|url| PROXIES.map(|proxies| (url, proxies)));
        kinds.flat_map(move |(url, proxies)| {
            ways.iter().map(move |way| {
                let pairs = [&[("MCP_HOST", host)], url, proxies, *way].concat();
                let words = format!("{pairs:?}");
                (Source::from_pairs(pairs), is_near, words)
            })
        })
    })
}

#[test]
fn whoever_asks_nobody_is_near_alone() {
    for (source, is_near, words) in environments(&OPEN) {
        let read = Config::read(&source);
        assert_eq!(read.is_ok(), is_near, "{words}");
        assert_eq!(Config::wants_authenticator(&source), !is_near, "{words}");
        let Err(refusal) = read else { continue };
        let refusal = refusal.to_string();
        for way in [
            "set MCP_BEARER_TOKEN",
            "FARCALL_OAUTH_ISSUER",
            "FARCALL_ACCESS_TEAM",
            "`token create`",
            "MCP_HOST=127.0.0.1",
            "FARCALL_ALLOW_UNAUTHENTICATED=1",
        ] {
            assert!(refusal.contains(way), "{words}: {refusal}");
        }
    }
}

#[test]
fn whoever_asks_may_be_anywhere() {
    for (source, _, words) in environments(&CLOSED) {
        assert!(Config::read(&source).is_ok(), "{words}");
    }
    for (mut source, _, words) in environments(&OPEN) {
        source.set_named_callers();
        assert!(Config::read(&source).is_ok(), "named: {words}");
    }
    for (mut source, _, words) in environments(&OPEN) {
        source.set_own_authenticator();
        assert!(Config::read(&source).is_ok(), "a verifier: {words}");
    }
}

#[test]
fn half_an_authenticator_is_refused_everywhere() {
    let named = |source: &Source, missing: &str, words: &str| {
        let refusal = Config::read(source).expect_err(words).to_string();
        assert!(
            refusal.contains(&format!("`{missing}`")),
            "{words}: {refusal}"
        );
    };
    for (half, missing) in HALVES {
        for (mut source, _, words) in environments(&[half]) {
            named(&source, missing, &words);
            source.set_named_callers();
            named(&source, missing, &format!("beside named callers: {words}"));
        }
        let whole = [("MCP_BEARER_TOKEN", "a-secret-that-is-long-enough")];
        let both = [&whole[..], half].concat();
        named(&Source::from_pairs(both), missing, "beside a token");
    }
}

#[test]
fn who_answers_nothing_but_probes_may_be_anywhere() {
    for (host, is_near) in BINDS {
        for (role, is_fine) in [("worker", true), ("api", is_near)] {
            let source = Source::from_pairs([
                ("MCP_HOST", host),
                ("FARCALL_ROLE", role),
                ("FARCALL_DATABASE_URL", "postgres://db/farm"),
                ("FARCALL_ARTIFACTS_URL", "s3://bucket/prefix"),
            ]);
            let read = Config::read(&source);
            assert_eq!(read.is_ok(), is_fine, "{role} at {host}: {read:?}");
        }
    }
}
