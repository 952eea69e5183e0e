//! What of the configuration is a secret.

use farcall_config::{Source, variables};

/// Values that are shorter than this are found everywhere, and are no secrets.
const SECRET: usize = 8;

/// The secrets that are set, by the names of their variables.
pub(super) fn of(source: &Source) -> Vec<(&'static str, String)> {
    let secret = variables::SECRET.iter();
    let set = secret.flat_map(|variable| {
        let value = source.filled(variable).unwrap_or_default();
        let values = if *variable == variables::FARCALL_DATABASE_URL {
            passwords(value)
        } else {
            vec![value]
        };
        values
            .into_iter()
            .map(move |value| (variable.name, value.to_owned()))
    });
    set.filter(|(_, value)| value.len() >= SECRET).collect()
}

/// What of `postgres://USER:PASSWORD@HOST/DATABASE?password=PASSWORD` is a secret, as it is written there. Of several the
/// last one opens the database, and each of the others may open another.
fn passwords(address: &str) -> Vec<&str> {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or_default();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let before = user.and_then(|user| Some(user.split_once(':')?.1));
    let pairs = query.split('&');
    let named = pairs.filter_map(|pair| pair.strip_prefix("password="));
    before.into_iter().chain(named).collect()
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
                &["s3:cr@t%40"],
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
        ] {
            let source = Source::from_pairs([(variables::FARCALL_DATABASE_URL.name, address)]);
            let values = of(&source);
            let values: Vec<_> = values.iter().map(|(_, value)| value.as_str()).collect();
            assert_eq!(values, expected, "{address}");
        }
    }
}
