//! Where something of the repository is in the book.

/// The pages of the root that are in the book, by the names that they have there.
const ROOT: [(&str, &str); 6] = [
    ("AGENTS.md", "project/agents.md"),
    ("ARCHITECTURE.md", "project/architecture.md"),
    ("CHANGELOG.md", "project/changelog.md"),
    ("CONTRIBUTING.md", "project/contributing.md"),
    ("README.md", "project/about.md"),
    ("SECURITY.md", "project/security.md"),
];

/// Files of the root that go along as they are.
const BESIDE: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Where somebody who reads the book finds a file or a folder of the repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the book, by this path in it.
    Book(String),
    /// On the pages of the repository.
    Repository,
}

/// Where the file or folder `path` of the repository is.
pub(crate) fn of(path: &str) -> Place {
    if let Some((_, page)) = ROOT.iter().find(|(name, _)| *name == path) {
        return Place::Book((*page).to_owned());
    }
    if BESIDE.contains(&path) {
        return Place::Book(format!("project/{path}"));
    }
    // mdBook makes `index.html` of a README, and leaves links to it as they were.
    if path == "docs/README.md" {
        return Place::Book("index.md".to_owned());
    }
    if let Some(page) = path.strip_prefix("docs/") {
        return Place::Book(page.to_owned());
    }
    match path.strip_prefix("examples/") {
        // An example's page is its README, and stands for its folder.
        Some(rest) => Place::Book(match rest.split_once('/') {
            None => format!("examples/{rest}.md"),
            Some((name, "README.md")) => format!("examples/{name}.md"),
            Some(_) => path.to_owned(),
        }),
        None => Place::Repository,
    }
}

/// The path that `target`, written in the file `from`, leads to; both are relative to the repository.
///
/// `None` where it leads out of it.
pub(crate) fn join(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// What to write in the file `from` to lead to the file `to`.
pub(crate) fn relative(from: &str, to: &str) -> String {
    let from: Vec<_> = from.split('/').collect();
    let to: Vec<_> = to.split('/').collect();
    let folders = from.len() - 1;
    let shared = (0..folders.min(to.len() - 1))
        .take_while(|&depth| from[depth] == to[depth])
        .count();
    let mut text = "../".repeat(folders - shared);
    text.push_str(&to[shared..].join("/"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_and_its_end_belong_together() {
        for (from, target, to) in [
            ("docs/guide/a.md", "b.md", "docs/guide/b.md"),
            ("docs/guide/a.md", "../c/b.md", "docs/c/b.md"),
            ("docs/guide/a.md", "../../README.md", "README.md"),
            ("a.md", "b/c.md", "b/c.md"),
        ] {
            assert_eq!(join(from, target).as_deref(), Some(to));
            assert_eq!(relative(from, to), target);
        }
        assert_eq!(join("docs/a.md", "../../b.md"), None);
    }

    #[test]
    fn everything_has_one_place() {
        let book = |path: &str| Place::Book(path.to_owned());
        assert_eq!(of("docs/guide/remote.md"), book("guide/remote.md"));
        assert_eq!(of("docs/README.md"), book("index.md"));
        assert_eq!(of("README.md"), book("project/about.md"));
        assert_eq!(
            of("examples/wrap-a-script"),
            book("examples/wrap-a-script.md")
        );
        assert_eq!(
            of("examples/wrap-a-script/README.md"),
            book("examples/wrap-a-script.md")
        );
        assert_eq!(
            of("examples/wrap-a-script/render.py"),
            book("examples/wrap-a-script/render.py")
        );
        assert_eq!(of("crates/farcall/src/lib.rs"), Place::Repository);
    }
}
