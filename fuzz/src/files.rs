//! What stands in files of the operator.

use std::net::IpAddr;

use farcall_config::{Config, Source, fuzzing};
use url::Url;

/// A file is read or its faults are told, each with a place that is there.
pub(crate) fn farcall_toml(data: &[u8]) {
    let Err(faults) = fuzzing::farcall_toml(data) else {
        return;
    };
    assert!(!faults.faults.is_empty(), "it is refused without a reason");
    let lines = data.split(|byte| *byte == b'\n').count();
    for finding in faults.faults.iter().chain(&faults.warnings) {
        assert!(!finding.message.is_empty() && !finding.hint.is_empty());
        if let Some(place) = &finding.place {
            assert!((1..=lines).contains(&place.line), "{place:?}");
            assert!(place.column >= 1 && place.length >= 1, "{place:?}");
        }
    }
}

/// A time, a size or a rate is its digits and its unit, or is none.
pub(crate) fn units(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let product = |units: &[(&str, u64)]| {
        let (digits, factor) = units.iter().find_map(|(unit, factor)| {
            let digits = text.strip_suffix(unit)?;
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then_some((digits, *factor))
        })?;
        digits.parse::<u64>().ok()?.checked_mul(factor)
    };
    let times = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let sizes = [
        ("", 1),
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    assert_eq!(
        fuzzing::duration(text).map(|time| time.as_millis()),
        product(&times).map(u128::from)
    );
    assert_eq!(fuzzing::bytes(text), product(&sizes));
    if let Some(rate) = fuzzing::rate(text) {
        let digits = text.split('/').next().unwrap_or_default().trim();
        assert_eq!(
            digits.trim_start_matches('0'),
            rate.count.to_string().trim_start_matches('0')
        );
        assert!([1, 60, 3_600].contains(&rate.per.as_secs()), "{rate:?}");
    }
}

/// Part of every secret here.
const SECRET: &str = "hunter2";

/// Whatever the environment says, no secret is in a complaint or in what is printed of a configuration, and
/// a server that everybody can reach and nobody guards does not start.
pub(crate) fn variables(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for (name, value) in text.split('\n').filter_map(|line| line.split_once('=')) {
        let secrets = [
            "MCP_BEARER_TOKEN",
            "FARCALL_SECRET",
            "FARCALL_PREVIOUS_SECRET",
            "FARCALL_OAUTH_CLIENT_SECRET",
        ];
        let value = match name {
            _ if secrets.contains(&name) => format!("{value}{SECRET}"),
            "FARCALL_DATABASE_URL" => value.replace(SECRET, "").replace("PASSWORD", SECRET),
            _ => value.replace(SECRET, ""),
        };
        let url = Url::parse(value.trim()).ok();
        let is_misplaced = match name {
            // Elsewhere in the address of a database it is no secret.
            "FARCALL_DATABASE_URL" => url.is_some_and(|url| url.password() != Some(SECRET)),
            _ if secrets.contains(&name) => false,
            // Hosts are written in one way, whatever was typed.
            _ => {
                value.to_lowercase().contains(SECRET)
                    || url.is_some_and(|url| url.as_str().contains(SECRET))
            }
        } || value.matches(SECRET).count() > 1;
        if !is_misplaced {
            pairs.push((name, value));
        }
    }
    let said = |name: &str| {
        let mut pairs = pairs.iter().rev();
        let value = pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    };
    let source = Source::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str())));
    match Config::read(&source) {
        Err(faults) => {
            assert!(!faults.0.is_empty(), "it is refused without a reason");
            assert!(
                faults
                    .0
                    .iter()
                    .all(|fault| !fault.message.is_empty() && !fault.hint.is_empty())
            );
            assert!(!faults.to_string().contains(SECRET), "{faults}");
        }
        Ok(config) => {
            let printed = format!("{config:?}");
            assert!(!printed.contains(SECRET), "{printed}");
            let guards = [
                "MCP_BEARER_TOKEN",
                "FARCALL_OAUTH_ISSUER",
                "FARCALL_ACCESS_TEAM",
                "FARCALL_ALLOW_UNAUTHENTICATED",
            ];
            let is_guarded = guards.iter().any(|name| said(name).is_some());
            let answers = said("FARCALL_ROLE") != Some("worker");
            let host = config
                .http
                .host
                .trim_start_matches('[')
                .trim_end_matches(']');
            let is_near = host.eq_ignore_ascii_case("localhost")
                || host
                    .parse()
                    .is_ok_and(|host: IpAddr| host.to_canonical().is_loopback());
            assert!(is_near || is_guarded || !answers, "`{host}` is open");
        }
    }
}
