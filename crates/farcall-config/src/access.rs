//! Cloudflare Access in front of this server.

use std::collections::BTreeMap;

use url::Url;

use crate::{
    Fault, Source,
    variables::{
        FARCALL_ACCESS_AUD as AUD, FARCALL_ACCESS_CALLERS as CALLERS, FARCALL_ACCESS_TEAM as TEAM,
    },
};

/// Where the teams of Cloudflare Access are.
const DOMAIN: &str = ".cloudflareaccess.com";

const TEAM_HINT: &str =
    "write the team's name: `acme`, where https://acme.cloudflareaccess.com is its address";

/// Which assertions of Cloudflare Access count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The team, as `https://TEAM.cloudflareaccess.com`: who issues them.
    pub issuer: String,
    /// Where the keys are that they are signed with.
    pub keys: Url,
    /// AUD tags of the application, of which they have one; never empty.
    pub audiences: Vec<String>,
    /// Whose rights somebody has: a person by address, in small letters, or a service token by its client id,
    /// and the name of a caller.
    pub callers: BTreeMap<String, String>,
}

impl Access {
    /// What is said about it, where that is enough; [`missing`](Self::missing) says what is not.
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Option<Self> {
        let audiences = source.list(&AUD);
        for tag in &audiences {
            let is_tag = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if !tag.bytes().all(is_tag) {
                faults.push(Fault::new(
                    format!("`FARCALL_ACCESS_AUD` holds `{tag}`, which is no AUD tag"),
                    "write the 64 letters and digits of the application's overview; several with commas",
                ));
            }
        }
        let callers = callers(source, faults);
        let issuer = issuer(source.filled(&TEAM)?, faults)?;
        let keys = Url::parse(&keys(source, &issuer)).ok()?;
        (!audiences.is_empty()).then_some(Self {
            issuer,
            keys,
            audiences,
            callers,
        })
    }

    /// A fault for the half of it that is not said. Without a team nobody would be asked for an
    /// assertion, and without a tag whatever else the team protects would open this server.
    pub(crate) fn missing(source: &Source) -> Option<Fault> {
        let halves = [
            (
                TEAM,
                AUD,
                "set it to the AUD tag of the Access application in front of this server: \
                 Zero Trust, Access, Applications, its overview",
            ),
            (AUD, TEAM, TEAM_HINT),
            (CALLERS, TEAM, TEAM_HINT),
        ];
        let mut missing = halves.iter().filter(|(said, needed, _)| {
            source.get(said).is_some() && source.list(needed).is_empty()
        });
        let (said, needed, hint) = missing.next()?;
        let sentence = format!("`{}` is set, and `{}` is not", said.name, needed.name);
        Some(Fault::new(sentence, *hint))
    }
}

fn callers(source: &Source, faults: &mut Vec<Fault>) -> BTreeMap<String, String> {
    const HINT: &str = "write the address of a person or the client id of a service token, =, and the name of a \
                        caller, each once: ann@example.com=ann";
    let mut callers = BTreeMap::new();
    for entry in source.list(&CALLERS) {
        let (identity, name) = entry.rsplit_once('=').unwrap_or_default();
        let (mut identity, name) = (identity.trim().to_owned(), name.trim());
        if identity.contains('@') {
            identity.make_ascii_lowercase();
        }
        let problem = if identity.is_empty() || name.is_empty() {
            "which says of nobody who it is"
        } else if callers.insert(identity, name.to_owned()).is_some() {
            "and of the same identity something before"
        } else {
            continue;
        };
        let sentence = format!("`FARCALL_ACCESS_CALLERS` holds `{entry}`, {problem}");
        faults.push(Fault::new(sentence, HINT));
    }
    callers
}

