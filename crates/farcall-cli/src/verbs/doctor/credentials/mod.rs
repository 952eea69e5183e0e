//! What is sent to say who asks: from the environment and `.env`, by the names of variables; a value is never
//! printed. `sources` says which of them may go where, `unsent` why one goes nowhere, `written` how it is to be written.

mod sources;
mod unsent;
pub(super) mod written;

use farcall_config::variables;
use http::{HeaderName, header};
use secrecy::{ExposeSecret as _, SecretString};

pub(super) use self::sources::Sources;
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

/// Where a header comes from that a hand-off has.
const OF_HAND_OFF: &str = "the hand-off";

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
            let finding = unsent::finding(OF_HAND_OFF, &name, &Unknown::Input(asked));
            self.findings.push(finding);
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
                    .remedy("set PUBLIC_BASE_URL where it is its own; for another server export what is meant for it, a token as FARCALL_TOKEN, a service token as CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET"),
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
        logs_in: sources.registered.is_some() && !sources.names(header::AUTHORIZATION.as_str()),
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
    handed_over(&mut sent, sources)?;
    // What a client would not send is not added to what a hand-off says, or it would be called fine.
    let is_free = sources.registered.is_none();
    let authorization = header::AUTHORIZATION.as_str();
    if !sent.has(authorization) {
        if is_free || sent.is_asked(authorization) {
            bearer(&mut sent, sources)?;
        } else if !sources.names(authorization) {
            left_out(&mut sent, "Authorization", sources, &sources.tokens());
        }
    }
    if !ACCESS.iter().any(|header| sent.has(header)) {
        if is_free || ACCESS.iter().any(|header| sent.is_asked(header)) {
            access(&mut sent, sources)?;
        } else if !ACCESS.iter().any(|header| sources.names(header)) {
            let names = sources.service_tokens().concat();
            left_out(&mut sent, "CF-Access-Client-Id", sources, &names);
        }
    }
    sent.conclude();
    Ok(sent)
}

/// What a hand-off says is sent.
fn handed_over(sent: &mut Sent, sources: &Sources<'_>) -> Result<(), Failure> {
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
            let meant = written::meant(name);
            let name = one_line(name);
            sent.findings.push(
                Finding::broken(
                    "hand-off",
                    format!("`{name}` is no name of a header, so it is not sent"),
                )
                .cause("a client refuses the entry, or sends nothing that says who asks")
                .remedy(format!(
                    "write the name of the header alone, without `:` and blanks, such as {meant}"
                )),
            );
        } else if !sent.has(&name.trim().to_ascii_lowercase()) {
            let look_up = |name: &str| sources.registered(name);
            add(sent, name, value, true, look_up)?;
        }
    }
    Ok(())
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
        _ => "have both headers of the service token, CF-Access-Client-Id and CF-Access-Client-Secret, written into the hand-off, if the client is to send them".to_owned(),
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
        OF_HAND_OFF
    } else {
        "--header"
    };
    let (value, names) = match expanded(value, look_up) {
        Ok(found) => found,
        Err(Unknown::Input(asked)) => {
            sent.asked.push((name.to_owned(), asked));
            return Ok(());
        }
        Err(unknown) => {
            sent.findings.push(unsent::finding(origin, name, &unknown));
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

fn bearer(sent: &mut Sent, sources: &Sources<'_>) -> Result<(), Failure> {
    for name in sources.tokens() {
        let Some(value) = sources.unnamed(&name, sent) else {
            continue;
        };
        sent.endpoint = sent.endpoint.clone().bearer(value)?;
        sent.said.push(format!("`Authorization` of `{name}`"));
        return Ok(());
    }
    Ok(())
}

fn access(sent: &mut Sent, sources: &Sources<'_>) -> Result<(), Failure> {
    for names in sources.service_tokens() {
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
    use farcall_config::Source;

    use super::*;

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
                unfilled: &[],
                name: None,
                whose,
            };
            let sent = read("https://b.example.com/mcp", &sources).unwrap();
            assert!(!sent.is_somebody());
            let remedy = sent.findings[0].remedy.as_deref().unwrap();
            assert!(remedy.contains(proposed), "{remedy}");
        }
    }

    #[test]
    fn a_header_that_the_hand_off_names_is_not_said_to_be_left_out() {
        let source = Source::from_pairs([
            ("MCP_BEARER_TOKEN", "t0ken-t0ken"),
            ("CF_ACCESS_CLIENT_ID", "t0ken-t0ken"),
        ]);
        let said = |registered: &[(&str, &str)], unfilled: &[&str]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let registered: Vec<_> = registered.iter().map(owned).collect();
            let unfilled: Vec<_> = unfilled.iter().map(|name| (*name).to_owned()).collect();
            let sources = Sources {
                source: &source,
                flags: &[],
                registered: Some(&registered),
                unfilled: &unfilled,
                name: None,
                whose: Whose::Own,
            };
            let sent = read("https://a.example.com/mcp", &sources).unwrap();
            let findings = sent.findings.iter().map(|finding| finding.said.as_str());
            let said = findings.collect::<Vec<_>>().join("\n");
            let is_left_out = |header: &str| said.contains(&format!("sends no `{header}`"));
            let left_out = ["Authorization", "CF-Access-Client-Id"].map(is_left_out);
            (left_out, sent.logs_in)
        };
        assert_eq!(said(&[], &[]), ([true, true], true));
        let unset = [
            ("authorization", "Bearer ${EXAMPLE_MCP_TOKEN}"),
            ("CF-Access-Client-Id", "${EXAMPLE_CF_CLIENT_ID}"),
        ];
        assert_eq!(said(&unset, &[]), ([false, false], false));
        assert_eq!(
            said(&[], &["Authorization", "CF-Access-Client-Secret"]),
            ([false, false], false)
        );
    }
}
