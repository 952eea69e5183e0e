//! Whether the links of the pages lead anywhere, before anything is built of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context, bail};

use super::{
    markdown::{Link, Page},
    pages::{SUMMARY, is_page},
    place,
};
use crate::root;

/// Looks at every link of every page. Addresses of others are only read: there need be no internet here.
///
/// # Errors
/// All links that lead nowhere, and all pages that `docs/SUMMARY.md` does not list.
pub(crate) fn check(files: &BTreeSet<String>) -> anyhow::Result<()> {
    let mut pages = BTreeMap::new();
    for path in files.iter().filter(|path| is_page(path)) {
        let text = fs::read_to_string(root().join(path))
            .with_context(|| format!("`{path}` cannot be read"))?;
        pages.insert(path.as_str(), Page::read(&text));
    }
    let mut faults = Vec::new();
    for (path, page) in &pages {
        for link in &page.links {
            if let Err(why) = judge(path, link, files, &pages) {
                faults.push(format!("{path}:{}: `{}` {why}", link.line, link.target));
            }
        }
    }
    faults.extend(unlisted(&pages));
    if faults.is_empty() {
        return Ok(());
    }
    bail!("links lead nowhere:\n{}", faults.join("\n"))
}

/// Says why a link leads nowhere.
fn judge(
    from: &str,
    link: &Link,
    files: &BTreeSet<String>,
    pages: &BTreeMap<&str, Page>,
) -> Result<(), String> {
    if link.target.contains("://") {
        let url = url::Url::parse(&link.target).map_err(|error| format!("is no URL: {error}"))?;
        let is_right = matches!(url.scheme(), "http" | "https") && url.host().is_some();
        return is_right
            .then_some(())
            .ok_or_else(|| "is neither http nor https".to_owned());
    }
    let (target, anchor) = match link.target.split_once('#') {
        Some((target, anchor)) => (target, Some(anchor)),
        None => (link.target.as_str(), None),
    };
    if target.starts_with('/') {
        return Err("begins at the root of a server; write it from this page on".to_owned());
    }
    let target = match target {
        "" => from.to_owned(),
        target => place::join(from, target).ok_or("leads out of the repository")?,
    };
    let folder = format!("{target}/");
    let is_there = files.contains(&target) || files.iter().any(|file| file.starts_with(&folder));
    if !is_there {
        return Err("is no file of the repository".to_owned());
    }
    match (anchor, pages.get(target.as_str())) {
        (None, _) => Ok(()),
        (Some(anchor), Some(page)) if page.anchors.contains(anchor) => Ok(()),
        (Some(_), _) => Err("names no heading there".to_owned()),
    }
}

/// The pages that nobody finds, because the table of contents has them not.
fn unlisted(pages: &BTreeMap<&str, Page>) -> Vec<String> {
    let Some(summary) = pages.get(SUMMARY) else {
        return vec![format!("`{SUMMARY}` is missing")];
    };
    let listed: BTreeSet<_> = summary
        .links
        .iter()
        .filter_map(|link| place::join(SUMMARY, &link.target))
        .collect();
    let of_the_book =
        |path: &&&str| **path != SUMMARY && place::of(path) != place::Place::Repository;
    let pages = pages.keys().filter(of_the_book);
    pages
        .filter(|path| !listed.contains(**path))
        .map(|path| format!("{path}: is not in `{SUMMARY}`"))
        .collect()
}
