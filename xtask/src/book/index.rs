//! The book for machines: each page as Markdown beside its HTML, and `llms.txt`, which lists them all.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, ensure};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// What stands at the beginning of `llms.txt` (<https://llmstxt.org>).
const BEGINNING: &str = "# farcall

> farcall puts a person's own code online as a remote MCP server: programs of any language, HTTP services, MCP servers over
> standard input and output, and Rust functions become tools that agents call over HTTPS. What takes long becomes a durable job
> with progress and files.

Each page is here as Markdown. If your user wants their code online, begin with
[the playbook for LLM agents](for-llm-agents.md), and follow it from top to bottom.
";

/// How much of a page's first paragraph is told.
const LONGEST: usize = 240;

/// Puts the pages of `source` and `llms.txt` into the built `book`.
///
/// # Errors
/// A page that is listed and not there.
pub(crate) fn write(source: &Path, book: &Path) -> anyhow::Result<()> {
    let summary = fs::read_to_string(source.join("SUMMARY.md"))?;
    let mut text = BEGINNING.to_owned();
    for line in summary.lines() {
        if let Some(part) = line.strip_prefix("# ") {
            // The first heading is that of the summary itself, and what follows belongs to no part.
            let part = if part == "Summary" { "Overview" } else { part };
            let _ = write!(text, "\n## {part}\n\n");
        } else if let Some((title, page)) = listed(line) {
            let markdown = fs::read_to_string(source.join(page))?;
            let place = book.join(page);
            ensure!(
                place.with_extension("html").exists(),
                "`{page}` is listed, and mdBook made nothing of it"
            );
            fs::write(&place, &markdown)?;
            let _ = match first_words(&markdown) {
                words if words.is_empty() => writeln!(text, "- [{title}]({page})"),
                words => writeln!(text, "- [{title}]({page}): {words}"),
            };
        }
    }
    fs::write(book.join("llms.txt"), text).context("`llms.txt` cannot be written")?;
    Ok(())
}

/// The title and the page of a line of the summary.
fn listed(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start().trim_start_matches("- ");
    line.strip_prefix('[')?.strip_suffix(')')?.split_once("](")
}

/// The whole sentences that a page begins with, as plain text.
fn first_words(page: &str) -> String {
    let mut words = String::new();
    let mut is_inside = false;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Paragraph) | Event::End(TagEnd::Image) => is_inside = true,
            Event::Start(Tag::Image { .. }) => is_inside = false,
            Event::End(TagEnd::Paragraph) => {
                if !words.is_empty() {
                    break;
                }
                is_inside = false;
            }
            Event::Text(said) | Event::Code(said) if is_inside => words.push_str(&said),
            Event::SoftBreak if is_inside => words.push(' '),
            _ => {}
        }
    }
    keep_sentences(&mut words);
    words
}

/// Leaves of a paragraph what ends with a full stop, and no more of it than [`LONGEST`], but its first sentence.
fn keep_sentences(words: &mut String) {
    if words.ends_with(':') {
        // What it leads to is not told.
        words.pop();
        words.push('.');
    }
    let mut end = 0;
    let last = words.ends_with('.').then_some(words.len());
    let ends = words.match_indices(". ").map(|(at, _)| at + 1);
    for candidate in ends.chain(last) {
        if end > 0 && candidate > LONGEST {
            break;
        }
        end = candidate;
    }
    words.truncate(end);
}

#[test]
fn a_page_is_told_by_its_first_sentences() {
    let page =
        "# A\n\n<!-- no -->\n\n![a picture](x.svg)\n\nOne `b` [c](d.md) e.\nTwo. Three.\n\nFour.\n";
    assert_eq!(first_words(page), "One b c e. Two. Three.");
    assert_eq!(
        first_words("One. Two, as follows:\n\n- a.\n"),
        "One. Two, as follows."
    );
    assert_eq!(first_words("Measured by\n\n    b\n\nwhich is c.\n"), "");
    assert_eq!(first_words("# A\n\n| a. |\n| - |\n\nOne.\n"), "One.");
}
