use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
    let source = Source::from_pairs(pairs.iter().copied());
    Config::read(&source).map_err(|error| error.to_string())
}

fn fault(name: &str, value: &str) -> String {
    read(&[(name, value)]).unwrap_err()
}

#[test]
fn an_empty_environment_gives_the_guides_defaults() {
    let config = read(&[]).unwrap();
    assert_eq!(
        (config.http.host.as_str(), config.http.port),
        ("127.0.0.1", 8900)
    );
    assert!(config.auth.is_open() && config.http.is_loopback());
    assert_eq!(config.storage.data_dir.to_str(), Some(".farcall"));
}

#[test]
fn the_port_of_a_hosted_runtime_is_used_where_ours_is_not_set() {
    assert_eq!(read(&[("PORT", "3000")]).unwrap().http.port, 3000);
    assert_eq!(
        read(&[("PORT", "3000"), ("MCP_PORT", "4000")])
            .unwrap()
            .http
            .port,
        4000
    );
    assert!(fault("MCP_PORT", "http").contains("`http`"));
    assert!(fault("MCP_PORT", "65536").contains("hint: use a whole number"));
}

#[test]
fn a_bind_beyond_loopback_without_authentication_names_three_ways_out() {
    for host in ["0.0.0.0", "::", "192.0.2.1", "example.com"] {
        let fault = fault("MCP_HOST", host);
        for way in [
            "MCP_BEARER_TOKEN",
            "FARCALL_OAUTH_ISSUER",
            "FARCALL_ACCESS_TEAM",
            "MCP_HOST=127.0.0.1",
            "FARCALL_ALLOW_UNAUTHENTICATED=1",
        ] {
            assert!(fault.contains(way), "{fault}");
        }
    }
}

#[test]
fn a_bind_beyond_loopback_is_fine_with_an_authenticator_or_by_choice() {
    for way in [
        &[("MCP_BEARER_TOKEN", "0123456789abcdef")][..],
        &[("FARCALL_ALLOW_UNAUTHENTICATED", "1")],
        &[("FARCALL_OAUTH_ISSUER", "https://as.example.com")],
        &[
            ("FARCALL_ACCESS_TEAM", "acme"),
            ("FARCALL_ACCESS_AUD", "a-tag"),
        ],
    ] {
        let pairs = [&[("MCP_HOST", "0.0.0.0")][..], way].concat();
        assert!(read(&pairs).is_ok(), "{way:?}");
    }
    // Half of it is none.
    for half in [
        ("FARCALL_ACCESS_TEAM", "acme"),
        ("FARCALL_ACCESS_AUD", "a-tag"),
    ] {
        assert!(read(&[("MCP_HOST", "0.0.0.0"), half]).is_err(), "{half:?}");
        assert!(read(&[half]).is_err(), "{half:?}");
    }
}

#[test]
fn no_secret_can_be_printed() {
    let secrets = [
        ("MCP_BEARER_TOKEN", "canary-0123456789abcdef"),
        ("FARCALL_SECRET", "canary-0123456789abcdef0123456789abcdef"),
        (
            "FARCALL_PREVIOUS_SECRET",
            "canary-fedcba9876543210fedcba9876543210",
        ),
        ("FARCALL_OAUTH_CLIENT_SECRET", "canary-of-the-client"),
        (
            "FARCALL_DATABASE_URL",
            "postgres://farm:canary@db.example/jobs?password=canary",
        ),
        ("AWS_ACCESS_KEY_ID", "canary-of-the-bucket"),
        ("AWS_SECRET_ACCESS_KEY", "canary-of-the-bucket"),
        ("AWS_SESSION_TOKEN", "canary-of-the-bucket"),
    ];
    let others = [
        ("FARCALL_OAUTH_ISSUER", "https://as.example.com"),
        (
            "FARCALL_OAUTH_INTROSPECTION_URL",
            "https://as.example.com/ask",
        ),
        ("FARCALL_OAUTH_CLIENT_ID", "farm"),
        ("FARCALL_ARTIFACTS_URL", "s3://bucket/prefix"),
    ];
    let source = Source::from_pairs([&secrets[..], &others].concat());
    let config = Config::read(&source).unwrap();
    let auth = &config.auth;
    assert!(auth.bearer_token.is_some() && auth.secret.is_some() && auth.previous_secret.is_some());
    let places = config.storage.artifacts.as_ref().unwrap();
    assert_eq!(places.options.len(), 3);
    for printed in [
        format!("{config:?}"),
        format!("{config:#?}"),
        format!("{source:?}"),
        config.storage.database_url.as_ref().unwrap().to_string(),
    ] {
        assert!(!printed.contains("canary"), "{printed}");
    }
    // Nor is one that is refused repeated.
    for (name, value) in secrets {
        for wrong in [
            format!("{value} "),
            format!("{value}\n"),
            "canary".to_owned(),
        ] {
            let pairs = [&secrets[..], &others].concat();
            let pairs = pairs.into_iter().filter(|(other, _)| *other != name);
            let read = Config::read(&Source::from_pairs(pairs.chain([(name, wrong.as_str())])));
            let said = read.map_or_else(
                |error| format!("{error} {error:?}"),
                |config| format!("{config:?}"),
            );
            assert!(!said.contains("canary"), "{said}");
        }
    }
}

