//! What a language model reads about a server, in Markdown: the same as the page, and the job contract.

use std::fmt::Write as _;

use super::{Auth, CLIENTS, Registration, text};

impl Registration {
    /// The text of `/llms.txt`, with what an agent should know first, where the server says anything, and with the
    /// check that fails at this moment, where one does.
    pub(super) fn llms_txt(&self, instructions: Option<&str>, failing: Option<&str>) -> String {
        let mut text = format!(
            "# {}\n\n> {}\n\n{}\n",
            self.heading(),
            self.whereabouts().replace('\n', " "),
            health(failing)
        );
        if let Some(instructions) = instructions {
            text.push_str("\n## What to know first\n\n");
            // Of any length, and in any form; a quotation ends no section.
            for line in instructions.lines() {
                let _ = writeln!(text, "> {}", text::long_markdown(line));
            }
        }
        text.push_str(&self.tools_in_markdown());
        text.push_str(&self.jobs_in_markdown());
        text.push_str("\n## What callers send\n\n");
        text.push_str(&self.secrets_in_markdown());
        text.push_str("\n## Connect a client\n\n");
        text.push_str(match self.auth {
            Auth::Access | Auth::Bearer => {
                "Each block names variables instead of secrets. Never write a secret into one that is shared or \
                 committed; ask the person whom you work for to set the variable.\n"
            }
            Auth::OAuth | Auth::Open => "Add the block to what is in the file already.\n",
        });
        for client in &CLIENTS {
            let _ = write!(
                text,
                "\n### {}\n\n{}",
                client.name,
                self.in_markdown(client)
            );
        }
        text
    }
}

fn health(failing: Option<&str>) -> String {
    let state = match failing {
        None => "It is ready.".to_owned(),
        Some(check) => format!("It is not ready: the check `{check}` fails."),
    };
    format!("{state} `GET /readyz` says so at any time, and `GET /healthz` that it runs.")
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn it_has_every_client_and_what_to_know_first() {
        let long = "word ".repeat(200);
        let instructions = format!("Be kind.\n## Not a heading\n{long}end");
        let text = example(Auth::Bearer).llms_txt(Some(&instructions), None);
        assert!(text.contains(&format!("\n> {long}end\n")), "{text}");
        for client in &CLIENTS {
            assert!(
                text.contains(&format!("\n### {}\n", client.name)),
                "{}",
                client.name
            );
        }
        assert!(
            text.contains("\n> Be kind.\n> \\#\\# Not a heading\n"),
            "{text}"
        );
    }

    #[test]
    fn it_says_whether_the_server_is_ready() {
        let server = example(Auth::Bearer);
        for (failing, said) in [
            (None, "\n\nIt is ready. `GET /readyz` says so"),
            (
                Some("disk"),
                "\n\nIt is not ready: the check `disk` fails. ",
            ),
        ] {
            let text = server.llms_txt(None, failing);
            assert!(text.contains(said), "{text}");
        }
    }
}
