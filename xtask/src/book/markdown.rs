//! What a page of Markdown links to, and what in it can be linked to.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A page, read for its links.
#[derive(Debug)]
pub(crate) struct Page {
    /// In their order.
    pub(crate) links: Vec<Link>,
    /// What may stand behind `#`: the headings, as GitHub and mdBook name them.
    pub(crate) anchors: BTreeSet<String>,
}

/// One link or picture.
#[derive(Debug)]
pub(crate) struct Link {
    /// Where it leads, as it is written.
    pub(crate) target: String,
    /// Where in the page it is written; `None` for one that is its own text, such as `<https://…>`.
    pub(crate) written: Option<Range<usize>>,
    /// In which line it begins, from 1.
    pub(crate) line: usize,
}

impl Page {
    /// Reads a page.
    pub(crate) fn read(text: &str) -> Self {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS;
        let mut links = Vec::new();
        let mut anchors = Anchors::default();
        let mut heading: Option<String> = None;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push(Link {
                        written: written(text, &range, &dest_url),
                        target: dest_url.into_string(),
                        line: text[..range.start].matches('\n').count() + 1,
                    });
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    anchors.add(&heading.take().unwrap_or_default());
                }
                Event::Text(said) | Event::Code(said) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&said);
                    }
                }
                _ => {}
            }
        }
        Self {
            links,
            anchors: anchors.known,
        }
    }
}

/// Where the destination of a link stands: behind the last `](` that it stands behind at all.
fn written(text: &str, link: &Range<usize>, target: &str) -> Option<Range<usize>> {
    let sought = format!("]({target}");
    let start = link.start + text[link.clone()].rfind(&sought)? + 2;
    Some(start..start + target.len())
}

/// The names of headings, each once.
#[derive(Default)]
struct Anchors {
    known: BTreeSet<String>,
    times: HashMap<String, usize>,
}

impl Anchors {
    fn add(&mut self, heading: &str) {
        let mut name = String::new();
        for sign in heading.trim().chars() {
            match sign {
                ' ' | '-' => name.push('-'),
                sign if sign.is_alphanumeric() || sign == '_' => name.extend(sign.to_lowercase()),
                _ => {}
            }
        }
        let times = self.times.entry(name.clone()).or_default();
        if *times > 0 {
            name = format!("{name}-{times}");
        }
        *times += 1;
        self.known.insert(name);
    }
}

#[test]
fn a_page_is_read_with_its_headings_and_links() {
    let page = Page::read(
        "# Keep it running (systemd)\n\n[a](b.md#c) and\n![d](e.svg \"f\") <https://g.example>\n\n## `x` twice\n\n## x twice\n\n```sh\n[no](link)\n```\n",
    );
    let anchors: Vec<_> = page.anchors.iter().map(String::as_str).collect();
    assert_eq!(anchors, ["keep-it-running-systemd", "x-twice", "x-twice-1"]);
    let links: Vec<_> = page
        .links
        .iter()
        .map(|link| (link.target.as_str(), link.line, link.written.is_some()))
        .collect();
    assert_eq!(
        links,
        [
            ("b.md#c", 3, true),
            ("e.svg", 4, true),
            ("https://g.example", 4, false)
        ]
    );
}
