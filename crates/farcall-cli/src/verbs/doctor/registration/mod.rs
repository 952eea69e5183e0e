//! A hand-off as a consumer has it: a URL, headers, and the tools that are enabled. `forms` reads what each client has.

mod forms;

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use url::Url;

use super::{
    finding::Finding,
    placeholder::{Part, is_literal, parts},
};
use crate::{
    Failure,
    client::{one_line, without_query},
};

const CHECK: &str = "hand-off";

/// The check that `path` goes on with, once it has the list of tools.
const TOOLS: &str = "enabledTools";

/// The most bytes of a file that are read.
const LARGEST: u64 = 1 << 20;

/// One entry of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Registration {
    pub(super) name: String,
    pub(super) url: String,
    /// As they are written, with `${NAME}` in the place of secrets.
    pub(super) headers: Vec<(String, String)>,
    pub(super) enabled: Enabled,
    /// Whether it starts a program that calls the server, whose client puts nothing in the place of `${NAME}`.
    is_program: bool,
    /// The headers whose value its `env` says with a placeholder, in whose place nobody puts anything.
    unfilled: Vec<String>,
}

/// Which tools a hand-off lets a client see.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Enabled {
    /// All of them, which it says.
    All,
    /// What stands below this key is no list of names.
    Malformed(&'static str),
    /// These.
    Names(Vec<String>),
    /// It does not say, so all of them.
    Unsaid,
}

impl Enabled {
    /// The names, where it lists any.
    pub(super) fn names(&self) -> Option<&[String]> {
        match self {
            Self::Names(names) => Some(names),
            Self::All | Self::Malformed(_) | Self::Unsaid => None,
        }
    }
}

impl Registration {
    /// The entry of `file` for `url`, or the only one; `-` is standard input.
    ///
    /// # Errors
    /// A [`Failure`] where the file is none, or it cannot be told which entry is meant.
    pub(super) fn read(file: &Path, url: Option<&str>) -> Result<Self, Failure> {
        let shown = file.display();
        let unreadable = |reason: &dyn std::fmt::Display| {
            Failure::usage(format!("the hand-off `{shown}` cannot be read: {reason}"))
        };
        let unread = |reason: &dyn std::fmt::Display| {
            unreadable(reason).hint("give the file that a client reads, as `handoff` prints it")
        };
        let text = read(file).map_err(|error| unread(&error))?;
        let entries = forms::entries(&text).map_err(|reason| {
            unreadable(&reason).hint("it is what `handoff --client` prints for any client but goose, JSON or Codex's TOML, such as {\"mcpServers\": {\"example-mcp\": {\"url\": \"https://…/mcp\", \"headers\": {…}}}}")
        })?;
        chosen(entries, url).map_err(|names| {
            Failure::usage(format!("the hand-off `{shown}` has several entries, {names}, and it is not told which is meant"))
                .hint("give the URL of the one that is meant")
        })
    }

    /// The headers that a client sends, as they are written.
    pub(super) fn sent(&self) -> Vec<(String, String)> {
        let headers = self.headers.iter();
        let sent = headers.filter(|(name, _)| !self.unfilled.contains(name));
        sent.cloned().collect()
    }

    /// Whether it names no `Authorization`, as that of a client which logs in by itself.
    pub(super) fn logs_in(&self) -> bool {
        let mut names = self.headers.iter().map(|(name, _)| name.trim());
        !names.any(|name| name.eq_ignore_ascii_case("authorization"))
    }

    /// Whether it is for `url`, so that what it names may be sent there.
    pub(super) fn is_for(&self, url: &str) -> bool {
        let parsed = |url: &str| Url::parse(&super::with_path(url)).ok();
        parsed(&self.url) == parsed(url)
    }

    /// That it is for another URL than the one that is looked at.
    pub(super) fn elsewhere(&self, url: &str) -> Finding {
        Finding::broken(CHECK, format!("`{}` is registered at `{}`, and this looks at `{}`", self.name, self.place(), shown(url)))
            .cause("the consumer calls another server, or an address that this one had; its headers are not sent here")
            .remedy("write the URL of the server into the hand-off, or leave it away here, to look at the one that is registered")
    }

    /// Its URL, as it may be shown.
    fn place(&self) -> String {
        shown(&self.url)
    }

