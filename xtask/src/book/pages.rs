//! The pages, gathered from all over the repository into one folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use anyhow::{Context, ensure};

use super::{
    archive::{self, Member},
    empty,
    markdown::Page,
    place::{self, Place},
};
use crate::root;

/// The table of contents.
pub(crate) const SUMMARY: &str = "docs/SUMMARY.md";

/// Where readers find what is not in the book.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// All files of the repository, by their paths in it: those that git has, and those that it would take.
pub(crate) fn files() -> anyhow::Result<BTreeSet<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .context("git cannot be started")?;
    ensure!(
        output.status.success(),
        "git does not list the files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listed = String::from_utf8(output.stdout).context("a path is no text")?;
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    // Git goes on to list what was deleted a moment ago.
    let present = paths.filter(|path| root().join(path).exists());
    Ok(present.map(str::to_owned).collect())
}

/// Whether a file is a page for readers: Markdown of the root, of `docs`, and of the examples.
pub(crate) fn is_page(path: &str) -> bool {
    let is_of_readers =
        !path.contains('/') || path.starts_with("docs/") || path.starts_with("examples/");
    is_of_readers && Path::new(path).extension().is_some_and(|end| end == "md")
}

/// Puts all that the book is made of into the folder `source`, with links that fit there.
///
/// # Errors
/// A file that cannot be read or written.
pub(crate) fn gather(files: &BTreeSet<String>, source: &Path) -> anyhow::Result<()> {
    empty(source)?;
    for path in files {
        let Place::Book(place) = place::of(path) else {
            continue;
        };
        let to = source.join(&place);
        fs::create_dir_all(to.parent().context("a page has a folder")?)?;
        if is_page(path) {
            let text = fs::read_to_string(root().join(path))?;
            let mut text = relinked(&text, path, |target| in_book(target, &place, files))?;
            if let Some(example) = example_of(path) {
                let is_rust = files.contains(&format!("examples/{example}/Cargo.toml"));
                offer(&mut text, example, is_rust);
                let archive = source.join(format!("examples/{example}.zip"));
                fs::write(archive, archive_of(example, files)?)?;
            }
            fs::write(&to, text)?;
        } else {
            fs::copy(root().join(path), &to)?;
        }
    }
    Ok(())
}

/// The example whose page this is.
fn example_of(path: &str) -> Option<&str> {
    path.strip_prefix("examples/")?.strip_suffix("/README.md")
}

/// Says, behind what it begins with, where all of the example is.
fn offer(page: &mut String, example: &str, is_rust: bool) {
    // A heading, and a paragraph.
    let blank = page.match_indices("\n\n").map(|(at, _)| at);
    let end = blank.take(2).last().unwrap_or(page.len());
    let use_of_it = if is_rust {
        ", for reading; build it in the repository, whose crates it uses"
    } else {
        ""
    };
    let offer = format!(
        "\n\n**[Download {example}.zip]({example}.zip)**: all files of this example{use_of_it}."
    );
    page.insert_str(end, &offer);
}

/// All files of an example, below a folder of its name.
fn archive_of(example: &str, files: &BTreeSet<String>) -> anyhow::Result<Vec<u8>> {
    let folder = format!("examples/{example}/");
    let mut members = BTreeMap::new();
    for path in files.iter().filter(|path| path.starts_with(&folder)) {
        let file = root().join(path);
        let mut bytes = fs::read(&file)?;
        if is_page(path) {
            // Beside it there is nothing but the example.
            let elsewhere = |target: &str| match target.strip_prefix(&folder) {
                Some(inside) => inside.to_owned(),
                None => in_repository(target, files),
            };
            bytes = relinked(&String::from_utf8(bytes)?, path, elsewhere)?.into_bytes();
        }
        let is_executable = fs::metadata(&file)?.permissions().mode() & 0o100 != 0;
        let name = path.replacen("examples/", "", 1);
        members.insert(
            name,
            Member {
                bytes,
                is_executable,
            },
        );
    }
    Ok(archive::zip(&members))
}

/// What to write for a link to a file of the repository on the page at `place`.
fn in_book(target: &str, place: &str, files: &BTreeSet<String>) -> String {
    match place::of(target) {
        Place::Book(to) => place::relative(place, &to),
        Place::Repository => in_repository(target, files),
    }
}

fn in_repository(target: &str, files: &BTreeSet<String>) -> String {
    let kind = if files.contains(target) {
        "blob"
    } else {
        "tree"
    };
    format!("{REPOSITORY}/{kind}/main/{target}")
}

/// The page `path` with what `to` says in the place of each link to a file of the repository.
fn relinked(text: &str, path: &str, to: impl Fn(&str) -> String) -> anyhow::Result<String> {
    let page = Page::read(text);
    let mut written = String::with_capacity(text.len());
    let mut done = 0;
    for link in &page.links {
        let (target, anchor) = match link.target.split_once('#') {
            Some((target, _)) => (target, &link.target[target.len()..]),
            None => (link.target.as_str(), ""),
        };
        if target.is_empty() || target.contains("://") {
            continue;
        }
        let range = link
            .written
            .clone()
            .with_context(|| format!("{path}:{}: write `[text](target)` for a link", link.line))?;
        let target = place::join(path, target).context("a link leads out of the repository")?;
        written.push_str(&text[done..range.start]);
        written.push_str(&to(&target));
        written.push_str(anchor);
        done = range.end;
    }
    written.push_str(&text[done..]);
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_holds_the_files_of_its_example_as_they_are() {
        let names = [
            "farcall.py",
            "farcall.toml",
            "render.py",
            "requirements.txt",
        ];
        let path = |name: &str| format!("examples/wrap-a-script/{name}");
        let files = names.map(path).into_iter().collect();
        let archive = archive_of("wrap-a-script", &files).unwrap();
        for name in names {
            let bytes = fs::read(root().join(path(name))).unwrap();
            let member = [format!("wrap-a-script/{name}").as_bytes(), &bytes].concat();
            let mut places = archive.windows(member.len());
            assert!(places.any(|place| place == member), "{name}");
        }
    }

    #[test]
    fn an_example_that_needs_the_repository_is_offered_for_reading() {
        for (is_rust, offered) in [
            (false, "all files of this example.\n\nMore"),
            (
                true,
                "all files of this example, for reading; build it in the repository, whose crates it uses.\n\nMore",
            ),
        ] {
            let mut page = "# Farm\n\nA farm.\n\nMore.\n".to_owned();
            offer(&mut page, "farm", is_rust);
            assert!(
                page.starts_with("# Farm\n\nA farm.\n\n**[Download farm.zip](farm.zip)**: all")
                    && page.contains(offered),
                "{page}"
            );
        }
    }
}
