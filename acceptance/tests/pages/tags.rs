//! Which blocks of a page hold commands, and what it says of each.

/// Languages of commands.
const SHELLS: [&str; 4] = ["bash", "console", "sh", "shell"];

/// A block of commands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'page> {
    /// The line of its fence, from 1.
    pub(crate) line: usize,
    /// What is in it, without empty lines and what a line is indented by.
    pub(crate) lines: Vec<&'page str>,
    pub(crate) tag: Tag<'page>,
}

/// What the page says of a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tag<'page> {
    /// Nothing.
    Missing,
    /// Why nobody runs it here.
    NotRun(&'page str),
    /// That it is run.
    Run,
}

/// The blocks of commands of a page, in their order.
pub(crate) fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    // The last line that says something.
    let mut before = "";
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        let Some(info) = line.strip_prefix("```") else {
            if !line.is_empty() {
                before = line;
            }
            continue;
        };
        let block = lines.by_ref().map(|(_, line)| line.trim());
        let block = block.take_while(|line| *line != "```");
        let block: Vec<_> = block.filter(|line| !line.is_empty()).collect();
        let mut words = info.split_whitespace();
        if words
            .next()
            .is_some_and(|language| SHELLS.contains(&language))
        {
            let tag = match words.next() {
                Some("run" | "serves") => Tag::Run,
                _ => reason(before).map_or(Tag::Missing, Tag::NotRun),
            };
            blocks.push(Block {
                line: number + 1,
                lines: block,
                tag,
            });
        }
        before = "```";
    }
    blocks
}

fn reason(comment: &str) -> Option<&str> {
    let reason = comment
        .strip_prefix("<!-- not run: ")?
        .strip_suffix("-->")?;
    let reason = reason.trim();
    (!reason.is_empty()).then_some(reason)
}

#[test]
fn each_block_has_its_own_tag() {
    let page = "```sh run\na\n```\n<!-- not run: because -->\n\n```bash\n\n$ b\nc\n```\n\n```sh\nd\n```\n\n```toml\ne\n```\n\n   <!-- not run: -->\n   ```console\n   $ f\n   ```\n";
    let block = |line, lines: &[&'static str], tag| Block {
        line,
        lines: lines.to_vec(),
        tag,
    };
    assert_eq!(
        blocks(page),
        [
            block(1, &["a"], Tag::Run),
            block(6, &["$ b", "c"], Tag::NotRun("because")),
            block(12, &["d"], Tag::Missing),
            block(21, &["$ f"], Tag::Missing),
        ]
    );
}