    /// What is wrong with what it says, whatever the server says.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, value) in &self.headers {
            if self.unfilled.contains(name) {
                findings.push(
                    Finding::warning(CHECK, format!("the header `{}` of `{}` is still to be filled in, and is not sent", one_line(name), self.name))
                        .cause("the entry starts a program, and nothing puts a value in the place of what is written there as a variable")
                        .remedy("write the value in its place below `env`, and only there; to look further all the same: --header 'Authorization: Bearer ${VARIABLE}'"),
                );
            }
            let is_secret = ["authorization", "secret", "token", "key"]
                .iter()
                .any(|word| name.to_ascii_lowercase().contains(word));
            if is_secret && is_literal(value) && self.is_program {
                findings.push(
                    Finding::warning(CHECK, format!("the header `{name}` of `{}` holds the secret itself", self.name))
                        .cause("this client puts no variable in its place, so whoever reads the file has the secret")
                        .remedy("keep the file to yourself, and out of git; a token of its own can be revoked: farcall token create NAME"),
                );
            } else if is_secret && is_literal(value) {
                findings.push(
                    Finding::broken(CHECK, format!("the header `{name}` of `{}` holds the secret itself", self.name))
                        .cause("whoever gets the JSON has the secret, and it may be committed")
                        .remedy(format!("write a variable in its place, such as \"{}\": \"{}\", send the secret by another way, and make it anew", name, instead(name))),
                );
            }
        }
        if self.url.contains(['<', '>']) {
            findings.push(
                Finding::broken(
                    CHECK,
                    format!(
                        "the URL of `{}` still holds a placeholder: `{}`",
                        self.name,
                        self.place()
                    ),
                )
                .cause("it was copied, and not filled in")
                .remedy("write the public URL, which ends in /mcp"),
            );
        }
        if self.url.contains(['?', '@']) {
            findings.push(
                Finding::broken(
                    CHECK,
                    format!("the URL of `{}` is more than `{}`", self.name, self.place()),
                )
                .cause("what stands behind `?` or before `@` is a key or a name, and URLs end up in logs")
                .remedy("write the URL alone, and send what says who asks as a header from a variable"),
            );
        }
        if let Enabled::Malformed(key) = self.enabled {
            findings.push(
                Finding::broken(
                    CHECK,
                    format!("`{key}` of `{}` is no list of names", self.name),
                )
                .cause("a client refuses the entry, or shows its agent all tools")
                .remedy(format!("write the names as a list: \"{key}\": [\"add\"]")),
            );
        }
        if findings.is_empty() {
            let variables = self
                .headers
                .iter()
                .filter(|(_, value)| has_placeholder(value))
                .count();
            let said = format!(
                "`{}` is registered at `{}`, with {variables} of {} headers from variables",
                self.name,
                self.place(),
                self.headers.len()
            );
            findings.push(Finding::ok(CHECK, said));
        }
        match self.enabled {
            Enabled::All => findings.push(Finding::ok(
                TOOLS,
                "it enables all tools, whichever there are",
            )),
            Enabled::Unsaid => findings.push(Finding::unverified(
                TOOLS,
                format!(
                    "`{}` lists no tools, so there is nothing to hold against those that there are",
                    self.name
                ),
            )),
            Enabled::Malformed(_) | Enabled::Names(_) => {}
        }
        findings
    }
}

/// The text of a hand-off.
fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let reader: Box<dyn io::Read> = if file == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(fs::File::open(file)?)
    };
    reader.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

fn has_placeholder(value: &str) -> bool {
    let parts = parts(value);
    parts.iter().any(|part| !matches!(part, Part::Text(_)))
}

/// A URL, or what was meant to be one, without what may be secret in it.
fn shown(url: &str) -> String {
    if let Ok(mut url) = Url::parse(url)
        && url.set_username("").is_ok()
        && url.set_password(None).is_ok()
    {
        return without_query(&url);
    }
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    one_line(url.rsplit_once('@').map_or(url, |(_, place)| place))
}

fn instead(header: &str) -> &'static str {
    if header.eq_ignore_ascii_case("authorization") {
        "Bearer ${EXAMPLE_MCP_TOKEN}"
    } else {
        "${EXAMPLE_CF_CLIENT_SECRET}"
    }
}

