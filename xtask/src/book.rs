//! The documentation as a book: gathered from where its pages are, built by mdBook, and looked over.

mod archive;
mod built;
mod index;
mod links;
mod markdown;
mod pages;
mod place;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};

use crate::root;

/// Where mdBook finds the pages.
const SOURCE: &str = "target/book-source";

/// Where the book comes to be: a folder that any server of files can publish.
const BOOK: &str = "target/book";

/// The version is that of `peers/install`, because others write other pages.
const MDBOOK: &str = "target/peers/cargo/bin/mdbook";

/// Builds the book into `target/book`.
///
/// # Errors
/// Every link that leads nowhere, every page that is in no table of contents, every warning of mdBook.
pub(crate) fn book() -> anyhow::Result<()> {
    let files = pages::files()?;
    links::check(&files)?;
    let (source, book) = (root().join(SOURCE), root().join(BOOK));
    pages::gather(&files, &source)?;
    build(&source, &book)?;
    index::write(&source, &book)?;
    built::check(&book)?;
    eprintln!("the book is in {BOOK}");
    Ok(())
}

fn build(source: &Path, book: &Path) -> anyhow::Result<()> {
    let program = root().join(MDBOOK);
    ensure!(
        program.exists(),
        "`{MDBOOK}` is missing; run peers/install first"
    );
    empty(book)?;
    let output = Command::new(program)
        .arg("build")
        .arg(source)
        .arg("--dest-dir")
        .arg(book.canonicalize()?)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .context("mdbook cannot be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || said.contains("WARN") || said.contains("ERROR") {
        bail!("mdbook is not content:\n{said}");
    }
    // Its own file lies among the pages, and is none.
    fs::remove_file(book.join("book.toml"))?;
    Ok(())
}

/// Makes an empty folder, whatever was there.
fn empty(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))
}
