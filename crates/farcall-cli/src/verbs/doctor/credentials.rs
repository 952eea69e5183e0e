//! What is sent to say who asks: from the environment and `.env`, by the names of variables; a value is never
//! printed.

use farcall_config::{Source, variables};
use farcall_server::connect::prefix;
use http::{HeaderName, header};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    finding::Finding,
    placeholder::{Unknown, expanded},
    whose::Whose,
};
use crate::{
    Failure,
    client::{Endpoint, is_in_the_clear, is_of_the_protocol, one_line},
};

const CHECK: &str = "credentials";

/// The two headers of a service token of Cloudflare Access.
pub(super) const ACCESS: [&str; 2] = ["cf-access-client-id", "cf-access-client-secret"];

/// Where a server is, and what it is sent.
pub(super) struct Sent {
    pub(super) endpoint: Endpoint,
    /// Where each header comes from, for people.
    pub(super) said: Vec<String>,
    /// What could not be sent, or must not be.
    pub(super) findings: Vec<Finding>,
    /// Whether a hand-off says what is sent, so that what it lacks is lacking.
    pub(super) is_handed_over: bool,
    /// Whether that names no `Authorization` at all, as where a client logs in by itself.
    pub(super) logs_in: bool,
    /// Variables that stay here, and where they are.
    kept: Vec<String>,
    whose: Whose,
    /// Headers that a client would ask a person for, and by which name; `--header` or a variable may have them.
    asked: Vec<(String, String)>,
}

impl Sent {
    pub(super) fn has(&self, header: &str) -> bool {
        self.endpoint.headers().contains_key(header)
    }

    /// Whether anything says who asks.
    pub(super) fn is_somebody(&self) -> bool {
        !self.endpoint.headers().is_empty()
    }

    /// Whether something that is set here stays here, because the URL is not that of the server here.
    pub(super) fn is_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    fn is_asked(&self, header: &str) -> bool {
        let mut asked = self.asked.iter();
        asked.any(|(name, _)| name.trim().eq_ignore_ascii_case(header))
    }

    /// What is sent and what is not, at the end.
    fn conclude(&mut self) {
        for (name, asked) in std::mem::take(&mut self.asked) {
            if self.has(&name.trim().to_ascii_lowercase()) {
                continue;
            }
            let said = format!(
                "`{}` is what the client asks a person for, `{}`, so it is not sent",
                one_line(&name),
                one_line(&asked)
            );
            self.findings.push(
                Finding::unverified(CHECK, said)
                    .remedy("give it with --header 'Name: ${VARIABLE}'"),
            );
        }
        if self.is_kept() {
            let why = match self.whose {
                Whose::Unknown => "nothing here says whose the URL is",
                Whose::Own | Whose::Foreign => {
                    "it is of the server here, and the URL is not its own"
                }
            };
            let kept = self.kept.join(", ");
            self.findings.push(
                Finding::unverified(CHECK, format!("not sent is {kept}: {why}"))
                    .remedy("set PUBLIC_BASE_URL where it is its own; where it is meant for another server, export the variable, a token as FARCALL_TOKEN"),
            );
        }
        let is_explained = self.findings.iter().any(|finding| finding.check == CHECK);
        if !self.said.is_empty() {
            let said = format!("sent are {}", self.said.join(", "));
            self.findings.push(Finding::ok(CHECK, said));
        } else if !is_explained {
            let said = "none are set here, so none are sent";
            self.findings.push(Finding::ok(CHECK, said));
        }
    }
}

/// Where headers may come from.
pub(super) struct Sources<'a> {
    /// The environment and `.env`.
    pub(super) source: &'a Source,
    /// Of the command line, `Name: value`, with `${NAME}` for what stays in the environment.
    pub(super) flags: &'a [SecretString],
    /// Of a hand-off, in the same form; `None` where none is looked at.
    pub(super) registered: Option<&'a [(String, String)]>,
    /// Whether there is one that names no `Authorization`.
    pub(super) logs_in: bool,
    /// What the server is called, where that is known.
    pub(super) name: Option<&'a str>,
    /// Of whom the URL is.
    pub(super) whose: Whose,
}

