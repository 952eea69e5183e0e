//! A hand-off as a consumer has it: a URL, headers, and the tools that are enabled. `notation` takes the text apart,
//! `forms` reads what each client has, `program` what one has that starts a program, `findings` judges it.

mod findings;
mod forms;
mod notation;
mod program;

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use url::Url;

use super::{
    credentials::written,
    placeholder::{Part, parts},
};
use crate::{
    Failure,
    client::{one_line, without_query},
};

/// The most bytes of a file that are read, and of what its headers say with what it puts in the place of variables.
const LARGEST: u64 = 1 << 20;

/// The most headers of an entry; servers take about as many.
const MOST: usize = 100;

/// The most entries that are named where it is not told which is meant.
const NAMED: usize = 10;

/// One entry of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Registration {
    pub(super) name: String,
    pub(super) url: String,
    /// As they are written, with `${NAME}` in the place of secrets.
    pub(super) headers: Vec<(String, String)>,
    pub(super) enabled: Enabled,
    substitution: Substitution,
    /// Headers with a variable in whose place nobody puts anything.
    left: Vec<String>,
    /// Whether it has a table of headers that its client does not look at.
    is_ignored: bool,
}

/// What is put in the place of variables, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Substitution {
    /// The client puts values there.
    Client,
    /// Codex has keys of their own for names of variables, and sends every other value as it is written.
    Codex,
    /// Nothing: Cline and Zed send what is written.
    None,
    /// Nothing but what the entry says below `env`: it starts a program that calls the server.
    Program,
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
        let sent = headers.filter(|(name, value)| !self.is_unfilled(name, value));
        sent.cloned().collect()
    }

    /// The names of those that nobody has filled in.
    pub(super) fn unfilled(&self) -> Vec<String> {
        let headers = self.headers.iter();
        let unfilled = headers.filter(|(name, value)| self.is_unfilled(name, value));
        unfilled.map(|(name, _)| name.clone()).collect()
    }

    fn is_unfilled(&self, name: &str, value: &str) -> bool {
        let says_who_asks = is_secret(name) || written::is_known(name);
        self.left.iter().any(|left| left == name) || says_who_asks && is_blank(value)
    }

    /// Whether it is for `url`, so that what it names may be sent there.
    pub(super) fn is_for(&self, url: &str) -> bool {
        let parsed = |url: &str| Url::parse(&super::with_path(url)).ok();
        match parsed(&self.url) {
            Some(own) => parsed(url) == Some(own),
            None => self.url == url,
        }
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

/// Whether the value of a header is nobody else's to know.
fn is_secret(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    let mut words = ["authorization", "secret", "token", "key"].iter();
    words.any(|word| header.contains(word))
}

/// Whether a value is still to be written: nothing stands behind its scheme, or `<…>`.
fn is_blank(value: &str) -> bool {
    let value = value.trim();
    let mut schemes = ["", "Basic", "Bearer"].iter();
    let is_marked = value
        .split_once('<')
        .is_some_and(|(_, rest)| rest.contains('>'));
    is_marked || schemes.any(|scheme| value.eq_ignore_ascii_case(scheme))
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

/// The entry that is meant, or the names of all of them.
fn chosen(mut entries: Vec<Registration>, url: Option<&str>) -> Result<Registration, String> {
    let names = || {
        let first = entries.iter().take(NAMED);
        let mut names: Vec<_> = first
            .map(|entry| format!("`{}`", one_line(&entry.name)))
            .collect();
        if entries.len() > NAMED {
            names.push(format!("{} more", entries.len() - NAMED));
        }
        names.join(", ")
    };
    let place = match url {
        Some(url) => entries.iter().position(|entry| entry.is_for(url)),
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
    use super::{forms::entries, *};

    #[test]
    fn it_is_for_the_url_that_it_names() {
        let of = |url: &str| {
            let text = format!(r#"{{"a": {{"url": "{url}"}}}}"#);
            entries(&text).unwrap().remove(0)
        };
        let entry = of("https://a.example/mcp");
        for (url, expected) in [
            ("https://a.example/mcp", true),
            ("https://a.example:443", true),
            ("http://a.example/mcp", false),
            ("https://b.example/mcp", false),
        ] {
            assert_eq!(entry.is_for(url), expected, "{url}");
        }
        // What is no URL is for itself alone.
        let entry = of("a.<your-zone>/mcp");
        assert!(entry.is_for("a.<your-zone>/mcp") && !entry.is_for("b.<your-zone>/mcp"));
    }

    #[test]
    fn what_nobody_has_filled_in_is_not_sent() {
        let sent = |value: &str| {
            let text = format!(
                r#"{{"a": {{"url": "https://a/mcp", "headers": {{"Authorization": "{value}", "X-Plain": ""}}}}}}"#
            );
            let entry = entries(&text).unwrap().remove(0);
            assert_eq!(entry.sent().len() + entry.unfilled().len(), 2);
            entry.sent().len() == 2
        };
        for value in ["", "Bearer", "bearer ", "Bearer <your token>", "<TOKEN>"] {
            assert!(!sent(value), "{value}");
        }
        for value in ["Bearer ${A}", "Bearer a<b", "Bearer s3cret"] {
            assert!(sent(value), "{value}");
        }
    }

    #[test]
    fn of_several_entries_the_one_of_the_url_is_meant() {
        let two = || {
            entries(r#"{"a": {"url": "https://a/mcp"}, "b": {"url": "https://b/mcp"}}"#).unwrap()
        };
        for url in ["https://b/mcp", "https://b", "https://b:443/mcp"] {
            assert_eq!(chosen(two(), Some(url)).unwrap().name, "b", "{url}");
        }
        assert_eq!(chosen(two(), None).unwrap_err(), "`a`, `b`");
    }
}
