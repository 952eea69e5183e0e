//! The Rust package in a folder, as far as an image needs it.

use std::{fs, path::Path};

use toml::de::{DeTable, DeValue};

use super::Build;

/// How an image of `program`, the server of the package in `folder`, is made.
pub(super) fn build(folder: &Path, program: &Path) -> Build {
    let Some(package) = name(folder) else {
        return Build::Impossible {
            reason: "there is no `Cargo.toml` with a package in this folder".to_owned(),
            hint: "call it in the folder of the package that is the server".to_owned(),
        };
    };
    let binary = program.file_name().unwrap_or_default().to_string_lossy();
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_');
    if binary.is_empty() || !binary.chars().all(is_plain) {
        return Build::Impossible {
            reason: format!("`{binary}` is not what cargo calls a program"),
            hint: "call it by the name under which cargo built it".to_owned(),
        };
    }
    // cargo keeps one file of versions for all packages of a workspace, in its folder; they build together.
    let locked = folder
        .ancestors()
        .find(|above| above.join("Cargo.lock").is_file());
    let root = locked.unwrap_or(folder);
    let below = folder.strip_prefix(root).unwrap_or("".as_ref());
    let steps = below.components().count();
    Build::Package {
        package,
        binary: binary.into_owned(),
        up: vec![".."; steps].join("/"),
        down: below.to_string_lossy().into_owned(),
        is_locked: locked.is_some(),
    }
}

/// The name in the `Cargo.toml` of `folder`.
fn name(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    let table = DeTable::parse(&text).ok()?;
    let package = table.get_ref().get("package")?.get_ref();
    let DeValue::Table(package) = package else {
        return None;
    };
    match package.get("name")?.get_ref() {
        DeValue::String(name) => Some(name.to_string()),
        _ => None,
    }
}
