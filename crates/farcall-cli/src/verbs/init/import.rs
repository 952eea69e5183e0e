//! A block of `mcpServers`, as desktop clients keep it, as mounts.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use farcall_config::file::{is_runner, is_secret_name};
use farcall_core::name::tool_name_of;
use serde_json::{Map, Value};

use super::quoted;
use crate::Failure;

/// Where secrets are kept.
const SECRETS: &str = ".env";

/// The largest block that is read (1 MiB).
const LARGEST: u64 = 1 << 20;

/// What a block becomes.
#[derive(Default)]
pub(super) struct Import {
    /// Its mounts.
    pub(super) text: String,
    /// What to tell whoever pasted it.
    pub(super) notes: Vec<String>,
    /// Lines of `.env`.
    secrets: Vec<(String, String)>,
}

/// Reads the file with the block.
///
/// # Errors
/// A [`Failure`] where it is no JSON, or has no server in it.
pub(super) fn read(path: &Path) -> Result<Import, Failure> {
    let shown = path.display();
    let wrong = |reason: &str| {
        Failure::usage(format!("`{shown}` {reason}"))
            .hint("give the file of a client, with {\"mcpServers\": {\"name\": {\"command\": …, \"args\": […]}}}")
    };
    let size = fs::metadata(path)
        .map_err(|error| wrong(&format!("cannot be read: {error}")))?
        .len();
    if size > LARGEST {
        return Err(wrong("is too large to be a configuration"));
    }
    let text =
        fs::read_to_string(path).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    // What the parser says names the place, and quotes nothing.
    let value: Value =
        serde_json::from_str(&text).map_err(|error| wrong(&format!("is no JSON: {error}")))?;
    let servers = ["mcpServers", "servers"]
        .iter()
        .find_map(|key| value.get(key))
        .unwrap_or(&value);
    let servers = servers.as_object().filter(|servers| {
        servers
            .values()
            .any(|server| server.get("command").is_some_and(Value::is_string))
    });
    let servers = servers.ok_or_else(|| wrong("names no server with a `command`"))?;
    Ok(Import::of(servers))
}

impl Import {
    fn of(servers: &Map<String, Value>) -> Self {
        let mut import = Self::default();
        let mut taken = BTreeSet::new();
        let runs = |server: &Value| server.get("command").is_some_and(Value::is_string);
        let has_several = servers.values().filter(|server| runs(server)).count() > 1;
        for (name, server) in servers {
            let Some(command) = server.get("command").and_then(Value::as_str) else {
                let name = name.escape_debug();
                import.notes.push(format!(
                    "`{name}` has no command, so there is nothing to wrap; it was left out"
                ));
                continue;
            };
            let mount = own_name(name, &mut taken);
            import.mount(&mount, command, server, has_several);
        }
        import
    }

    fn mount(&mut self, name: &str, command: &str, server: &Value, has_several: bool) {
        let arguments = server
            .get("args")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let words = std::iter::once(command).chain(arguments.filter_map(Value::as_str));
        let words: Vec<_> = words.map(quoted).collect();
        // Writing to a string cannot fail.
        let text = &mut self.text;
        let _ = writeln!(text, "[mount.{name}]\ncommand = [{}]", words.join(", "));
        if has_several {
            let reason = "so that two servers can have tools of one name";
            let _ = writeln!(text, "prefix = \"{name}_\"   # {reason}");
        }
        if is_runner(command) {
            let reason =
                "it keeps what it fetches in your home; it may read `.env` and `.farcall`, too";
            let _ = writeln!(text, "sandbox = \"off\"   # {reason}");
        }
        if let Some(folder) = server.get("cwd").and_then(Value::as_str) {
            let _ = writeln!(text, "working_dir = {}", quoted(folder));
        }
        let variables = server
            .get("env")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        for (variable, value) in variables {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let value = if is_secret_name(variable) && !value.contains("${") && !value.is_empty() {
                self.secrets.push((variable.clone(), value));
                format!("${{{variable}}}")
            } else {
                translated(&value)
            };
            let _ = writeln!(self.text, "env.{} = {}", quoted(variable), quoted(&value));
        }
        self.text.push_str(
            "# jobs.slow_tool = { timeout = \"1h\" }   # a slow tool as a durable job\n\n",
        );
    }

    /// Adds the secrets to `.env`, which nobody else can read where it is made for them. A name that is
    /// there already stays as it is.
    pub(super) fn keep_secrets(&self) -> Result<(), Failure> {
        let before = fs::read_to_string(SECRETS).unwrap_or_default();
        let has = |name: &str| {
            let names = before.lines().filter_map(|line| line.split_once('='));
            names
                .into_iter()
                .any(|(known, _)| known.trim().trim_start_matches("export ") == name)
        };
        let mut added = BTreeSet::new();
        let mut lines = String::new();
        for (name, value) in &self.secrets {
            if !has(name) && added.insert(name) {
                // In single quotes nothing is filled in; a quote itself is written apart.
                let _ = writeln!(lines, "{name}='{}'", value.replace('\'', "'\\''"));
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        if !before.is_empty() && !before.ends_with('\n') {
            lines.insert(0, '\n');
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(SECRETS);
        file.and_then(|mut file| file.write_all(lines.as_bytes()))
            .map_err(|error| Failure::failed(format!("`{SECRETS}` cannot be written: {error}")))?;
        let names: Vec<_> = added.iter().map(|name| format!("`{name}`")).collect();
        crate::terminal::talk(&format!(
            "{} went into `{SECRETS}`; keep it out of version control",
            names.join(", ")
        ));
        Ok(())
    }
}

/// A name for a mount, which no other one has.
fn own_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut plain = tool_name_of(name, 32);
    if plain.is_empty() {
        "server".clone_into(&mut plain);
    }
    let mut own = plain.clone();
    let mut number = 2;
    while !taken.insert(own.clone()) {
        own = format!("{plain}_{number}");
        number += 1;
    }
    own
}

/// A value in which `${env:NAME}` is a variable, as some clients write it, in our terms. Any other `${`
/// is no variable of ours, and stands for itself.
fn translated(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let inside = after
            .split_once('}')
            .map(|(inside, _)| inside.trim_start_matches("env:"));
        let is_name = |name: &&str| {
            !name.starts_with(|sign: char| sign.is_ascii_digit())
                && !name.is_empty()
                && name
                    .chars()
                    .all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
        };
        rest = after;
        match inside.filter(is_name) {
            Some(_) => {
                text.push_str("${");
                rest = after.trim_start_matches("env:");
            }
            None => text.push_str("$${"),
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_other_clients_become_ours() {
        for (theirs, ours) in [
            ("plain", "plain"),
            ("${HOME}/x", "${HOME}/x"),
            ("${env:KEY}", "${KEY}"),
            ("a${input:key}b", "a$${input:key}b"),
            ("${", "$${"),
        ] {
            assert_eq!(translated(theirs), ours);
        }
    }

    #[test]
    fn every_mount_has_a_name_of_its_own() {
        let mut taken = BTreeSet::new();
        assert_eq!(own_name("my server", &mut taken), "my_server");
        assert_eq!(own_name("my.server", &mut taken), "my_server_2");
        assert_eq!(own_name("", &mut taken), "server");
    }
}
