//! Files that are right, and files that are wrong.

mod right;
mod settings;
mod soup;
mod wrong;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::*;

/// A folder with programs, scripts and documents, and a source that knows them.
struct Desk {
    folder: tempfile::TempDir,
    source: Source,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        for name in [
            "bash", "env", "ffprobe", "find", "git", "python3", "sh", "ssh",
        ] {
            put(place, &format!("bin/{name}"), 0o755);
        }
        put(place, "tool.sh", 0o755);
        for name in [
            "render.py",
            "my_server.py",
            "run.sh",
            "plain.txt",
            "spec.json",
        ] {
            put(place, name, 0o644);
        }
        fs::create_dir(place.join("videos")).unwrap();
        let path = place.join("bin").to_str().unwrap().to_owned();
        let source = Source::from_pairs([
            ("PATH", path.as_str()),
            ("FARM_TOKEN", "a-token-of-many-signs"),
            ("DB_PASSWORD", "hunter2"),
            ("SHARED_SECRET", "0123456789abcdef0123456789abcdef"),
            ("WEATHER_KEY", "a-key"),
        ]);
        Self { folder, source }
    }

    fn read(&self, text: &[u8]) -> Result<(Project, Vec<Finding>), Findings> {
        read_bytes(text, self.folder.path(), &self.source)
    }

    /// `text` with the folder's own path, which differs each time, left out.
    fn shown(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "[FOLDER]")
    }

    /// What is wrong with a file, and what may be.
    fn report(&self, text: &str) -> String {
        let (faults, warnings) = match self.read(text.as_bytes()) {
            Ok((_, warnings)) => (Vec::new(), warnings),
            Err(findings) => findings,
        };
        let findings = faults.iter().map(|fault| ("error", fault));
        let findings = findings.chain(warnings.iter().map(|warning| ("warning", warning)));
        let lines = findings.map(|(level, finding)| {
            let place = finding.place.as_ref().unwrap();
            let secret = if place.source.is_none() {
                " (not shown)"
            } else {
                ""
            };
            format!(
                "{}:{}+{}{secret} {level}: {}\n    {}\n",
                place.line, place.column, place.length, finding.message, finding.hint
            )
        });
        self.shown(&lines.collect::<String>())
    }
}

fn put(folder: &Path, name: &str, mode: u32) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}
