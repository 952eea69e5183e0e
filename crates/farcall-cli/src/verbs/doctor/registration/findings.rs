//! What is wrong with what a hand-off says, whatever the server says.

use url::Url;

use super::{Enabled, Registration, Substitution, has_placeholder, is_blank, is_secret, shown};
use crate::{
    client::{Endpoint, one_line},
    verbs::doctor::{credentials::written, finding::Finding, placeholder::is_literal, with_path},
};

const CHECK: &str = "hand-off";

/// The check that `path` goes on with, once it has the list of tools.
const TOOLS: &str = "enabledTools";

/// How Codex is told of headers.
const OF_CODEX: &str = "name the variable alone, bearer_token_env_var = \"EXAMPLE_MCP_TOKEN\" for a token, env_http_headers = { \"CF-Access-Client-Id\" = \"EXAMPLE_CF_CLIENT_ID\" } for others";

impl Registration {
    /// What is wrong with it, or that nothing is; then what there is to say of its list of tools.
    pub(in crate::verbs::doctor) fn findings(&self) -> Vec<Finding> {
        let headers = self.headers.iter();
        let mut findings: Vec<_> = headers
            .filter_map(|(name, value)| self.of_header(name, value))
            .collect();
        if self.is_ignored {
            findings.push(
                Finding::broken(
                    CHECK,
                    format!(
                        "`headers` of `{}` is ignored by Codex, so nothing of it is sent",
                        self.called()
                    ),
                )
                .cause("Codex has other keys for them than clients that read JSON")
                .remedy(OF_CODEX),
            );
        }
        findings.extend(self.of_url());
        if let Enabled::Malformed(key) = self.enabled {
            findings.push(
                Finding::broken(
                    CHECK,
                    format!("`{key}` of `{}` is no list of names", self.called()),
                )
                .cause("a client refuses the entry, or shows its agent all tools")
                .remedy(format!("write the names as a list: \"{key}\": [\"add\"]")),
            );
        }
        if findings.is_empty() {
            findings.push(self.fine());
        }
        findings.extend(self.of_tools());
        findings
    }

    /// That it is for another URL than the one that is looked at.
    pub(in crate::verbs::doctor) fn elsewhere(&self, url: &str) -> Finding {
        Finding::broken(CHECK, format!("`{}` is registered at `{}`, and this looks at `{}`", self.called(), self.place(), shown(url)))
            .cause("the consumer calls another server, or an address that this one had; its headers are not sent here")
            .remedy("write the URL of the server into the hand-off, or leave it away here, to look at the one that is registered")
    }

    fn of_header(&self, name: &str, value: &str) -> Option<Finding> {
        let header = one_line(name);
        if self.is_unfilled(name, value) {
            let said = format!(
                "the header `{header}` of `{}` is still to be filled in, and is not sent",
                self.called()
            );
            let cause = match self.substitution {
                _ if is_blank(value) => {
                    "nothing stands there, or `<…>` in the place of what says who asks"
                }
                Substitution::Codex => "Codex sends what `http_headers` says as it is written",
                Substitution::Client | Substitution::None => {
                    "this client sends what is written, and puts nothing in the place of a variable"
                }
                Substitution::Program => {
                    "the entry starts a program, and nothing puts a value in the place of what is written there as a variable"
                }
            };
            let remedy = match self.substitution {
                Substitution::Client => in_client(name),
                Substitution::Codex => in_codex(name),
                Substitution::None => format!(
                    "write the value in its place, and keep the file out of git; to look further all the same: {}",
                    written::as_flag(name)
                ),
                Substitution::Program => format!(
                    "write the value in its place below `env`, and only there; to look further all the same: {}",
                    written::as_flag(name)
                ),
            };
            return Some(Finding::warning(CHECK, said).cause(cause).remedy(remedy));
        }
        if !is_secret(name) || !is_literal(value) {
            return None;
        }
        let said = format!(
            "the header `{header}` of `{}` holds the secret itself",
            self.called()
        );
        let instead = match self.substitution {
            Substitution::None | Substitution::Program => {
                return Some(
                    Finding::warning(CHECK, said)
                        .cause("this client puts no variable in its place, so whoever reads the file has the secret")
                        .remedy("keep the file to yourself, and out of git; a token of its own can be revoked: farcall token create NAME"),
                );
            }
            Substitution::Client => in_client(name),
            Substitution::Codex => in_codex(name),
        };
        Some(
            Finding::broken(CHECK, said)
                .cause("whoever gets the file has the secret, and it may be committed")
                .remedy(format!(
                    "{instead}; send the secret by another way, and make it anew"
                )),
        )
    }