#[test]
fn every_form_of_loopback_is_recognised() {
    for host in [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "[::1]",
        "localhost",
        "LOCALHOST",
        "::ffff:127.0.0.1",
    ] {
        assert!(read(&[("MCP_HOST", host)]).is_ok(), "{host}");
    }
}

#[test]
fn an_empty_token_is_refused_rather_than_ignored() {
    assert!(fault("MCP_BEARER_TOKEN", "").contains("is empty"));
    assert!(fault("MCP_BEARER_TOKEN", "  ").contains("is empty"));
    assert!(fault("MCP_BEARER_TOKEN", "two words").contains("cannot carry"));
}

#[test]
fn a_public_url_that_cannot_work_is_refused_with_its_reason() {
    assert!(fault("PUBLIC_BASE_URL", "https://example-mcp.<your-zone>").contains("placeholder"));
    for value in [
        "example.com",
        "ftp://example.com",
        "https://",
        "https://u:p@example.com",
        "https://example.com/?a=1",
    ] {
        assert!(
            fault("PUBLIC_BASE_URL", value).contains("hint: "),
            "{value}"
        );
    }
}

#[test]
fn a_public_url_loses_its_last_slash() {
    let config = read(&[("PUBLIC_BASE_URL", "https://Example.com:8443/")]).unwrap();
    let url = config.http.public_base_url.unwrap();
    assert_eq!(url.as_str(), "https://example.com:8443");
    assert_eq!(url.authority(), "example.com:8443");
}

#[test]
fn all_faults_are_reported_at_once() {
    let report = read(&[
        ("MCP_PORT", "x"),
        ("PUBLIC_BASE_URL", "x"),
        ("FARCALL_LOG_FORMAT", "x"),
        ("MCP_HOST", "0.0.0.0"),
    ]);
    assert_eq!(report.unwrap_err().matches("hint: ").count(), 4);
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    assert!(
        read(&[(
            "FARCALL_ALLOWED_ORIGINS",
            "https://a.example, http://localhost:3000"
        )])
        .is_ok()
    );
    assert!(fault("FARCALL_ALLOWED_ORIGINS", "a.example").contains("no origin"));
    assert!(fault("FARCALL_ALLOWED_ORIGINS", "https://a.example/x").contains("no origin"));
}

#[test]
fn a_secret_cannot_be_printed() {
    let config = read(&[("MCP_BEARER_TOKEN", "0123456789abcdef")]).unwrap();
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
}

