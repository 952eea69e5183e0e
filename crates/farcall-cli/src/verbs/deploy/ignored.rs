//! What stays out of an image: what none needs, and what a server that runs in the folder writes there.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use farcall_config::Config;
use glob::Pattern;

use super::{Build, Deployment};
use crate::Failure;

/// The lines of every `.dockerignore`, and the place of those that are due to the configuration.
pub(super) const TEMPLATE: &str = include_str!("templates/dockerignore");

/// The lines of a `.dockerignore` for a build that begins `up` from the server's folder, such as `../..`, from where
/// `down` leads back to it; both are empty where it begins there.
///
/// # Errors
/// Where one of these is the folder of the server itself, so that nothing would be left of it.
pub(super) fn lines(deployment: &Deployment, up: &str, down: &str) -> Result<String, Failure> {
    let folder = Path::new(&deployment.folder);
    let root = folder.ancestors().nth(Path::new(up).components().count());
    let root = root.unwrap_or(folder);
    let mut patterns = Vec::new();
    for (what, said) in written(&deployment.config, &deployment.secret_files) {
        for path in places(&folder.join(&said)) {
            if folder.starts_with(&path) && path.starts_with(root) {
                return Err(Failure::usage(format!(
                    "{what}, `{}`, is the folder of the server or one above it, so an image would hold keys, callers, jobs \
                     or files",
                    said.display()
                ))
                .hint("give it a folder of its own, below this one or elsewhere"));
            }
            patterns.extend(match (path.strip_prefix(folder), path.strip_prefix(root)) {
                (Ok(below), _) => Some(Path::new(down).join(below)),
                (_, Ok(below)) => Some(below.to_owned()),
                _ => None,
            });
        }
    }
    if let Build::Project { needs, .. } = &deployment.build {
        let environments = needs.environments.iter().chain(&needs.idle);
        let environments = environments.map(PathBuf::from);
        patterns.extend(environments.filter(|path| !path.starts_with("..")));
    }
    patterns.retain(|path| !is_usual(path));
    if !down.is_empty() {
        patterns.push(Path::new(down).join("target"));
    }
    let mut lines: Vec<_> = patterns.iter().map(|path| pattern(path)).collect();
    lines.sort_unstable();
    lines.dedup();
    Ok(lines.concat())
}

/// Whether the lines of every `.dockerignore` leave out a path from where the build begins, or a folder that it is in.
pub(super) fn is_usual(path: &Path) -> bool {
    let leaves_out = |line: &str| match line.strip_prefix("**/") {
        Some(name) => Pattern::new(name).is_ok_and(|name| {
            let mut parts = path.iter();
            parts.any(|part| name.matches(&part.to_string_lossy()))
        }),
        None => path.starts_with(line),
    };
    let is_rule = |line: &str| !line.is_empty() && !line.starts_with(['#', '@']);
    TEMPLATE
        .lines()
        .any(|line| is_rule(line) && leaves_out(line))
}

/// Where what stays out because of this configuration of a server in the folder `here` is, without links, as far as
/// that is below this folder.
pub(super) fn own(here: &Path, config: &Config, secret_files: &[(String, String)]) -> Vec<PathBuf> {
    let folder = real(here);
    let written = written(config, secret_files).into_iter();
    let places = written.map(|(_, said)| real(&here.join(said)));
    places
        .filter(|place| place.starts_with(&folder) && *place != folder)
        .collect()
}

/// What a server with this configuration writes, and its files with secrets; each with what it is.
fn written(config: &Config, secret_files: &[(String, String)]) -> Vec<(&'static str, PathBuf)> {
    let mut written = vec![("the data folder", config.storage.data_dir.clone())];
    let audit = config.audit.as_ref().and_then(|audit| audit.file.clone());
    written.extend(audit.map(|file| ("the file of the audit log", file)));
    let files = config.storage.artifacts.as_ref();
    let files = files.filter(|place| place.url.scheme() == "file");
    let files = files.and_then(|place| place.url.to_file_path().ok());
    written.extend(files.map(|folder| ("the folder of files", folder)));
    let secrets = secret_files.iter();
    written.extend(secrets.map(|(_, path)| ("the file of a secret", path.into())));
    written
}

/// A path without `.` and `..`, as it is written and as it is without links.
fn places(path: &Path) -> Vec<PathBuf> {
    let mut places = vec![plain(path), real(path)];
    places.dedup();
    places
}

/// Where a path leads, whether something is there or not.
pub(super) fn real(path: &Path) -> PathBuf {
    plain(&without_links(path))
}

/// What is there of a path leads elsewhere by links, and what will be made goes there.
fn without_links(path: &Path) -> PathBuf {
    let real = path.ancestors().find_map(|above| {
        let real = fs::canonicalize(above).ok()?;
        Some(real.join(path.strip_prefix(above).ok()?))
    });
    real.unwrap_or_else(|| path.to_owned())
}

fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// A line that means this path and no other one; what a line cannot say is any sign.
fn pattern(path: &Path) -> String {
    let mut line = String::new();
    for (index, sign) in path.to_string_lossy().chars().enumerate() {
        match sign {
            '*' | '?' | '[' | ']' | '\\' => line.extend(['\\', sign]),
            '#' | '!' if index == 0 => line.extend(['\\', sign]),
            sign if sign.is_whitespace() || sign.is_control() => line.push('?'),
            char::REPLACEMENT_CHARACTER => line.push('*'),
            sign => line.push(sign),
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_means_one_path() {
        for (path, line) in [
            ("data", "data\n"),
            ("a/b c", "a/b?c\n"),
            ("[x]*", "\\[x\\]\\*\n"),
            ("#1", "\\#1\n"),
            ("!a#", "\\!a#\n"),
        ] {
            assert_eq!(pattern(Path::new(path)), line);
        }
    }
}