    fn of_url(&self) -> Vec<Finding> {
        let (name, place) = (self.called(), self.place());
        let mut findings = Vec::new();
        if self.url.contains(['<', '>']) {
            let said = format!("the URL of `{name}` still holds a placeholder: `{place}`");
            findings.push(
                Finding::broken(CHECK, said)
                    .cause("it was copied, and not filled in")
                    .remedy("write the public URL, which ends in /mcp"),
            );
        }
        if self.url.contains('?') || has_login(&self.url) {
            let said = format!("the URL of `{name}` is more than `{place}`");
            findings.push(
                Finding::broken(CHECK, said)
                    .cause("what stands behind `?` or before `@` is a key or a name, and URLs end up in logs")
                    .remedy("write the URL alone, and send what says who asks as a header from a variable"),
            );
        }
        if findings.is_empty() && Endpoint::new(&with_path(&self.url)).is_err() {
            let said = format!("`{place}` of `{name}` is no http or https URL");
            findings.push(
                Finding::broken(CHECK, said)
                    .cause("it was cut off, or is an address without https:// before it")
                    .remedy(
                        "write the public URL whole, such as https://example-mcp.example.com/mcp",
                    ),
            );
        }
        findings
    }

    fn fine(&self) -> Finding {
        let headers = self.headers.iter();
        let variables = headers.filter(|(_, value)| has_placeholder(value)).count();
        let said = format!(
            "`{}` is registered at `{}`, with {variables} of {} headers from variables",
            self.called(),
            self.place(),
            self.headers.len()
        );
        Finding::ok(CHECK, said)
    }

    fn of_tools(&self) -> Option<Finding> {
        match self.enabled {
            Enabled::All => Some(Finding::ok(
                TOOLS,
                "it enables all tools, whichever there are",
            )),
            Enabled::Unsaid => Some(Finding::unverified(
                TOOLS,
                format!(
                    "`{}` lists no tools, so there is nothing to hold against those that there are",
                    self.called()
                ),
            )),
            Enabled::Malformed(_) | Enabled::Names(_) => None,
        }
    }

    /// Its name, as it may be shown: each finding repeats it.
    fn called(&self) -> String {
        one_line(&self.name)
    }

    /// Its URL, as it may be shown.
    fn place(&self) -> String {
        shown(&self.url)
    }
}

/// Whether a URL, or what was meant to be one, has somebody before its host; an `@` behind that is no more than a sign.
fn has_login(url: &str) -> bool {
    match Url::parse(url) {
        Ok(url) if url.has_host() => !url.username().is_empty() || url.password().is_some(),
        Ok(_) | Err(_) => {
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            let mut parts = rest.split(['/', '?', '#']);
            parts
                .next()
                .is_some_and(|authority| authority.contains('@'))
        }
    }
}

fn in_client(header: &str) -> String {
    let written = written::in_json(header);
    format!("write a variable in its place, such as {written}")
}

fn in_codex(header: &str) -> String {
    let written = written::in_toml(header);
    format!("name the variable alone: {written}")
}