#[test]
fn jobs_have_limits_of_their_own() {
    let jobs = read(&[]).unwrap().jobs;
    assert_eq!((jobs.role, jobs.concurrency), (Role::All, None));
    assert_eq!((jobs.drain.as_secs(), jobs.min_free), (30, 64 << 20));
    let jobs = read(&[("FARCALL_CONCURRENCY", "3"), ("FARCALL_DRAIN", "0s")]);
    let jobs = jobs.unwrap().jobs;
    assert_eq!(jobs.concurrency.map(Into::into), Some(3_usize));
    assert!(jobs.drain.is_zero());
    assert!(fault("FARCALL_CONCURRENCY", "0").contains("1 or more"));
    assert!(fault("FARCALL_DRAIN", "30").contains("for example 30s"));
    assert!(fault("FARCALL_MIN_FREE", "64MB").contains("MiB"));
    let jobs = read(&[("FARCALL_MIN_FREE", "1GiB")]).unwrap().jobs;
    assert_eq!(jobs.min_free, 1 << 30);
    assert!(fault("FARCALL_ROLE", "master").contains("all, api or worker"));
    let jobs = read(&[("FARCALL_SLOTS", "gpu=1, ram_gb=64")]).unwrap().jobs;
    assert_eq!((jobs.slots["gpu"], jobs.slots["ram_gb"]), (1, 64));
    for slots in ["gpu", "gpu=0", "gpu=1,gpu=2", "GPU=1", "gpu=1,", "gpu=-1"] {
        assert!(
            fault("FARCALL_SLOTS", slots).contains("gpu=1,ram_gb=64"),
            "{slots}"
        );
    }
}

const DATABASE: (&str, &str) = ("FARCALL_DATABASE_URL", "postgres://u@db.example/jobs");

#[test]
fn a_role_needs_jobs_and_files_that_others_have_too() {
    let shared = ("FARCALL_ARTIFACTS_URL", "s3://bucket/prefix");
    for role in ["api", "worker"] {
        let report = fault("FARCALL_ROLE", role);
        assert_eq!(report.matches("hint: ").count(), 2, "{report}");
        let role = ("FARCALL_ROLE", role);
        let report = read(&[role, shared]).unwrap_err();
        assert!(report.contains("postgres://"), "{report}");
        for files in ["", "memory:"] {
            let files = ("FARCALL_ARTIFACTS_URL", files);
            let report = read(&[role, DATABASE, files]).unwrap_err();
            assert!(report.contains("file:///folder"), "{report}");
        }
        let folder = ("FARCALL_ARTIFACTS_URL", "file:///srv/farcall");
        for files in [shared, folder] {
            let jobs = read(&[role, DATABASE, files]).unwrap().jobs;
            assert_eq!(jobs.role.to_string(), role.1);
        }
    }
    assert!(read(&[("FARCALL_ROLE", "all")]).is_ok());
    assert!(read(&[("FARCALL_ROLE", "all"), DATABASE]).is_ok());
}

#[test]
fn only_who_answers_callers_has_to_know_them() {
    let files = ("FARCALL_ARTIFACTS_URL", "s3://bucket/prefix");
    let beyond = ("MCP_HOST", "0.0.0.0");
    let with = |role| read(&[("FARCALL_ROLE", role), DATABASE, files, beyond]);
    assert!(with("worker").is_ok());
    let report = with("api").unwrap_err();
    assert!(report.contains("MCP_BEARER_TOKEN"), "{report}");
}

#[test]
fn a_secret_that_could_be_guessed_is_refused() {
    let report = fault("FARCALL_SECRET", "0123456789abcdef0123456789abcde");
    assert!(report.contains("fewer than 32 characters"), "{report}");
    assert!(!report.contains("0123456789"), "{report}");
    let config = read(&[("FARCALL_SECRET", "0123456789abcdef0123456789abcdef")]).unwrap();
    assert!(config.auth.secret.is_some());
    assert!(!format!("{config:?}").contains("0123456789"));
    assert!(read(&[]).unwrap().auth.secret.is_none());
}

#[test]
fn callers_are_answered_for_a_second_after_the_end_was_announced() {
    assert_eq!(read(&[]).unwrap().http.linger.as_secs(), 1);
    let http = read(&[("FARCALL_LINGER", "0s")]).unwrap().http;
    assert!(http.linger.is_zero());
    assert!(fault("FARCALL_LINGER", "5").contains("for example 5s"));
}