impl Sources<'_> {
    /// A value that nobody has named: of the environment for whoever is asked, of `.env` for the own server alone, and
    /// the server's own token, wherever it stands, for no server that is known to be another.
    fn unnamed(&self, name: &str, sent: &mut Sent) -> Option<&str> {
        let value = self.source.named(name).map(str::trim);
        let value = value.filter(|value| !value.is_empty())?;
        let is_exported = is_exported(name);
        let is_kept = match self.whose {
            Whose::Own => false,
            Whose::Foreign => !is_exported || name == variables::MCP_BEARER_TOKEN.name,
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

    /// A value that a header of a hand-off names. Of `.env`, which is the server's, another one gets what is a
    /// consumer's alone.
    fn registered(&self, name: &str) -> Result<Option<String>, Unknown> {
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

/// The endpoint at `url` with everything that is there to be sent.
///
/// # Errors
/// A [`Failure`] where a flag is no header.
pub(super) fn read(url: &str, sources: &Sources<'_>) -> Result<Sent, Failure> {
    let mut sent = Sent {
        endpoint: Endpoint::new(url)?,
        said: Vec::new(),
        findings: Vec::new(),
        is_handed_over: sources.registered.is_some(),
        logs_in: sources.logs_in,
        kept: Vec::new(),
        whose: sources.whose,
        asked: Vec::new(),
    };
    if is_in_the_clear(sent.endpoint.url()) {
        let place = sent.endpoint.to_string();
        sent.findings.push(
            Finding::broken("TLS", format!("`{place}` is asked without TLS, so no credentials are sent there"))
                .cause("who is on the way could read them, and change what is called and fetched")
                .remedy("call the https:// URL of a tunnel or a proxy; on the machine of the server, http://127.0.0.1 with its port"),
        );
        return Ok(sent);
    }
    for flag in sources.flags {
        let (name, value) = flag.expose_secret().split_once(':').ok_or_else(|| {
            Failure::usage("a --header is not of the form `Name: value`")
                .hint("quote it: --header 'CF-Access-Client-Id: ${EXAMPLE_CF_CLIENT_ID}'")
        })?;
        let look_up = |name: &str| Ok(sources.source.named(name).map(str::to_owned));
        add(&mut sent, name, value.trim(), false, look_up)?;
    }
    for (name, value) in sources.registered.unwrap_or_default() {
        if is_of_the_protocol(name) {
            sent.findings.push(
                Finding::warning(
                    CHECK,
                    format!(
                        "the hand-off sets `{}`, which belongs to the protocol; it is not sent",
                        one_line(name)
                    ),
                )
                .cause(
                    "a client that sends it has its own way twice, or breaks what it says itself",
                )
                .remedy("leave it out of the hand-off"),
            );
        } else if HeaderName::try_from(name.trim()).is_err() {
            let name = one_line(name);
            sent.findings.push(
                Finding::broken("hand-off", format!("`{name}` is no name of a header, so it is not sent"))
                    .cause("a client refuses the entry, or sends nothing that says who asks")
                    .remedy("write the name of the header alone, without `:` and blanks, such as Authorization"),
            );
        } else if !sent.has(&name.trim().to_ascii_lowercase()) {
            let look_up = |name: &str| sources.registered(name);
            add(&mut sent, name, value, true, look_up)?;
        }
    }
    // What a client would not send is not added to what a hand-off says, or it would be called fine.
    let is_free = sources.registered.is_none();
    let authorization = header::AUTHORIZATION.as_str();
    if !sent.has(authorization) {
        if is_free || sent.is_asked(authorization) {
            bearer(&mut sent, sources)?;
        } else {
            left_out(&mut sent, "Authorization", sources, &tokens(sources));
        }
    }
    if !ACCESS.iter().any(|header| sent.has(header)) {
        if is_free || ACCESS.iter().any(|header| sent.is_asked(header)) {
            access(&mut sent, sources)?;
        } else {
            let names = service_tokens(sources).concat();
            left_out(&mut sent, "CF-Access-Client-Id", sources, &names);
        }
    }
    sent.conclude();
    Ok(sent)
}

/// That a hand-off sends no such header, and there are variables here that have what would be sent.
fn left_out(sent: &mut Sent, header: &str, sources: &Sources<'_>, names: &[String]) {
    let is_set = |name: &&String| {
        let value = sources.source.named(name);
        value.is_some_and(|value| !value.trim().is_empty())
    };
    let here: Vec<_> = names.iter().filter(is_set).collect();
    let Some(first) = here.first() else {
        return;
    };
    // What is of the server here is not for another.
    let proposed = match sources.whose {
        Whose::Own => first.as_str(),
        Whose::Foreign | Whose::Unknown => variables::FARCALL_TOKEN.name,
    };
    let remedy = match header {
        "Authorization" => format!("have it written into the hand-off, if the client is to send it; to look further all the same: --header 'Authorization: Bearer ${{{proposed}}}', with a token of that server in it"),
        _ => "have both headers of the service token written into the hand-off, if the client is to send them".to_owned(),
    };
    let quoted: Vec<_> = here.iter().map(|name| format!("`{name}`")).collect();
    let said = format!(
        "the hand-off sends no `{header}`, so {} stays here",
        quoted.join(", ")
    );
    sent.findings
        .push(Finding::unverified(CHECK, said).remedy(remedy));
}

fn add(
    sent: &mut Sent,
    name: &str,
    value: &str,
    is_registered: bool,
    look_up: impl Fn(&str) -> Result<Option<String>, Unknown>,
) -> Result<(), Failure> {
    let origin = if is_registered {
        "the hand-off"
    } else {
        "--header"
    };
    let (value, names) = match expanded(value, look_up) {
        Ok(found) => found,
        Err(Unknown::Input(asked)) => {
            sent.asked.push((name.to_owned(), asked));
            return Ok(());
        }
        Err(Unknown::Withheld(name)) => {
            sent.findings.push(
                Finding::broken(CHECK, format!("{origin} wants `{}` for a URL that is not the own one; it is not sent", one_line(&name)))
                    .cause("that is a secret of servers, or stands in `.env` and is not a consumer's: who wrote the hand-off would get what is kept here")
                    .remedy("have a consumer's own variable written there, such as ${EXAMPLE_MCP_TOKEN}, and see where the file comes from"),
            );
            return Ok(());
        }
        Err(Unknown::Variable(missing)) => {
            let missing = one_line(&missing);
            sent.findings.push(
                Finding::broken(CHECK, format!("`{missing}` is not set, so `{}` cannot be sent", one_line(name)))
                    .cause(format!("{origin} names it, and neither the environment nor `.env` has it"))
                    .remedy(format!("export {missing}, or put it into `.env`; the operator of the server has the value")),
            );
            return Ok(());
        }
    };
    let line = SecretString::from(format!("{name}: {value}"));
    match sent.endpoint.clone().header(&line) {
        Ok(endpoint) => sent.endpoint = endpoint,
        // Whoever typed this command cannot write it otherwise.
        Err(_) if is_registered => {
            sent.findings.push(
                Finding::broken(
                    CHECK,
                    format!(
                        "`{}` cannot be sent: its value holds a sign that no header carries",
                        one_line(name)
                    ),
                )
                .cause("a line break, perhaps, at the end of a value that was read from a file")
                .remedy("write the value anew where it comes from"),
            );
            return Ok(());
        }
        Err(failure) => return Err(failure),
    }
    let origin = match names.first() {
        Some(_) => names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(" and "),
        None => origin.to_owned(),
    };
    sent.said.push(format!("`{}` of {origin}", name.trim()));
    Ok(())
}

/// Variables that may hold a token, the first that is set.
fn tokens(sources: &Sources<'_>) -> Vec<String> {
    let own = sources
        .name
        .map(|name| format!("{}_MCP_TOKEN", prefix(name)));
    let names = [
        variables::FARCALL_TOKEN.name,
        variables::MCP_BEARER_TOKEN.name,
    ];
    names.into_iter().map(str::to_owned).chain(own).collect()
}

fn bearer(sent: &mut Sent, sources: &Sources<'_>) -> Result<(), Failure> {
    for name in tokens(sources) {
        let Some(value) = sources.unnamed(&name, sent) else {
            continue;
        };
        sent.endpoint = sent.endpoint.clone().bearer(value)?;
        sent.said.push(format!("`Authorization` of `{name}`"));
        return Ok(());
    }
    Ok(())
}

/// Variables that may hold id and secret of a service token, the first that are set.
fn service_tokens(sources: &Sources<'_>) -> Vec<[String; 2]> {
    let own = sources
        .name
        .map(|name| format!("{}_CF_CLIENT", prefix(name)));
    let prefixes = own.into_iter().chain(["CF_ACCESS_CLIENT".to_owned()]);
    let names = |prefix: String| ["ID", "SECRET"].map(|part| format!("{prefix}_{part}"));
    prefixes.map(names).collect()
}

fn access(sent: &mut Sent, sources: &Sources<'_>) -> Result<(), Failure> {
    for names in service_tokens(sources) {
        let values = names
            .clone()
            .map(|name| sources.unnamed(&name, sent).map(str::to_owned));
        if values.iter().all(Option::is_none) {
            continue;
        }
        for ((header, name), value) in ["CF-Access-Client-Id", "CF-Access-Client-Secret"]
            .into_iter()
            .zip(&names)
            .zip(values)
        {
            match value {
                Some(value) => {
                    let line = SecretString::from(format!("{header}: {}", value.trim()));
                    sent.endpoint = sent.endpoint.clone().header(&line)?;
                    sent.said.push(format!("`{header}` of `{name}`"));
                }
                None => sent.findings.push(
                    Finding::broken(CHECK, format!("`{name}` is not set, so `{header}` cannot be sent"))
                        .cause("a service token of Cloudflare Access is two values, and one of them is here")
                        .remedy(format!("export {name}, or put it into `.env`")),
                ),
            }
        }
        return Ok(());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Level, *};

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
                logs_in: false,
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
    fn for_another_server_no_token_of_the_one_here_is_proposed() {
        let source = Source::from_pairs([("MCP_BEARER_TOKEN", "t0ken-t0ken")]);
        for (whose, proposed) in [
            (Whose::Own, "${MCP_BEARER_TOKEN}"),
            (Whose::Foreign, "${FARCALL_TOKEN}"),
            (Whose::Unknown, "${FARCALL_TOKEN}"),
        ] {
            let sources = Sources {
                source: &source,
                flags: &[],
                registered: Some(&[]),
                logs_in: true,
                name: None,
                whose,
            };
            let sent = read("https://b.example.com/mcp", &sources).unwrap();
            assert!(!sent.is_somebody());
            let remedy = sent.findings[0].remedy.as_deref().unwrap();
            assert!(remedy.contains(proposed), "{remedy}");
        }
    }
}
