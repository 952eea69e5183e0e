//! The parts of a page that somebody types.

/// What a reader does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Does something that the page does not show.
    Prepared { command: String },
    /// Types commands that must all end well, and sees something.
    Scripted {
        text: String,
        shown: Option<Vec<String>>,
    },
    /// Starts a server, which stays.
    Served { command: String, shown: Vec<String> },
    /// Ends the server that stays.
    Stopped,
    /// Types a command, and sees something.
    Typed { command: String, shown: Vec<String> },
    /// Writes a file.
    Written { name: String, text: String },
}

impl Part {
    /// Whether a page of such parts alone has nothing to type.
    pub(crate) fn is_for_nobody(&self) -> bool {
        matches!(
            self,
            Self::Prepared { .. } | Self::Stopped | Self::Written { .. }
        )
    }
}

/// What stands before a command that readers are not shown.
const BEFORE: &str = "<!-- before: ";

/// What a page names where its reader ends a server.
const STOP: &str = "Ctrl-C";

/// What the reader of a page does, in order.
pub(crate) fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(command) = line.trim_start().strip_prefix(BEFORE) {
            let command = command.strip_suffix("-->").expect("a comment of one line");
            let command = command.trim_end().to_owned();
            parts.push(Part::Prepared { command });
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let Some(info) = line.trim_start().strip_prefix("```") else {
            if line.contains(STOP) {
                parts.push(Part::Stopped);
            }
            continue;
        };
        let is_inside = |line: &&str| line.trim_start() != "```";
        let block = lines.by_ref().take_while(is_inside);
        let block: Vec<_> = block
            .map(|line| line.get(indent..).unwrap_or_default())
            .collect();
        let text = block.join("\n") + "\n";
        let mut words = info.split_whitespace();
        match (words.next(), words.next()) {
            (Some("console"), Some("run")) => parts.extend(typed(&block)),
            (Some("sh"), Some("run")) => parts.push(Part::Scripted { text, shown: None }),
            (Some("sh"), Some("serves")) => parts.push(Part::Served {
                command: text,
                shown: Vec::new(),
            }),
            (Some("text"), Some("printed")) => {
                let Some(Part::Scripted { shown, .. }) = parts.last_mut() else {
                    panic!("nothing that was typed prints this: {text}");
                };
                *shown = Some(block.iter().map(|&line| line.to_owned()).collect());
            }
            (Some(_), Some(name)) if name.contains('.') => parts.push(Part::Written {
                name: name.to_owned(),
                text,
            }),
            (Some(language), Some(word)) => panic!("`{language} {word}` means nothing"),
            _ => {}
        }
    }
    parts
}

fn typed(block: &[&str]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = block.iter();
    while let Some(line) = lines.next() {
        if let Some(command) = line.strip_prefix("$ ") {
            let mut command = command.to_owned();
            while command.ends_with('\\') {
                command.push('\n');
                command.push_str(lines.next().expect("a command that goes on"));
            }
            let shown = Vec::new();
            parts.push(if command.starts_with("farcall serve") {
                Part::Served { command, shown }
            } else {
                Part::Typed { command, shown }
            });
        } else if let Some(Part::Typed { shown, .. } | Part::Served { shown, .. }) =
            parts.last_mut()
        {
            shown.push((*line).to_owned());
        } else {
            panic!("a block of `console` begins with what nobody typed: {line}");
        }
    }
    parts
}

#[test]
fn a_page_is_what_its_reader_does() {
    let page = "# A\n\n```toml\nx = 1\n```\n\n<!-- before: cp a b -->\n\n```toml a.toml\nx = 2\n\ny = 3\n```\nEnd it (Ctrl-C).\n```console run\n$ cat a.toml\nx = 2\n…\n$ true \\\n  --so\n$ farcall serve\nx\n```\n\n1. one\n\n   ```sh run\n   a\n     b\n   ```\n\n```text printed\nc\n```\n\n```sh serves\nd\n```\n\n```sh\nno\n```\n";
    let lines =
        |shown: &[&str]| -> Vec<String> { shown.iter().map(|line| (*line).to_owned()).collect() };
    let typed = |command: &str, shown: &[&str]| Part::Typed {
        command: command.to_owned(),
        shown: lines(shown),
    };
    let expected = [
        Part::Prepared {
            command: "cp a b".to_owned(),
        },
        Part::Written {
            name: "a.toml".to_owned(),
            text: "x = 2\n\ny = 3\n".to_owned(),
        },
        Part::Stopped,
        typed("cat a.toml", &["x = 2", "…"]),
        typed("true \\\n  --so", &[]),
        Part::Served {
            command: "farcall serve".to_owned(),
            shown: lines(&["x"]),
        },
        Part::Scripted {
            text: "a\n  b\n".to_owned(),
            shown: Some(lines(&["c"])),
        },
        Part::Served {
            command: "d\n".to_owned(),
            shown: Vec::new(),
        },
    ];
    assert_eq!(parts(page), expected);
}
