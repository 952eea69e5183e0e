//! The parts of a page that somebody types.

/// What a reader does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Types a command, and sees something.
    Typed { command: String, shown: Vec<String> },
    /// Writes a file.
    Written { name: String, text: String },
}

/// What the reader of a page does, in order.
pub(crate) fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        let mut words = info.split_whitespace();
        match (words.next(), words.next()) {
            (Some("console"), None) => parts.extend(typed(&block)),
            (Some(_), Some(name)) => parts.push(Part::Written {
                name: name.to_owned(),
                text: block.join("\n") + "\n",
            }),
            _ => {}
        }
    }
    parts
}

fn typed(block: &[&str]) -> Vec<Part> {
    let mut parts = Vec::new();
    for line in block {
        if let Some(command) = line.strip_prefix("$ ") {
            parts.push(Part::Typed {
                command: command.to_owned(),
                shown: Vec::new(),
            });
        } else if let Some(Part::Typed { shown, .. }) = parts.last_mut() {
            shown.push((*line).to_owned());
        } else {
            panic!("a block of `console` begins with what nobody typed: {line}");
        }
    }
    parts
}

#[test]
fn a_page_is_what_its_reader_does() {
    let page = "# A\n\n```toml\nx = 1\n```\n\n```toml a.toml\nx = 2\n\ny = 3\n```\ntext\n```console\n$ cat a.toml\nx = 2\n…\n$ true\n```\n";
    let typed = |command: &str, shown: &[&str]| Part::Typed {
        command: command.to_owned(),
        shown: shown.iter().map(|line| (*line).to_owned()).collect(),
    };
    let expected = [
        Part::Written {
            name: "a.toml".to_owned(),
            text: "x = 2\n\ny = 3\n".to_owned(),
        },
        typed("cat a.toml", &["x = 2", "…"]),
        typed("true", &[]),
    ];
    assert_eq!(parts(page), expected);
}
