//! The configuration of a tunnel: the name, and what the world reaches by it.

use super::Home;

#[test]
fn a_name_more_than_one_level_below_the_zone_is_refused_with_the_reason() {
    let home = Home::new("PUBLIC_BASE_URL=https://farm.api.example.com\n");
    let ended = home.deploy("cloudflared --zone example.com");
    assert_eq!(ended.exit, 2, "{ended}");
    for part in [
        "`farm.api.example.com` is more than one level below `example.com`",
        "Universal SSL covers only the zone itself and `*.example.com`",
        "hangs at \"Verifying\"",
        "https://render-farm.example.com",
        "--advanced-certificate",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {ended}");
    }
    let printed = home.print("cloudflared --zone example.com --advanced-certificate");
    assert!(
        printed.contains("  - hostname: farm.api.example.com\n"),
        "{printed}"
    );
    // It is one level below another zone.
    let printed = home.print("cloudflared --zone api.example.com");
    assert!(
        printed.contains("  - hostname: farm.api.example.com\n"),
        "{printed}"
    );
}

#[test]
fn the_name_is_that_of_the_public_url_or_of_the_server() {
    for (env, hostname) in [
        ("", "render-farm.example.com"),
        ("PUBLIC_BASE_URL=https://example.com\n", "example.com"),
        (
            "PUBLIC_BASE_URL=https://other.example.com\n",
            "other.example.com",
        ),
    ] {
        let printed = Home::new(env).print("cloudflared --zone Example.com");
        assert!(
            printed.contains(&format!(
                "cloudflared tunnel route dns render-farm {hostname}\n"
            )),
            "{printed}"
        );
        assert!(
            printed.contains(&format!("domain = {hostname}\n")),
            "{printed}"
        );
    }
}

#[test]
fn a_name_that_no_tunnel_can_have_is_refused() {
    for (env, words, reason) in [
        (
            "PUBLIC_BASE_URL=https://farm.other.org",
            "--zone example.com",
            "not in the zone",
        ),
        (
            "PUBLIC_BASE_URL=https://badexample.com",
            "--zone example.com",
            "not in the zone",
        ),
        (
            "PUBLIC_BASE_URL=http://farm.example.com",
            "--zone example.com",
            "https, port 443",
        ),
        (
            "PUBLIC_BASE_URL=https://farm.example.com:8443",
            "--zone example.com",
            "https, port 443",
        ),
        (
            "PUBLIC_BASE_URL=https://example.com/farm",
            "--zone example.com",
            "a path on a name",
        ),
        ("", "", "--zone"),
        ("", "--zone example", "no domain"),
        ("", "--zone https://example.com", "no domain"),
        ("", "--zone -a.example.com", "--zone"),
        (
            "",
            "--zone example.com --tunnel render-farm",
            "no id of a tunnel",
        ),
    ] {
        let ended = Home::new(env).deploy(&format!("cloudflared {words}"));
        assert!(
            ended.exit == 2 && ended.stderr.contains(reason),
            "{env} {words}: {ended}"
        );
    }
}

#[test]
fn whom_access_lets_through_is_asked_in_every_rule_and_oauth_has_its_own() {
    let home = Home::new(
        "FARCALL_ACCESS_TEAM=acme\nFARCALL_ACCESS_AUD=aa11,bb22\nPUBLIC_BASE_URL=https://farm.example.com\n\
         FARCALL_OAUTH_ISSUER=https://login.example.com\n",
    );
    let printed = home.print("cloudflared --zone example.com");
    let access = "    originRequest:\n      access:\n        required: true\n        teamName: \"acme\"\n        \
                  audTag: [\"aa11\", \"bb22\"]\n";
    assert_eq!(printed.matches("  - hostname: ").count(), 5, "{printed}");
    assert_eq!(printed.matches(access).count(), 5, "{printed}");
    assert!(
        printed.contains("oauth-protected-resource(/mcp)?$"),
        "{printed}"
    );
    let ended = Home::new("").deploy("cloudflared --zone example.com");
    for warning in [
        "`PUBLIC_BASE_URL` is not set",
        "this server checks nobody",
        "FARCALL_TRUSTED_PROXIES",
    ] {
        assert!(ended.stderr.contains(warning), "{warning}: {ended}");
    }
}
