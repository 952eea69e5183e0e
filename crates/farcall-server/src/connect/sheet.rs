//! What goes along with the block: the tools, how jobs are driven, and how to send the secret.

use std::fmt::Write as _;

use super::{Auth, Client, Format, JobTools, Registration, Secrets, text};

impl Registration {
    /// What whoever consumes the server is handed beside the block, in Markdown.
    pub fn sheet(&self, client: &Client) -> String {
        let mut sheet = format!("# {}\n\n{}\n", self.heading(), self.whereabouts());
        sheet.push_str(&self.tools_in_markdown());
        sheet.push_str(&self.jobs_in_markdown());
        sheet.push_str("\n## Secrets\n\n");
        sheet.push_str(&self.secrets_in_markdown());
        if !self.headers().is_empty() {
            sheet.push_str(
                "- A secret travels by a way of its own that only the receiver can read: a shared vault of a password manager, \
                 or an encrypted message. Never with this sheet, in a chat, or in a repository.\n",
            );
        }
        sheet.push_str("\n## Registration\n\n");
        sheet.push_str(&self.in_markdown(client));
        sheet
    }

    /// A block with what to do with it, in Markdown.
    pub fn in_markdown(&self, client: &Client) -> String {
        let mut text = format!(
            "{}\n\n```{}\n{}\n```\n",
            self.steps(client),
            client.format.fence(),
            client.block(self)
        );
        if !client.note.is_empty() {
            let _ = write!(text, "\n{}\n", client.note);
        }
        text
    }

    /// Where the block goes and how the client comes by the secrets: a sentence or two.
    pub fn steps(&self, client: &Client) -> String {
        let into = format!("{}: put it into {}.", client.name, place(client.file));
        let variables = self.variables();
        let named = |before: &str, after: &str| {
            let names = variables
                .iter()
                .map(|name| format!("`{before}{name}{after}`"));
            names.collect::<Vec<_>>().join(" and ")
        };
        let (placeholders, variables) = (named("${", "}"), named("", ""));
        if variables.is_empty() {
            return into;
        }
        let secrets = match client.secrets {
            Secrets::Environment => {
                format!("Set {variables} in the environment that it is started in.")
            }
            Secrets::Asked => "It asks for what belongs to it, once.".to_owned(),
            Secrets::Written => format!(
                "It substitutes nothing: write the value instead of {placeholders}{}, and keep the file to yourself.",
                if client.id == "claude-desktop" {
                    " below `env`, and only there"
                } else {
                    ""
                }
            ),
        };
        format!("{into} {secrets}")
    }

    pub(super) fn heading(&self) -> String {
        text::markdown(self.title.as_ref().unwrap_or(&self.name))
    }

    /// What it is and where.
    pub(super) fn whereabouts(&self) -> String {
        format!(
            "{}, version {}: an MCP server over Streamable HTTP, at\n<{}>.",
            text::code(&self.name),
            text::markdown(&self.version),
            self.url
        )
    }

    /// The tools with a line for each; nothing where they are not told.
    pub(super) fn tools_in_markdown(&self) -> String {
        let Some(tools) = &self.tools else {
            return String::new();
        };
        let mut section = "\n## Tools\n\n".to_owned();
        for tool in tools {
            let (name, does) = (
                text::code(&tool.name),
                text::markdown(&text::first_sentence(&tool.description)),
            );
            let line = if does.is_empty() {
                format!("- {name}\n")
            } else {
                format!("- {name}: {does}\n")
            };
            section.push_str(&line);
        }
        if tools.is_empty() {
            section.push_str("None.\n");
        }
        section
    }

    /// How its jobs are driven; nothing where there are none, or where tools are not told.
    pub(super) fn jobs_in_markdown(&self) -> String {
        let jobs = self.jobs();
        if jobs.is_empty() {
            return String::new();
        }
        let mut section = if self.keeps_contract {
            CONTRACT.to_owned()
        } else {
            THREE_TOOLS.to_owned()
        };
        for (job, tools) in jobs {
            // Writing to a string cannot fail.
            let _ = write!(
                section,
                "- `{job}`: `start_{job}`, `get_{job}_status`, `get_{job}_result`"
            );
            let JobTools { cancel, log } = tools;
            if cancel {
                let _ = write!(section, ", `cancel_{job}` to end it");
            }
            if log {
                let _ = write!(section, ", `get_{job}_log` for lines of its log");
            }
            section.push('\n');
        }
        section
    }

