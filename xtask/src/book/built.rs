//! Whether the links of the built pages lead anywhere, and their tables are tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::place;

/// A page as it is built.
#[derive(Debug, Default)]
struct Built {
    /// What `href` and `src` say.
    links: BTreeSet<String>,
    /// What `id` and `name` say.
    anchors: BTreeSet<String>,
    /// Whether a row of a table stands outside of one, as it does behind an empty line.
    has_stray_row: bool,
}

/// Looks at every link and every table of every page of the folder `book`.
///
/// # Errors
/// All links to files and places that are not there, and the pages with rows outside of a table.
pub(crate) fn check(book: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    list(book, &mut files)?;
    let mut names = BTreeSet::new();
    let mut pages = BTreeMap::new();
    for path in files {
        let name = path.strip_prefix(book)?.to_string_lossy().into_owned();
        if path.extension().is_some_and(|end| end == "html") {
            let text = fs::read_to_string(&path)?;
            pages.insert(name.clone(), read(&text));
        }
        names.insert(name);
    }
    let mut faults = Vec::new();
    for (name, page) in &pages {
        if page.has_stray_row {
            faults.push(format!("{name}: a row stands outside of its table"));
        }
        for link in &page.links {
            if !leads(name, link, &names, &pages) {
                faults.push(format!("{name}: `{link}`"));
            }
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!(
        "links of the book lead nowhere, or its tables are broken:\n{}",
        faults.join("\n")
    )
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).context("the book cannot be read")? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether there is something at the end of a link. What leads out of the book was read before it was built.
fn leads(
    from: &str,
    link: &str,
    names: &BTreeSet<String>,
    pages: &BTreeMap<String, Built>,
) -> bool {
    if link.contains("://") || link.starts_with("data:") {
        return true;
    }
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match target {
        "" => Some(from.to_owned()),
        // The page for what is not there is shown at any address, so it says where the root is.
        "/" => Some("index.html".to_owned()),
        target => place::join(from, target.strip_prefix('/').unwrap_or(target)),
    };
    let Some(target) = target.filter(|target| names.contains(target)) else {
        return false;
    };
    anchor.is_empty()
        || pages
            .get(&target)
            .is_none_or(|page| page.anchors.contains(anchor))
}

/// Reads the attributes of all tags. mdBook quotes each value, and text has no `<` of its own.
fn read(html: &str) -> Built {
    let mut built = Built {
        has_stray_row: html.contains("<p>|"),
        ..Built::default()
    };
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        // What stands in a script is no HTML.
        if rest.starts_with("<script") {
            let end = rest.find("</script").unwrap_or(rest.len());
            let tag = &rest[..rest.find('>').unwrap_or(end)];
            attributes(tag, &mut built);
            rest = &rest[end..];
        }
        let end = if rest.starts_with("<!--") {
            rest.find("-->")
        } else {
            rest.find('>')
        };
        let Some(end) = end else {
            break;
        };
        attributes(&rest[..end], &mut built);
        rest = &rest[end..];
    }
    built
}

fn attributes(tag: &str, built: &mut Built) {
    if tag.starts_with("<!--") {
        return;
    }
    for (name, into_links) in [
        (" href=\"", true),
        (" src=\"", true),
        (" id=\"", false),
        (" name=\"", false),
    ] {
        let Some((_, after)) = tag.split_once(name) else {
            continue;
        };
        let value = after.split('"').next().unwrap_or_default();
        let value = value.replace("&amp;", "&");
        if into_links {
            built.links.insert(value);
        } else {
            built.anchors.insert(value);
        }
    }
}

#[test]
fn links_and_places_are_read_and_scripts_are_not() {
    let built = read(
        "<h2 id=\"a\"><a class=\"header\" href=\"#a\">A</a></h2><!-- <a href=\"no\"> --><script src=\"b.js\">'<a href=\"no\">'</script><img alt=\"x\" src=\"c.svg\">",
    );
    let links: Vec<_> = built.links.iter().map(String::as_str).collect();
    assert_eq!(links, ["#a", "b.js", "c.svg"]);
    assert_eq!(built.anchors.iter().collect::<Vec<_>>(), ["a"]);
    assert!(!built.has_stray_row && read("<table></table><p>| a | b |</p>").has_stray_row);
    let names = BTreeSet::from(["x/y.html".to_owned(), "z.html".to_owned()]);
    let pages = BTreeMap::from([("z.html".to_owned(), built)]);
    for (link, is_there) in [
        ("../z.html", true),
        ("../z.html#a", true),
        ("../z.html#b", false),
        ("z.html", false),
        ("https://x.example/", true),
    ] {
        assert_eq!(leads("x/y.html", link, &names, &pages), is_there, "{link}");
    }
}
