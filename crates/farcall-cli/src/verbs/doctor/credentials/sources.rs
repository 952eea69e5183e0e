//! Which variable may be sent where.

use farcall_config::{Source, variables};
use farcall_server::connect::prefix;
use secrecy::SecretString;

use super::Sent;
use crate::verbs::doctor::{placeholder::Unknown, whose::Whose};

/// Variables of a service token that are called after no server.
const SERVICE_TOKEN: [&str; 2] = ["CF_ACCESS_CLIENT_ID", "CF_ACCESS_CLIENT_SECRET"];

/// Where headers may come from.
pub(in crate::verbs::doctor) struct Sources<'a> {
    /// The environment and `.env`.
    pub(in crate::verbs::doctor) source: &'a Source,
    /// Of the command line, `Name: value`, with `${NAME}` for what stays in the environment.
    pub(in crate::verbs::doctor) flags: &'a [SecretString],
    /// Of a hand-off, in the same form; `None` where none is looked at.
    pub(in crate::verbs::doctor) registered: Option<&'a [(String, String)]>,
    /// What that names and nobody has filled in.
    pub(in crate::verbs::doctor) unfilled: &'a [String],
    /// What the server is called, where that is known: by the hand-off, else the one here.
    pub(in crate::verbs::doctor) name: Option<&'a str>,
    /// Of whom the URL is.
    pub(in crate::verbs::doctor) whose: Whose,
}

impl Sources<'_> {
    /// Whether a hand-off names a header, be it sent or not.
    pub(super) fn names(&self, header: &str) -> bool {
        let registered = self.registered.into_iter().flatten();
        let mut names = registered.map(|(name, _)| name).chain(self.unfilled);
        names.any(|name| name.trim().eq_ignore_ascii_case(header))
    }

    /// A value that nobody has named: of the environment for whoever is asked, of `.env` for the own server alone, and
    /// what is the own server's, wherever it stands, for no server that is known to be another.
    pub(super) fn unnamed(&self, name: &str, sent: &mut Sent) -> Option<&str> {
        let value = self.source.named(name).map(str::trim);
        let value = value.filter(|value| !value.is_empty())?;
        let is_exported = is_exported(name);
        let is_kept = match self.whose {
            Whose::Own => false,
            Whose::Foreign => !is_exported || self.is_of_the_one_here(name),
            Whose::Unknown => !is_exported,
        };
        if is_kept {
            let place = if is_exported {
                "the environment"
            } else {
                "`.env`"
            };
            sent.kept.push(format!("`{name}` of {place}"));
            return None;
        }
        Some(value)
    }

    /// Whether a variable is of the server here: its token, or called after it. A hand-off has a name of its own.
    fn is_of_the_one_here(&self, name: &str) -> bool {
        let is_called_so = name != variables::FARCALL_TOKEN.name && !SERVICE_TOKEN.contains(&name);
        name == variables::MCP_BEARER_TOKEN.name || self.registered.is_none() && is_called_so
    }

    /// A value that a header of a hand-off names. Of `.env`, which is the server's, another one gets what is a
    /// consumer's alone.
    pub(super) fn registered(&self, name: &str) -> Result<Option<String>, Unknown> {
        let is_own = self.whose == Whose::Own;
        let withheld = || Err(Unknown::Withheld(name.to_owned()));
        if !is_own && is_of_servers(name) {
            return withheld();
        }
        match self.source.named(name) {
            Some(_) if !is_own && !is_exported(name) && !is_of_consumers(name) => withheld(),
            value => Ok(value.map(str::to_owned)),
        }
    }

    /// Variables that may hold a token, the first that is set.
    pub(super) fn tokens(&self) -> Vec<String> {
        let own = self.name.map(|name| format!("{}_MCP_TOKEN", prefix(name)));
        let names = [
            variables::FARCALL_TOKEN.name,
            variables::MCP_BEARER_TOKEN.name,
        ];
        names.into_iter().map(str::to_owned).chain(own).collect()
    }

    /// Variables that may hold id and secret of a service token, the first that are set.
    pub(super) fn service_tokens(&self) -> Vec<[String; 2]> {
        let own = self.name.map(prefix);
        let own =
            own.map(|prefix| ["ID", "SECRET"].map(|part| format!("{prefix}_CF_CLIENT_{part}")));
        own.into_iter()
            .chain([SERVICE_TOKEN.map(str::to_owned)])
            .collect()
    }
}