#[test]
fn places_for_data_are_judged_without_telling_their_secrets() {
    for wrong in [
        "mysql://u:hunter2@host/db",
        "postgres",
        "u:hunter2@host",
        // Passwords with characters that should have been escaped.
        "postgres://u:12/hunter2@host/db",
        "postgres://u:12?hunter2@host/db",
        "postgres://u:12#hunter2@host/db",
        "postgres://u:hunter2/@host/db",
    ] {
        let fault = fault("FARCALL_DATABASE_URL", wrong);
        assert!(
            fault.contains("no address of a PostgreSQL database"),
            "{fault}"
        );
        assert!(!fault.contains("hunter2"), "{fault}");
    }
    for wrong in ["ftp://host/files", "bucket", "s3://key:hunter2@bucket"] {
        let fault = fault("FARCALL_ARTIFACTS_URL", wrong);
        assert!(fault.contains("no place for files"), "{fault}");
        assert!(!fault.contains("hunter2"), "{fault}");
    }
    let config = read(&[(
        "FARCALL_DATABASE_URL",
        "postgres://u:hunter2@db.example:5433/jobs?sslmode=require",
    )]);
    let url = config.unwrap().storage.database_url.unwrap();
    assert_eq!(url.to_string(), "postgres://db.example:5433/jobs");
    assert!(!format!("{url:?}").contains("hunter2"));
}

#[test]
fn a_place_for_files_comes_with_the_clouds_variables_and_prints_no_secret() {
    let config = read(&[
        ("FARCALL_ARTIFACTS_URL", "s3://bucket/prefix"),
        ("AWS_SECRET_ACCESS_KEY", "0123456789abcdef"),
        ("AWS_REGION", "eu-central-1"),
        ("TOKEN", "somebody else's"),
    ]);
    let config = config.unwrap();
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
    let artifacts = config.storage.artifacts.unwrap();
    assert_eq!(artifacts.url.as_str(), "s3://bucket/prefix");
    let mut names: Vec<_> = artifacts.options.iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(names, ["AWS_REGION", "AWS_SECRET_ACCESS_KEY"]);
    assert!(read(&[]).unwrap().storage.artifacts.is_none());
}

#[test]
fn a_place_for_files_that_is_no_url_or_holds_a_password_is_refused_unrepeated() {
    for value in ["bucket", "s3://key:0123456789abcdef@bucket"] {
        let fault = fault("FARCALL_ARTIFACTS_URL", value);
        assert!(fault.contains("hint: "), "{fault}");
        assert!(!fault.contains("0123456789abcdef"), "{fault}");
    }
}

#[test]
fn a_secret_of_before_is_held_to_the_same() {
    let report = fault("FARCALL_PREVIOUS_SECRET", "0123456789");
    assert!(
        report.contains("`FARCALL_PREVIOUS_SECRET` has fewer than 32"),
        "{report}"
    );
    assert!(!report.contains("0123456789"), "{report}");
}

#[test]
fn links_live_an_hour_and_seven_days_at_most() {
    let lifetime = |value| read(&[("FARCALL_LINK_LIFETIME", value)]);
    let hours = |config: Config| config.files.link_lifetime.as_secs() / 3_600;
    assert_eq!(hours(read(&[]).unwrap()), 1);
    assert_eq!(hours(lifetime("7d").unwrap()), 168);
    for wrong in ["0s", "999ms", "8d", "169h", "1", "never"] {
        let report = lifetime(wrong).unwrap_err();
        assert!(report.contains("from 1s to 7d"), "{report}");
    }
}

#[test]
fn rates_are_generous_and_can_be_turned_off() {
    let limits = read(&[]).unwrap().limits;
    let calls = limits.calls.unwrap();
    assert_eq!((calls.count.get(), calls.per.as_secs()), (1_000, 1));
    assert!(limits.tool.is_some() && limits.polls.is_some() && limits.failures.is_some());
    let limits = read(&[("FARCALL_CALL_RATE", "off"), ("FARCALL_TOOL_RATE", "10/h")]);
    let limits = limits.unwrap().limits;
    assert_eq!(limits.calls, None);
    assert_eq!(limits.tool.unwrap().per.as_secs(), 3_600);
    for wrong in ["0/s", "10", "fast", "1/w"] {
        assert!(fault("FARCALL_POLL_RATE", wrong).contains("for example 60/m, or off"));
    }
}

#[test]
fn proxies_are_trusted_by_address_and_never_all_of_them() {
    let proxies = |list| read(&[("FARCALL_TRUSTED_PROXIES", list)]);
    assert!(read(&[]).unwrap().limits.trusted_proxies.is_empty());
    let listed = proxies("127.0.0.1, 10.0.0.0/8, fd00::/8").unwrap();
    let listed = listed.limits.trusted_proxies;
    let listed: Vec<_> = listed.iter().map(ToString::to_string).collect();
    assert_eq!(listed, ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]);
    for wrong in [
        "proxy.example.com",
        "10.0.0.0/33",
        "10.0.0",
        "0.0.0.0/0",
        "::/0",
        "*",
    ] {
        let report = proxies(wrong).unwrap_err();
        assert!(report.contains(&format!("`{wrong}`")), "{report}");
    }
}

