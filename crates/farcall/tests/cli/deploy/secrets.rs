//! No secret is in a file that is written, wherever it comes from.

use std::fs;

use super::{Home, KINDS};

/// Each with a value that is looked for.
const SECRETS: [(&str, &str); 8] = [
    ("MCP_BEARER_TOKEN", "canary-bearer-0123456789"),
    ("FARCALL_SECRET", "canary-secret-0123456789-0123456789"),
    (
        "FARCALL_PREVIOUS_SECRET",
        "canary-before-0123456789-0123456789",
    ),
    ("FARCALL_TOKEN", "canary-client-0123456789"),
    ("FARCALL_OAUTH_CLIENT_SECRET", "canary-oauth-0123456789"),
    ("AWS_SECRET_ACCESS_KEY", "canary-aws-0123456789"),
    ("WEATHER_KEY", "canary-weather-0123456789"),
    // Nobody is there: a file is written all the same.
    (
        "FARCALL_DATABASE_URL",
        "postgres://ann:canary-database@127.0.0.1:1/none",
    ),
];

/// What the secret of an OAuth client is for.
const AROUND: &str = "FARCALL_OAUTH_ISSUER=https://login.example.com\nFARCALL_OAUTH_CLIENT_ID=farm\n\
    FARCALL_OAUTH_INTROSPECTION_URL=https://login.example.com/introspect\n";

const PROJECT: &str = r#"
[server]
name = "farm"
public_base_url = "https://farm.example.com"
artifacts_url = "s3://bucket/prefix"

[service.weather]
base_url = "http://127.0.0.1:9000"
headers.Authorization = "Bearer ${WEATHER_KEY}"

[tool.forecast]
description = "Forecast."
request = { service = "weather", path = "/v1" }
"#;

#[test]
fn what_env_holds_stays_there() {
    let text = SECRETS
        .map(|(name, value)| format!("{name}={value}\n"))
        .concat();
    let home = Home::new(&format!("{text}{AROUND}"));
    home.put("farcall.toml", PROJECT);
    for words in KINDS {
        let ended = home.deploy(words);
        assert_eq!(ended.exit, 0, "{words}: {ended}");
        for file in ended.stdout.lines() {
            assert!(!home.read(file).contains("canary"), "{words}: {file}");
        }
        assert!(!ended.stderr.contains("canary"), "{words}: {ended}");
    }
    // They reach containers by their names.
    for file in ["docker-compose.yml", "docker-compose.replicas.yml"] {
        let text = home.read(file);
        assert!(
            text.contains("WEATHER_KEY:\n") && text.contains("MCP_BEARER_TOKEN:\n"),
            "{text}"
        );
        assert!(text.contains("AWS_SECRET_ACCESS_KEY:\n"), "{text}");
    }
}

#[test]
fn what_only_the_shell_has_is_said_and_not_written() {
    let home = Home::new("WEATHER_KEY=canary-weather\n");
    home.put("farcall.toml", PROJECT);
    let mut typed = home.typed("systemd");
    for (name, value) in SECRETS {
        typed = typed.variable(name, value);
    }
    let ended = typed.variable("FARCALL_LOG", "debug").ended();
    assert_eq!(ended.exit, 0, "{ended}");
    let unit = home.read("deploy/farm.service");
    assert!(!unit.contains("canary"), "{unit}");
    // What is no secret would be missing otherwise.
    assert!(
        unit.contains("\nEnvironment=FARCALL_LOG=debug\nEnvironment=PATH=/usr/bin:/bin\n"),
        "{unit}"
    );
    for name in [
        "MCP_BEARER_TOKEN",
        "FARCALL_SECRET",
        "FARCALL_DATABASE_URL",
        "FARCALL_OAUTH_CLIENT_SECRET",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        let warning = format!("warning: `{name}` is set in this shell only");
        assert!(ended.stderr.contains(&warning), "{name}: {ended}");
    }
    assert!(
        !ended.stderr.contains("`FARCALL_TOKEN`"),
        "a server has no use for it: {ended}"
    );
    assert!(!ended.stderr.contains("canary"), "{ended}");
}

#[test]
fn what_a_service_would_lack_is_a_fault_now() {
    let home = Home::new("");
    home.put("farcall.toml", PROJECT);
    let ended = home
        .typed("systemd")
        .variable("WEATHER_KEY", "canary-weather")
        .ended();
    assert_eq!(ended.exit, 2, "{ended}");
    assert!(ended.stderr.contains("has `.env` and no shell"), "{ended}");
    assert!(ended.stderr.contains("WEATHER_KEY"), "{ended}");
    assert!(!fs::exists(home.folder().join("deploy")).unwrap());
}

#[test]
fn a_setting_of_a_cloud_is_called_a_secret_where_it_is_one_of_the_buckets() {
    let home = Home::new("WEATHER_KEY=canary-weather\n");
    home.put("farcall.toml", PROJECT);
    let ended = home
        .typed("systemd")
        .variable("AWS_ACCESS_KEY_ID", "canary-id")
        .variable("AWS_CA_BUNDLE", "/etc/ssl/canary.pem")
        .variable("GOOGLE_API_KEY", "canary-google")
        .ended();
    assert_eq!(ended.exit, 0, "{ended}");
    for said in [
        "warning: `AWS_ACCESS_KEY_ID` is set in this shell only, and a secret is written",
        "warning: `AWS_CA_BUNDLE` is set in this shell only: where the bucket needs it",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {ended}");
    }
    assert!(
        !ended.stderr.contains("GOOGLE_API_KEY") && !ended.stderr.contains("canary"),
        "{ended}"
    );
}
