//! The Rust package in a folder, as far as an image needs it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use glob::{Pattern, glob};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Build, ignored::real};

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
        outside: outside(folder, root),
    }
}

/// The name in the `Cargo.toml` of `folder`.
fn name(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    let manifest = DeTable::parse(&text).ok()?;
    let package = tables(manifest.get_ref()).find(|(name, _)| *name == "package");
    let (_, package) = package?;
    Some(said(package, "name")?.to_owned())
}

/// Paths of dependencies and members that lead out of `root`, where the build begins, each as it is written, or as a
/// pattern finds it, and with the `Cargo.toml` that says it. Besides the package in `folder` that may be any member of
/// its workspace, as cargo looks for what all of them need, or what one of these depends on.
fn outside(folder: &Path, root: &Path) -> Vec<(String, String)> {
    let root = real(root);
    let (mut outside, mut known) = (BTreeSet::new(), BTreeSet::new());
    let mut places = vec![real(folder), root.clone()];
    while let Some(place) = places.pop() {
        if !known.insert(place.clone()) {
            continue;
        }
        let file = place.join("Cargo.toml");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let Ok(manifest) = DeTable::parse(&text) else {
            continue;
        };
        let mut paths = Vec::new();
        dependencies(manifest.get_ref(), &mut paths);
        let mut paths: Vec<_> = paths.into_iter().map(PathBuf::from).collect();
        if place == root {
            paths.extend(members(manifest.get_ref(), &root));
        }
        for path in paths {
            let dependency = real(&place.join(&path));
            if dependency.starts_with(&root) {
                places.push(dependency);
            } else {
                let file = file.strip_prefix(&root).unwrap_or(&file);
                let path = path.to_string_lossy().into_owned();
                outside.insert((path, file.to_string_lossy().into_owned()));
            }
        }
    }
    outside.into_iter().collect()
}

/// The folders of the members of the workspace in `root`, whose `Cargo.toml` is `manifest`, by paths from there.
fn members(manifest: &DeTable<'_>, root: &Path) -> Vec<PathBuf> {
    let workspace = tables(manifest).find(|(name, _)| *name == "workspace");
    let Some((_, workspace)) = workspace else {
        return Vec::new();
    };
    let (members, excluded) = (texts(workspace, "members"), texts(workspace, "exclude"));
    let is_named = |place: &Path, paths: &[&str]| {
        let mut paths = paths.iter();
        paths.any(|path| place.starts_with(root.join(path)))
    };
    // As in cargo, a member that is named is one, and one that a pattern matches is not if it is excluded.
    let is_excluded = |place: &Path| is_named(place, &excluded) && !is_named(place, &members);
    let above = Pattern::escape(&root.to_string_lossy());
    let found = members
        .iter()
        .filter_map(|member| glob(&format!("{above}/{member}")).ok());
    let found = found.flatten().flatten();
    let places = found.filter(|place| place.is_dir() && !is_excluded(place));
    let places = places.map(|place| place.strip_prefix(root).unwrap_or(&place).to_owned());
    places.collect()
}

/// Adds the paths that a `Cargo.toml` names for dependencies, and for what takes the place of some.
fn dependencies<'a>(manifest: &'a DeTable<'a>, paths: &mut Vec<&'a str>) {
    for (name, table) in tables(manifest) {
        match name {
            "build-dependencies" | "dependencies" | "dev-dependencies" => located(table, paths),
            // Those of a registry, or of a repository.
            "patch" => tables(table).for_each(|(_, source)| located(source, paths)),
            // Those of a platform.
            "target" => tables(table).for_each(|(_, platform)| dependencies(platform, paths)),
            "workspace" => dependencies(table, paths),
            _ => {}
        }
    }
}

fn located<'a>(table: &'a DeTable<'a>, paths: &mut Vec<&'a str>) {
    paths.extend(tables(table).filter_map(|(_, dependency)| said(dependency, "path")));
}

/// The tables in a table, by name.
fn tables<'a>(table: &'a DeTable<'a>) -> impl Iterator<Item = (&'a str, &'a DeTable<'a>)> {
    table
        .iter()
        .filter_map(|(name, value)| match value.get_ref() {
            DeValue::Table(table) => Some((&**name.get_ref(), table)),
            _ => None,
        })
}

fn said<'a>(table: &'a DeTable<'a>, name: &str) -> Option<&'a str> {
    text(table.get(name)?.get_ref())
}

/// The texts of a list in a table.
fn texts<'a>(table: &'a DeTable<'a>, name: &str) -> Vec<&'a str> {
    let Some(DeValue::Array(list)) = table.get(name).map(Spanned::get_ref) else {
        return Vec::new();
    };
    let texts = list.iter().filter_map(|value| text(value.get_ref()));
    texts.collect()
}