    /// What callers send, as a list.
    pub(super) fn secrets_in_markdown(&self) -> String {
        let lines: Vec<_> = self
            .headers()
            .into_iter()
            .map(|header| {
                format!(
                    "- `{}` holds {}, which travels as `{}: {}…`.\n",
                    header.variable, header.holds, header.name, header.before
                )
            })
            .collect();
        let mut lines = lines.concat();
        lines.push_str(match self.auth {
            Auth::Access => {
                "- Cloudflare Access shows the Client Secret once, when the service token is made. Files are fetched with \
                 the same two headers.\n"
            }
            Auth::Bearer => {
                "- It is what the operator gave to this caller, or the one token of the server. Files are fetched without it \
                 where their URL is signed (it has `sig=`), and with the same header where it is not.\n"
            }
            Auth::OAuth => {
                "- There is nothing to send: a client finds the authorization server by itself, and its user logs in \
                 there.\n"
            }
            Auth::Open => "- There are none: whoever reaches the server may call.\n",
        });
        lines
    }
}

/// `a in the project, or b`, with the paths in it as code.
fn place(file: &str) -> String {
    let words = file.split(' ').map(|word| {
        let (path, comma) = match word.strip_suffix(',') {
            Some(path) => (path, ","),
            None => (word, ""),
        };
        if path.contains(['/', '.']) {
            format!("`{path}`{comma}")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What anybody means who has three tools of these names.
const THREE_TOOLS: &str = "
## Jobs

What takes long is three tools: `start_x` takes the input and answers with a `job_id`; `get_x_status` takes that and says
how far it is, in `state`, `stage`, `total_stages` and `message`, until `state` is `succeeded` or `failed`; then
`get_x_result` gives what came of it. How long a job is kept, and whether it survives a restart, is for its operator to say.

";

/// What every job of every server of ours does.
const CONTRACT: &str = "
## Jobs

What takes long is three tools, and none of them waits for the work:

1. `start_x` takes the input and answers with `job_id`, `state`, `total_stages` and `poll_after_ms`, once the job is on
   disk. It outlives the server's restarts, and runs at least once. With an `idempotency_key` of yours, the same
   start a second time is the same job.
2. `get_x_status` takes the `job_id`. Ask again after `poll_after_ms` milliseconds, until the state is final.
3. `get_x_result` takes the `job_id`, and once the state is `succeeded` answers with `ready: true`, the `url` of the
   primary file, `result`, and every file in `artifacts` (`name`, `url`, `size`, `sha256`, `media_type`,
   `expires_at`). Before that it is `ready: false`.

| field of a status | type | what it says |
| --- | --- | --- |
| `job_id` | string | which job, in every answer |
| `state` | string | `queued`, `running`, `succeeded` or `failed`; the last two are final |
| `stage`, `total_stages` | integer | how far it is; equal on success |
| `message` | string | one line for people, such as `[2/3] rendering frames` |
| `progress` | number | how far the stage is, from 0 to 1; only where the job says it |
| `error`, `error_code` | string | why it has failed; only then |
| `poll_after_ms` | integer | when to ask again; only while it is not over |

";

impl Format {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Toml => "TOML",
            Self::Yaml => "YAML",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CLIENTS, tests::example};
    use super::*;

    #[test]
    fn a_sheet_has_tools_jobs_and_how_to_send_the_secret() {
        let sheet = example(Auth::Access).sheet(&CLIENTS[0]);
        for part in [
            "\n- `add`: Add two numbers.\n",
            "\n- `render`: `start_render`, `get_render_status`, `get_render_result`\n",
            "`EXAMPLE_CF_CLIENT_SECRET` holds the Client Secret of the service token, which travels as `CF-Access-Client-Secret: …`",
            "\n```json\n{\n  \"mcpServers\"",
        ] {
            assert!(sheet.contains(part), "{part}\n{sheet}");
        }
    }

    #[test]
    fn paths_are_code_and_words_are_not() {
        assert_eq!(
            place("config/a.json in the project, or ~/.a/b.json"),
            "`config/a.json` in the project, or `~/.a/b.json`"
        );
    }

    #[test]
    fn foreign_text_stays_on_its_line() {
        let mut server = example(Auth::Open);
        server.name = "x`\n## Injected\n[a](javascript:b)".to_owned();
        server.tools.as_mut().unwrap()[0].description = "\n# Injected\n```".to_owned();
        let sheet = server.sheet(&CLIENTS[0]);
        assert!(
            !sheet
                .lines()
                .any(|line| line.trim_start_matches('#').starts_with(" Injected")),
            "{sheet}"
        );
        assert!(!sheet.contains("\n```\n## "), "{sheet}");
    }
}