#[cfg(test)]
mod tests {
    use super::{super::forms::entries, *};
    use crate::verbs::doctor::finding::Level;

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
        assert_eq!(finding.level, Level::Broken);
        assert!(finding.said.contains("holds the secret itself"));
        assert!(!format!("{finding:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_left_empty_is_no_secret() {
        for value in ["", "Bearer <your token>"] {
            let text = GUIDE.replace("Bearer ${EXAMPLE_MCP_TOKEN}", value);
            let finding = entries(&text).unwrap()[0].findings().remove(0);
            assert_eq!(finding.level, Level::Warning);
            assert!(finding.said.contains("still to be filled in"));
            let remedy = finding.remedy.unwrap();
            assert!(remedy.contains("Bearer ${EXAMPLE_MCP_TOKEN}"), "{remedy}");
        }
    }

    #[test]
    fn what_is_left_empty_is_told_by_its_own_name() {
        for (header, variable) in [
            ("CF-Access-Client-Id", "EXAMPLE_CF_CLIENT_ID"),
            ("cf-access-client-secret", "EXAMPLE_CF_CLIENT_SECRET"),
        ] {
            let begins = "[mcp_servers.a]\nurl = \"https://a.example/mcp\"";
            let json = GUIDE.replace("Authorization", header);
            for (text, remedy) in [
                (
                    json.replace("Bearer ${EXAMPLE_MCP_TOKEN}", " "),
                    format!("\": \"${{{variable}}}\""),
                ),
                (
                    format!("{begins}\nhttp_headers = {{ \"{header}\" = \"\" }}\n"),
                    format!("\" = \"{variable}\" }}"),
                ),
                (
                    format!("{begins}\nenv_http_headers = {{ \"{header}\" = \"\" }}\n"),
                    format!("\" = \"{variable}\" }}"),
                ),
            ] {
                let entry = entries(&text).unwrap().remove(0);
                assert_eq!(entry.unfilled(), [header], "{text}");
                let finding = entry.findings().remove(0);
                let left = format!("`{header}` of");
                assert!(finding.said.contains(&left), "{finding:?}");
                let told = finding.remedy.unwrap();
                assert!(told.contains(&remedy), "{told}");
                assert!(!told.contains("Authorization"), "{told}");
            }
        }
    }

    #[test]
    fn a_long_name_is_not_repeated_with_every_header() {
        let name = "a".repeat(10_000);
        let headers: Vec<_> = (0..100)
            .map(|index| format!(r#""x-key-{index}": """#))
            .collect();
        let headers = headers.join(", ");
        let text = format!(r#"{{"{name}": {{"url": "https://a/mcp", "headers": {{{headers}}}}}}}"#);
        let findings = entries(&text).unwrap()[0].findings();
        assert_eq!(findings.len(), 101);
        assert!(findings.iter().all(|finding| finding.said.len() < 1000));
    }

    #[test]
    fn what_a_url_holds_besides_the_address_is_found_and_not_repeated() {
        for url in [
            "https://a.example/mcp?key=s3cret-s3cret",
            "https://s3cret-s3cret@a.example/mcp",
            "https://ann:s3cret-s3cret@a.example/mcp",
            "a.example:x/mcp?key=s3cret-s3cret",
            "<s3cret-s3cret@a.example>/mcp",
            "https:/ann:s3cret-s3cret@a.example/mcp",
            "https://ann:s3cret-s3cret@<your-zone>/mcp",
            "s3cret-s3cret@a.example/mcp",
        ] {
            let text = GUIDE.replace("https://a.example/mcp", url);
            let entry = entries(&text).unwrap().remove(0);
            let findings = format!("{:?} {:?}", entry.findings(), entry.elsewhere(url));
            assert!(findings.contains("is more than"), "{findings}");
            assert!(!findings.contains("s3cret"), "{findings}");
        }
    }

    #[test]
    fn a_sign_of_a_path_is_no_login() {
        let text = GUIDE.replace("https://a.example/mcp", "https://a.example/@ann/mcp");
        let finding = entries(&text).unwrap()[0].findings().remove(0);
        assert_eq!(finding.level, Level::Ok, "{finding:?}");
    }

    #[test]
    fn a_url_that_nothing_can_be_sent_to_is_broken() {
        for url in [
            "a.example/mcp",
            "a.example/@ann/mcp",
            "ftp://a.example/mcp",
            "https://",
            "",
        ] {
            let text = GUIDE.replace("https://a.example/mcp", url);
            let finding = entries(&text).unwrap()[0].findings().remove(0);
            assert_eq!(finding.level, Level::Broken, "{url}");
            assert!(finding.said.contains("is no http or https URL"), "{url}");
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

    /// Entries of clients that substitute nothing, with `VALUE` in the place of what they send.
    const WRITTEN: [&str; 3] = [
        r#"{"mcpServers": {"a": {"command": "npx", "args": ["-y", "mcp-remote", "https://a.example/mcp",
            "--header", "Authorization:${A}", "--header", "X-Plain:1"], "env": {"A": "VALUE"}}}}"#,
        r#"{"mcpServers": {"a": {"type": "streamableHttp", "url": "https://a.example/mcp", "disabled": false,
            "headers": {"Authorization": "VALUE", "X-Plain": "1"}}}}"#,
        r#"{"context_servers": {"a": {"url": "https://a.example/mcp",
            "headers": {"Authorization": "VALUE", "X-Plain": "1"}}}}"#,
    ];

    #[test]
    fn where_nothing_is_substituted_the_secret_itself_is_no_fault() {
        for text in WRITTEN {
            let text = text.replace("VALUE", "Bearer s3cret-s3cret");
            let entry = entries(&text).unwrap().remove(0);
            assert_eq!(entry.sent().len(), 2, "{text}");
            let finding = entry.findings().remove(0);
            assert_eq!(finding.level, Level::Warning, "{text}");
            assert!(finding.said.contains("holds the secret itself"));
            assert!(!format!("{finding:?}").contains("s3cret"));
        }
    }

    #[test]
    fn where_nothing_is_substituted_a_variable_is_not_sent() {
        for text in WRITTEN {
            let text = text.replace("VALUE", "Bearer ${A_MCP_TOKEN}");
            let entry = entries(&text).unwrap().remove(0);
            assert_eq!(entry.sent(), [("X-Plain".to_owned(), "1".to_owned())]);
            let finding = entry.findings().remove(0);
            assert_eq!(finding.level, Level::Warning, "{text}");
            assert!(finding.said.contains("still to be filled in"));
        }
    }

    #[test]
    fn codex_has_keys_of_its_own_for_headers() {
        let read = |lines: &str| {
            let text = format!("[mcp_servers.a]\nurl = \"https://a.example/mcp\"\n{lines}\n");
            entries(&text).unwrap().remove(0)
        };
        let entry = read("headers = { Authorization = \"Bearer ${A_MCP_TOKEN}\" }");
        assert!(entry.headers.is_empty());
        let finding = entry.findings().remove(0);
        assert_eq!(finding.level, Level::Broken);
        assert!(finding.said.contains("is ignored by Codex"));
        let remedy = finding.remedy.unwrap();
        assert!(remedy.contains("bearer_token_env_var") && remedy.contains("env_http_headers"));

        let entry = read("http_headers = { Authorization = \"Bearer ${A_MCP_TOKEN}\" }");
        assert!(entry.sent().is_empty());
        assert!(entry.findings()[0].said.contains("still to be filled in"));
        let entry = read("http_headers = { Authorization = \"Bearer s3cret-s3cret\" }");
        assert_eq!(entry.findings()[0].level, Level::Broken);
        let entry = read("bearer_token_env_var = \"A_MCP_TOKEN\"");
        assert_eq!(entry.sent()[0].1, "Bearer ${A_MCP_TOKEN}");
        assert_eq!(entry.findings()[0].level, Level::Ok);
    }
}