#[test]
fn the_audit_log_is_a_file_or_standard_output() {
    assert_eq!(read(&[]).unwrap().audit, None);
    let audit = |value| read(&[("FARCALL_AUDIT", value)]).unwrap().audit.unwrap();
    assert_eq!(audit("stdout").file, None);
    let file = audit("/var/log/audit.jsonl");
    assert_eq!(file.file.unwrap().to_str(), Some("/var/log/audit.jsonl"));
    assert!(!file.values);
}

#[test]
fn metrics_are_read_at_an_address_of_this_machine_unless_said_otherwise() {
    assert_eq!(read(&[]).unwrap().metrics.address, None);
    for address in [
        "127.0.0.1:9100",
        "[::1]:9100",
        "127.9.9.9:1",
        "[::ffff:127.0.0.1]:0",
    ] {
        let metrics = read(&[("FARCALL_METRICS", address)]).unwrap().metrics;
        assert_eq!(metrics.address, Some(address.parse().unwrap()));
    }
    for wrong in [
        "9100",
        "localhost:9100",
        "127.0.0.1",
        "http://127.0.0.1:9100",
        "::1:9100:x",
    ] {
        let fault = fault("FARCALL_METRICS", wrong);
        assert!(fault.contains("is not an address and a port"), "{fault}");
        assert!(fault.contains("for example 127.0.0.1:9100"), "{fault}");
    }
    for beyond in ["0.0.0.0:9100", "[::]:9100", "192.0.2.1:9100"] {
        let fault = fault("FARCALL_METRICS", beyond);
        for way in ["127.0.0.1", "`admin`", "FARCALL_ALLOW_UNAUTHENTICATED=1"] {
            assert!(fault.contains(way), "{fault}");
        }
        // A token for `/mcp` is not asked for there.
        let pairs = [
            ("FARCALL_METRICS", beyond),
            ("MCP_BEARER_TOKEN", "0123456789abcdef"),
        ];
        assert!(read(&pairs).is_err(), "{beyond}");
        let pairs = [
            ("FARCALL_METRICS", beyond),
            ("FARCALL_ALLOW_UNAUTHENTICATED", "1"),
        ];
        assert!(read(&pairs).is_ok(), "{beyond}");
    }
}

#[test]
fn spans_are_sent_where_opentelemetry_says_it() {
    assert!(read(&[]).unwrap().spans.is_none());
    let place = (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "https://otel.example.com/base/",
    );
    let headers = (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "Authorization=Bearer%20hunter2, x-team=a%2Cb",
    );
    let config = read(&[place, headers, ("OTEL_SERVICE_NAME", "farm")]).unwrap();
    let spans = config.spans.as_ref().unwrap();
    assert_eq!(
        spans.url.as_str(),
        "https://otel.example.com/base/v1/traces"
    );
    assert_eq!(spans.service.as_deref(), Some("farm"));
    let headers = spans.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), secrecy::ExposeSecret::expose_secret(value)))
        .collect();
    assert_eq!(
        headers,
        [("authorization", "Bearer hunter2"), ("x-team", "a,b")]
    );
    assert!(!format!("{config:?}").contains("hunter2"));
    for wrong in [
        "otel:4318",
        "ftp://otel",
        "http://u:hunter2@otel",
        "http://otel?key=hunter2",
        "/",
    ] {
        let fault = fault("OTEL_EXPORTER_OTLP_ENDPOINT", wrong);
        assert!(fault.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{wrong}");
        assert!(!fault.contains("hunter2"), "{fault}");
    }
    for wrong in [
        "hunter2",
        "=hunter2",
        "a b=hunter2",
        "a=hunter2%0d%0ab",
        "a=%2",
        "a=%zz",
        "a=%ff",
    ] {
        let pairs = [place, ("OTEL_EXPORTER_OTLP_HEADERS", wrong)];
        let fault = read(&pairs).unwrap_err();
        assert!(fault.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{wrong}");
        assert!(!fault.contains("hunter2"), "{fault}");
    }
}
