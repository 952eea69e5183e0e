//! What of the configuration is a secret.

use farcall_config::{Source, variables};
use url::form_urlencoded;

/// Values that are shorter than this are found everywhere, and are no secrets.
const SECRET: usize = 8;

/// Passwords that everybody has, and that stand in files for other reasons.
const WELL_KNOWN: [&str; 4] = ["postgres", "postgresql", "password", "changeme"];

/// The secrets that are set, by the names of their variables.
pub(super) fn of(source: &Source) -> Vec<(&'static str, String)> {
    let secret = variables::SECRET.iter();
    let set = secret.flat_map(|variable| {
        let value = source.filled(variable).unwrap_or_default();
        let values = if *variable == variables::FARCALL_DATABASE_URL {
            passwords(value)
        } else {
            vec![value.to_owned()]
        };
        values.into_iter().map(move |value| (variable.name, value))
    });
    set.filter(|(_, value)| value.len() >= SECRET).collect()
}

/// What of `postgres://USER:PASSWORD@HOST/DATABASE?password=PASSWORD` is a secret, as it is written there and
/// without its escapes. Of several the last one opens the database, and each of the others may open another. What is a name
/// in the address too is none.
fn passwords(address: &str) -> Vec<String> {
    let (scheme, rest) = address.split_once("://").unwrap_or_default();
    let rest = rest.split('#').next().unwrap_or_default();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, before) = login.split_once(':').unwrap_or((login, ""));
    let host = host.split(':').next().unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (mut written, mut known) = (vec![before], vec![scheme, user, host, database]);
    for (key, value) in pairs {
        match key {
            "password" => written.push(value),
            "user" | "host" | "dbname" => known.push(value),
            _ => {}
        }
    }
    let known: Vec<_> = known.into_iter().chain(WELL_KNOWN).map(meant).collect();
    let mut passwords = Vec::new();
    for written in written {
        let meant = meant(written);
        if !known.contains(&meant) {
            passwords.push(written.to_owned());
            if meant != written {
                passwords.push(meant);
            }
        }
    }
    passwords
}

/// A part of an address without its escapes.
fn meant(part: &str) -> String {
    // It is no form: these signs stand for themselves.
    let part = part.replace('+', "%2B").replace('&', "%26");
    let pair = format!("={part}");
    let pairs = form_urlencoded::parse(pair.as_bytes());
    pairs.map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_address_of_a_database_the_passwords_alone_are_secrets() {
        for (address, expected) in [
            (
                "postgres://farm:s3cret-s3cret@127.0.0.1/farm",
                &["s3cret-s3cret"][..],
            ),
            ("postgres://127.0.0.1/farm-of-many-farms", &[]),
            ("postgres://farm@127.0.0.1:5432/farm", &[]),
            (
                "postgres://farm:s3:cr@t%40@127.0.0.1?x=a:b@c",
                &["s3:cr@t%40", "s3:cr@t@"],
            ),
            ("postgres://farm:short@127.0.0.1/farm", &[]),
            (
                "postgres://127.0.0.1/farm?user=farm&password=s3cret-s3cret#password=fragment",
                &["s3cret-s3cret"],
            ),
            (
                "postgres://farm:before-it@127.0.0.1/farm?password=first-one&password=last-one",
                &["before-it", "first-one", "last-one"],
            ),
            (
                "postgres://farm:s3cr%40t+w%26rd=@127.0.0.1/farm?password=s3cr%2Ft-word",
                &[
                    "s3cr%40t+w%26rd=",
                    "s3cr@t+w&rd=",
                    "s3cr%2Ft-word",
                    "s3cr/t-word",
                ],
            ),
            ("postgres://postgres:postgres@127.0.0.1/farm", &[]),
            ("postgresql://farm:postgresql@127.0.0.1/farm", &[]),
            ("postgres://farm:password@127.0.0.1?password=changeme", &[]),
            ("postgres://the-farmer:the%2Dfarmer@127.0.0.1/farm", &[]),
            ("postgres://farm:of-many-farms@127.0.0.1/of-many-farms", &[]),
            ("postgres://farm:db.example@db.example:5432/farm", &[]),
            ("postgres:///farm?user=the-farmer&password=the-farmer", &[]),
        ] {
            let source = Source::from_pairs([(variables::FARCALL_DATABASE_URL.name, address)]);
            let values = of(&source);
            let values: Vec<_> = values.iter().map(|(_, value)| value.as_str()).collect();
            assert_eq!(values, expected, "{address}");
        }
    }
}
