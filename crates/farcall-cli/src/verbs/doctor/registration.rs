//! A hand-off as a consumer has it: `mcpServers` with a URL, headers and `enabledTools`.

use std::{fs, path::Path};

use serde_json::Value;

use super::finding::Finding;
use crate::Failure;

const CHECK: &str = "hand-off";

/// The most bytes of a file that are read.
const LARGEST: u64 = 1 << 20;

/// One entry of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Registration {
    pub(super) name: String,
    pub(super) url: String,
    /// As they are written, with `${NAME}` in the place of secrets.
    pub(super) headers: Vec<(String, String)>,
    pub(super) enabled: Option<Vec<String>>,
}

impl Registration {
    /// The entry of `file` for `url`, or the only one.
    ///
    /// # Errors
    /// A [`Failure`] where the file is none, or it cannot be told which entry is meant.
    pub(super) fn read(file: &Path, url: Option<&str>) -> Result<Self, Failure> {
        let shown = file.display();
        let unreadable = |reason: &dyn std::fmt::Display| {
            Failure::usage(format!("the hand-off `{shown}` cannot be read: {reason}"))
        };
        let found = fs::metadata(file).map_err(|error| unreadable(&error))?;
        if found.len() > LARGEST {
            return Err(unreadable(&"it is larger than 1 MiB"));
        }
        let text = fs::read_to_string(file).map_err(|error| unreadable(&error))?;
        let entries = entries(&text).map_err(|reason| {
            unreadable(&reason).hint("it is JSON such as {\"mcpServers\": {\"example-mcp\": {\"url\": \"https://…/mcp\", \"headers\": {…}}}}")
        })?;
        chosen(entries, url).map_err(|names| {
            Failure::usage(format!("the hand-off `{shown}` has several entries, {names}, and it is not told which is meant"))
                .hint("give the URL of the one that is meant")
        })
    }

    /// What is wrong with what it says, whatever the server says.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, value) in &self.headers {
            let is_secret = ["authorization", "secret", "token", "key"]
                .iter()
                .any(|word| name.to_ascii_lowercase().contains(word));
            if is_secret && !value.contains("${") {
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
                        self.name, self.url
                    ),
                )
                .cause("it was copied, and not filled in")
                .remedy("write the public URL, which ends in /mcp"),
            );
        }
        if findings.is_empty() {
            let variables = self
                .headers
                .iter()
                .filter(|(_, value)| value.contains("${"))
                .count();
            let said = format!(
                "`{}` is registered at `{}`, with {variables} of {} headers from variables",
                self.name,
                self.url,
                self.headers.len()
            );
            findings.push(Finding::ok(CHECK, said));
        }
        findings
    }
}

fn instead(header: &str) -> &'static str {
    if header.eq_ignore_ascii_case("authorization") {
        "Bearer ${EXAMPLE_MCP_TOKEN}"
    } else {
        "${EXAMPLE_CF_CLIENT_SECRET}"
    }
}

/// All entries of a text that have a URL.
///
/// # Errors
/// What it is instead.
pub(super) fn entries(text: &str) -> Result<Vec<Registration>, String> {
    let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let servers = ["mcpServers", "servers", "mcp", "context_servers"]
        .iter()
        .find_map(|key| root.get(key));
    let servers = servers
        .unwrap_or(&root)
        .as_object()
        .ok_or("it is no JSON object")?;
    let entries = servers.iter().filter_map(|(name, entry)| {
        let url = ["url", "httpUrl", "serverUrl", "uri"]
            .iter()
            .find_map(|key| entry.get(key)?.as_str())?;
        let headers = entry.get("headers").and_then(Value::as_object);
        let headers = headers
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let enabled = entry.get("enabledTools").and_then(Value::as_array);
        let enabled = enabled.map(|tools| {
            tools
                .iter()
                .filter_map(|tool| Some(tool.as_str()?.to_owned()))
                .collect()
        });
        Some(Registration {
            name: name.clone(),
            url: url.to_owned(),
            headers: headers.collect(),
            enabled,
        })
    });
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        return Err("it registers no server with a URL".to_owned());
    }
    Ok(entries)
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
    use super::*;

    const GUIDE: &str = r#"{"mcpServers": {"example-mcp": {"type": "streamableHttp", "url": "https://a.example/mcp",
        "headers": {"Authorization": "Bearer ${EXAMPLE_MCP_TOKEN}"}, "enabledTools": ["add"]}}}"#;

    #[test]
    fn the_guides_block_is_read() {
        let entries = entries(GUIDE).unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].name, "example-mcp");
        assert_eq!(entries[0].enabled, Some(vec!["add".to_owned()]));
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
    fn what_registers_nothing_is_none() {
        for text in [
            "",
            "[]",
            "3",
            "{}",
            r#"{"mcpServers": []}"#,
            r#"{"mcpServers": {"a": {"command": "x"}}}"#,
        ] {
            assert!(entries(text).is_err(), "{text}");
        }
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