/// A team by its name, or by its address.
fn issuer(team: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let name = team.strip_prefix("https://").unwrap_or(team);
    let name = name.strip_suffix('/').unwrap_or(name).to_ascii_lowercase();
    let name = name.strip_suffix(DOMAIN).unwrap_or(&name);
    let is_label = (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_label {
        let sentence =
            format!("`FARCALL_ACCESS_TEAM` is `{team}`, which is no team of Cloudflare Access");
        faults.push(Fault::new(sentence, TEAM_HINT));
        return None;
    }
    Some(format!("https://{name}{DOMAIN}"))
}

/// Where the keys of a team are. In builds with debug assertions a test may say that they are
/// elsewhere; in a release build nobody can.
fn keys(source: &Source, issuer: &str) -> String {
    #[cfg(debug_assertions)]
    if let Some(url) = source.named("FARCALL_TEST_ACCESS_KEYS") {
        return url.to_owned();
    }
    #[cfg(not(debug_assertions))]
    let _ = source;
    format!("{issuer}/cdn-cgi/access/certs")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228";

    fn read(pairs: &[(&str, &str)]) -> (Option<Access>, Vec<Fault>) {
        let mut faults = Vec::new();
        let source = Source::from_pairs(pairs.iter().copied());
        let access = Access::read(&source, &mut faults);
        faults.extend(Access::missing(&source));
        (access, faults)
    }

    #[test]
    fn a_team_is_said_by_name_or_by_address() {
        for team in [
            "acme",
            "ACME",
            "acme.cloudflareaccess.com",
            "https://acme.cloudflareaccess.com",
            "https://acme.cloudflareaccess.com/",
        ] {
            let (access, faults) =
                read(&[("FARCALL_ACCESS_TEAM", team), ("FARCALL_ACCESS_AUD", TAG)]);
            assert!(faults.is_empty(), "{team}: {faults:?}");
            let access = access.unwrap();
            assert_eq!(access.issuer, "https://acme.cloudflareaccess.com");
            assert_eq!(
                access.keys.as_str(),
                "https://acme.cloudflareaccess.com/cdn-cgi/access/certs"
            );
            assert_eq!(access.audiences, [TAG]);
        }
    }

    #[test]
    fn what_would_let_strangers_in_is_refused() {
        for (team, aud, fault) in [
            ("acme", "", "`FARCALL_ACCESS_AUD` is not"),
            ("acme", " , ", "`FARCALL_ACCESS_AUD` is not"),
            ("acme", "<your AUD tag>", "`<your AUD tag>`"),
            ("", TAG, "`FARCALL_ACCESS_TEAM` is not"),
            ("evil.example.com", TAG, "`evil.example.com`"),
            ("evil.example.com/.cloudflareaccess.com", TAG, "no team"),
            ("http://acme.cloudflareaccess.com", TAG, "no team"),
            (
                "https://acme.cloudflareaccess.com.example.com",
                TAG,
                "no team",
            ),
            ("acme@example.com#", TAG, "no team"),
        ] {
            let (access, faults) =
                read(&[("FARCALL_ACCESS_TEAM", team), ("FARCALL_ACCESS_AUD", aud)]);
            assert!(access.is_none() || aud.starts_with('<'), "{access:?}");
            assert!(
                faults[0].message.contains(fault),
                "{team} {aud}: {faults:?}"
            );
        }
    }

    #[test]
    fn an_identity_is_one_caller() {
        let of = |callers: &str| {
            let team = [("FARCALL_ACCESS_TEAM", "acme"), ("FARCALL_ACCESS_AUD", TAG)];
            read(&[&team[..], &[("FARCALL_ACCESS_CALLERS", callers)]].concat())
        };
        let (access, faults) = of("Ann@Example.com = ann, E367.access=ci,a=b@example.com=ann");
        assert!(faults.is_empty(), "{faults:?}");
        let callers = access.unwrap().callers;
        let pairs = callers
            .iter()
            .map(|(who, name)| (who.as_str(), name.as_str()));
        assert_eq!(
            pairs.collect::<Vec<_>>(),
            [
                ("E367.access", "ci"),
                ("a=b@example.com", "ann"),
                ("ann@example.com", "ann")
            ]
        );
        for (callers, fault) in [
            ("ann@example.com", "`ann@example.com`, which says of nobody"),
            ("=ann", "`=ann`"),
            ("ann@example.com=", "`ann@example.com=`"),
            (
                "ann@example.com=ann,ANN@example.com=root",
                "`ANN@example.com=root`, and of the same",
            ),
        ] {
            let (_, faults) = of(callers);
            assert!(faults[0].message.contains(fault), "{callers}: {faults:?}");
        }
        let (access, faults) = read(&[("FARCALL_ACCESS_CALLERS", "ann@example.com=ann")]);
        assert_eq!(access, None);
        assert!(
            faults[0].message.contains("`FARCALL_ACCESS_TEAM` is not"),
            "{faults:?}"
        );
    }

    #[test]
    fn set_but_empty_is_no_way_to_be_open() {
        for name in ["FARCALL_ACCESS_TEAM", "FARCALL_ACCESS_AUD"] {
            assert!(!read(&[(name, "")]).1.is_empty(), "{name}");
        }
    }
}