/// The entry that is meant, or the names of all of them.
fn chosen(mut entries: Vec<Registration>, url: Option<&str>) -> Result<Registration, String> {
    let names = || {
        entries
            .iter()
            .map(|entry| format!("`{}`", entry.name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let place = match url {
        Some(url) => entries.iter().position(|entry| entry.url == url),
        None => None,
    };
    match place {
        Some(place) => Ok(entries.swap_remove(place)),
        None if entries.len() == 1 => Ok(entries.swap_remove(0)),
        None => Err(names()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Level, forms::entries, *};

    const GUIDE: &str = r#"{"mcpServers": {"example-mcp": {"type": "streamableHttp", "url": "https://a.example/mcp",
        "headers": {"Authorization": "Bearer ${EXAMPLE_MCP_TOKEN}"}, "enabledTools": ["add"]}}}"#;

    #[test]
    fn the_guides_block_is_read() {
        let entries = entries(GUIDE).unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].name, "example-mcp");
        assert_eq!(entries[0].enabled, Enabled::Names(vec!["add".to_owned()]));
        assert!(entries[0].findings()[0].said.contains("1 of 1 headers"));
    }

    #[test]
    fn a_secret_in_it_is_found_and_not_repeated() {
        let text = GUIDE.replace("${EXAMPLE_MCP_TOKEN}", "s3cret-s3cret");
        let finding = entries(&text).unwrap()[0].findings().remove(0);
        assert!(finding.said.contains("holds the secret itself"));
        assert!(!format!("{finding:?}").contains("s3cret"));
    }

    #[test]
    fn what_a_url_holds_besides_the_address_is_found_and_not_repeated() {
        for url in [
            "https://a.example/mcp?key=s3cret-s3cret",
            "https://s3cret-s3cret@a.example/mcp",
            "https://ann:s3cret-s3cret@a.example/mcp",
            "a.example:x/mcp?key=s3cret-s3cret",
            "<s3cret-s3cret@a.example>/mcp",
        ] {
            let text = GUIDE.replace("https://a.example/mcp", url);
            let entry = entries(&text).unwrap().remove(0);
            let findings = format!("{:?} {:?}", entry.findings(), entry.elsewhere(url));
            assert!(findings.contains("is more than"), "{findings}");
            assert!(!findings.contains("s3cret"), "{findings}");
        }
    }

    #[test]
    fn it_is_for_the_url_that_it_names() {
        let entry = entries(GUIDE).unwrap().remove(0);
        for (url, expected) in [
            ("https://a.example/mcp", true),
            ("https://a.example:443", true),
            ("http://a.example/mcp", false),
            ("https://b.example/mcp", false),
        ] {
            assert_eq!(entry.is_for(url), expected, "{url}");
        }
    }

    #[test]
    fn tools_are_a_list_or_it_is_said() {
        for (listed, level, said) in [
            (
                r#""enabledTools": "add""#,
                Level::Broken,
                "`enabledTools` of `example-mcp`",
            ),
            (
                r#""includeTools": ["add", 1]"#,
                Level::Broken,
                "`includeTools` of",
            ),
            (r#""enabledTools": ["*"]"#, Level::Ok, "all tools"),
            (r#""type": "http""#, Level::Unverified, "lists no tools"),
        ] {
            let text = GUIDE.replace(r#""enabledTools": ["add"]"#, listed);
            let findings = entries(&text).unwrap()[0].findings();
            let is_it = |finding: &Finding| finding.level == level && finding.said.contains(said);
            assert!(findings.iter().any(is_it), "{findings:?}");
        }
    }

    #[test]
    fn a_program_has_the_secret_itself_and_that_is_no_fault() {
        let text = r#"{"mcpServers": {"a": {"command": "npx", "args": ["-y", "mcp-remote", "https://a.example/mcp",
            "--header", "Authorization:${A}"], "env": {"A": "Bearer s3cret-s3cret"}}}}"#;
        let finding = entries(text).unwrap()[0].findings().remove(0);
        assert_eq!(finding.level, Level::Warning);
        assert!(!format!("{finding:?}").contains("s3cret"));
    }

    #[test]
    fn what_nobody_fills_in_is_not_sent() {
        let text = r#"{"mcpServers": {"a": {"command": "npx", "args": ["mcp-remote", "https://a.example/mcp",
            "--header", "Authorization:${A}", "--header", "X-Plain:1"], "env": {"A": "Bearer ${A_MCP_TOKEN}"}}}}"#;
        let entry = entries(text).unwrap().remove(0);
        assert_eq!(entry.sent(), [("X-Plain".to_owned(), "1".to_owned())]);
        let finding = entry.findings().remove(0);
        assert_eq!(finding.level, Level::Warning);
        assert!(finding.said.contains("still to be filled in"));
    }

    #[test]
    fn of_several_entries_the_one_of_the_url_is_meant() {
        let two = || {
            entries(r#"{"a": {"url": "https://a/mcp"}, "b": {"url": "https://b/mcp"}}"#).unwrap()
        };
        assert_eq!(chosen(two(), Some("https://b/mcp")).unwrap().name, "b");
        assert_eq!(chosen(two(), None).unwrap_err(), "`a`, `b`");
    }
}