fn text<'a>(value: &'a DeValue<'a>) -> Option<&'a str> {
    match value {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix;

    use super::*;

    /// What is built of the package in `notes` of a folder with these files.
    fn built(files: &[(&str, &str)]) -> Build {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        build(&home.path().join("notes"), Path::new("/target/notes"))
    }

    /// A package that is built in its own folder and says these dependencies outside of it.
    fn alone(outside: &[&str]) -> Build {
        Build::Package {
            package: "notes".to_owned(),
            binary: "notes".to_owned(),
            up: String::new(),
            down: String::new(),
            is_locked: true,
            outside: named(outside, "Cargo.toml"),
        }
    }

    fn named(paths: &[&str], manifest: &str) -> Vec<(String, String)> {
        let named = paths
            .iter()
            .map(|path| ((*path).to_owned(), manifest.to_owned()));
        named.collect()
    }

    #[test]
    fn a_package_without_a_workspace_is_built_in_its_folder() {
        let manifest = "[package]\nname = \"notes\"\n[dependencies]\nserde = \"1\"\nown = { path = \"own\" }\n";
        let files = [("notes/Cargo.toml", manifest), ("notes/Cargo.lock", "")];
        assert_eq!(built(&files), alone(&[]));
    }

    #[test]
    fn a_dependency_outside_of_what_is_built_is_named_wherever_it_is_said() {
        let manifest = "[package]\nname = \"notes\"\n[dependencies]\nfarcall = { path = \"../farcall\" }\n\
                        [target.'cfg(unix)'.dev-dependencies.tests]\npath = \"own/../../tests\"\n\
                        [patch.crates-io]\nserde = { path = \"/opt/serde\" }\n";
        let files = [("notes/Cargo.toml", manifest), ("notes/Cargo.lock", "")];
        let outside = ["../farcall", "/opt/serde", "own/../../tests"];
        assert_eq!(built(&files), alone(&outside));
    }

    #[test]
    fn a_dependency_in_the_same_workspace_is_not_outside() {
        let workspace = "[workspace.dependencies]\nfarcall = { path = \"farcall\" }\nfar = { path = \"../far\" }\n";
        let manifest =
            "[package]\nname = \"notes\"\n[dependencies]\nfarcall = { path = \"../farcall\" }\n";
        let files = [
            ("Cargo.toml", workspace),
            ("Cargo.lock", ""),
            ("notes/Cargo.toml", manifest),
        ];
        let Build::Package { up, outside, .. } = built(&files) else {
            panic!("there is no package");
        };
        assert_eq!(
            (up.as_str(), outside),
            ("..", named(&["../far"], "Cargo.toml"))
        );
    }

    #[test]
    fn what_members_and_dependencies_depend_on_is_looked_at_as_well() {
        let depends = |path: &str| format!("[dependencies]\nother = {{ path = \"{path}\" }}\n");
        let workspace =
            "[workspace]\nmembers = [\"notes\", \"tools/*\"]\nexclude = [\"tools/old\"]\n";
        let notes = format!("[package]\nname = \"notes\"\n{}", depends("own"));
        // Around in a circle.
        let deep = "[dependencies]\nnotes.path = \"../notes\"\nfar.path = \"../../far\"\n";
        let [own, print, old] = ["../../deep", "../../../shared", "../../../gone"].map(depends);
        let files: [(&str, &str); 8] = [
            ("Cargo.toml", workspace),
            ("Cargo.lock", ""),
            ("notes/Cargo.toml", &notes),
            ("notes/own/Cargo.toml", &own),
            ("deep/Cargo.toml", deep),
            ("tools/print/Cargo.toml", &print),
            ("tools/old/Cargo.toml", &old),
            ("tools/notes.txt", ""),
        ];
        let Build::Package { outside, .. } = built(&files) else {
            panic!("there is no package");
        };
        let mut expected = named(&["../../../shared"], "tools/print/Cargo.toml");
        expected.extend(named(&["../../far"], "deep/Cargo.toml"));
        assert_eq!(outside, expected);
    }

    #[test]
    fn a_member_outside_of_what_is_built_is_named() {
        let home = tempfile::tempdir().unwrap();
        let (notes, other) = (home.path().join("notes"), home.path().join("other"));
        fs::create_dir_all(notes.join("tools")).unwrap();
        fs::create_dir(&other).unwrap();
        unix::fs::symlink(&other, notes.join("tools/link")).unwrap();
        let manifest =
            "[package]\nname = \"notes\"\n[workspace]\nmembers = [\"../other\", \"tools/*\"]\n";
        fs::write(notes.join("Cargo.toml"), manifest).unwrap();
        fs::write(notes.join("Cargo.lock"), "").unwrap();
        assert_eq!(
            build(&notes, Path::new("/target/notes")),
            alone(&["../other", "tools/link"])
        );
    }

    #[test]
    fn a_member_that_is_named_is_one_also_where_its_folder_is_excluded() {
        let workspace = "[workspace]\nmembers = [\"notes\", \"crates/named\", \"crates/m*\"]\nexclude = [\"crates\"]\n";
        let files = [
            ("Cargo.toml", workspace),
            ("Cargo.lock", ""),
            ("notes/Cargo.toml", "[package]\nname = \"notes\"\n"),
            (
                "crates/named/Cargo.toml",
                "[dependencies]\nfar.path = \"../../../far\"\n",
            ),
            (
                "crates/matched/Cargo.toml",
                "[dependencies]\ngone.path = \"../../../gone\"\n",
            ),
        ];
        let Build::Package { outside, .. } = built(&files) else {
            panic!("there is no package");
        };
        assert_eq!(outside, named(&["../../../far"], "crates/named/Cargo.toml"));
    }
}