/// Whether a variable is of this environment, and not of `.env`.
fn is_exported(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// Whether a variable is what a consumer keeps a secret of one server in.
fn is_of_consumers(name: &str) -> bool {
    const ENDS: [&str; 3] = ["_MCP_TOKEN", "_CF_CLIENT_ID", "_CF_CLIENT_SECRET"];
    name == variables::FARCALL_TOKEN.name || ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether a variable is for servers alone, so that no hand-off has a reason to name it.
fn is_of_servers(name: &str) -> bool {
    const CLOUDS: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];
    let mut secret = variables::SECRET.iter();
    let is_secret = secret.any(|variable| variable.name.eq_ignore_ascii_case(name));
    let is_token = name == variables::FARCALL_TOKEN.name;
    let name = name.to_ascii_uppercase();
    is_secret && !is_token || CLOUDS.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::{super::read, *};
    use crate::verbs::doctor::finding::{Finding, Level};

    #[test]
    fn a_hand_off_of_another_server_gets_what_is_a_consumers_alone() {
        let source = Source::from_pairs([
            ("FARCALL_SECRET", "s3cret-s3cret"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret-s3cret"),
            ("STRIPE_KEY", "s3cret-s3cret"),
            ("FARCALL_TOKEN", "t0ken-t0ken"),
            ("EXAMPLE_MCP_TOKEN", "t0ken-t0ken"),
            ("EXAMPLE_CF_CLIENT_ID", "t0ken-t0ken"),
        ]);
        let registered: Vec<_> = source
            .names()
            .map(|name| {
                (
                    format!("x-{}", name.to_lowercase().replace('_', "-")),
                    format!("${{{name}}}"),
                )
            })
            .collect();
        let read = |url: &str, whose| {
            let sources = Sources {
                source: &source,
                flags: &[],
                registered: Some(&registered),
                unfilled: &[],
                name: None,
                whose,
            };
            read(url, &sources).unwrap()
        };
        for whose in [Whose::Foreign, Whose::Unknown] {
            let foreign = read("https://b.example.com/mcp", whose);
            let mut names: Vec<_> = foreign.endpoint.headers().keys().collect();
            names.sort_by_key(|name| name.as_str());
            assert_eq!(
                names,
                [
                    "x-example-cf-client-id",
                    "x-example-mcp-token",
                    "x-farcall-token"
                ]
            );
            let is_broken = |finding: &&Finding| finding.level == Level::Broken;
            assert_eq!(foreign.findings.iter().filter(is_broken).count(), 3);
        }
        let own = read("https://a.example.com/mcp", Whose::Own);
        assert!(own.has("x-farcall-secret") && own.has("x-stripe-key"));
        assert!(
            !own.findings
                .iter()
                .any(|finding| finding.level == Level::Broken)
        );
        let clear = read("http://a.example.com/mcp", Whose::Own);
        assert!(!clear.is_somebody());
        assert!(clear.findings[0].said.contains("without TLS"));
    }

    #[test]
    fn what_is_called_after_the_server_here_is_for_no_other() {
        // Exported, as what stands in `.env` alone stays here anyway.
        let (name, value) = std::env::vars()
            .find(|(_, value)| !value.trim().is_empty())
            .unwrap();
        let source = Source::from_pairs([(name.as_str(), value.as_str())]);
        let is_kept = |whose, registered| {
            let sources = Sources {
                source: &source,
                flags: &[],
                registered,
                unfilled: &[],
                name: None,
                whose,
            };
            let mut sent = read("https://b.example.com/mcp", &sources).unwrap();
            sources.unnamed(&name, &mut sent).is_none()
        };
        assert!(is_kept(Whose::Foreign, None));
        assert!(!is_kept(Whose::Own, None) && !is_kept(Whose::Unknown, None));
        // The name of a hand-off is that of the other server.
        assert!(!is_kept(Whose::Foreign, Some(&[])));
    }
}
