//! Who is alive of one server: itself, its shims, and all that descends from its programs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How soon after the death of a server nobody is left, on a machine that others use, too.
const SOON: Duration = Duration::from_secs(10);

/// A way to know the processes of one server, wherever they went: it is an executable that nobody else
/// runs, and so are its shims; its programs and all of theirs have a variable.
pub(crate) struct Census {
    folder: TempDir,
    mark: String,
}

impl Census {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("census-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap();
        fs::hard_link(env!("CARGO_BIN_EXE_farcall"), folder.path().join("farcall")).unwrap();
        let mark = folder.path().file_name().unwrap().to_str().unwrap();
        Self {
            mark: format!("{mark}."),
            folder,
        }
    }

    /// The executable.
    pub(crate) fn binary(&self) -> PathBuf {
        self.folder.path().join("farcall")
    }

    /// The value of the variable `CENSUS`.
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// All of them; of those that ended, none.
    pub(crate) fn alive(&self) -> Vec<u32> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(|number| self.has(*number)).collect()
    }

    /// The children of `process` that ended, and that it does not know to have ended.
    pub(crate) fn zombies_of(process: u32) -> Vec<u32> {
        let parent = process.to_string();
        let is_one = |number: &u32| {
            let status = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
            // Behind the name, which may hold anything: the state, and the parent.
            let rest = status.rsplit_once(") ").map_or("", |(_, rest)| rest);
            let mut rest = rest.split(' ');
            rest.next() == Some("Z") && rest.next() == Some(&parent)
        };
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(is_one).collect()
    }

    fn has(&self, process: u32) -> bool {
        let place = Path::new("/proc").join(process.to_string());
        // Of one that has ended and is not reaped, the first is not there and the second is empty.
        let executable = fs::read_link(place.join("exe"));
        let environment = fs::read(place.join("environ")).unwrap_or_default();
        let mark = format!("CENSUS={}", self.mark);
        executable.is_ok_and(|path| path.starts_with(self.folder.path()))
            || environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == mark.as_bytes())
    }

    /// Waits until only these are left, not longer than 10 seconds, and says for how long.
    pub(crate) async fn returns_to(&self, base: &[u32]) -> Duration {
        let begin = Instant::now();
        loop {
            let mut alive = self.alive();
            alive.retain(|process| !base.contains(process));
            if alive.is_empty() {
                return begin.elapsed();
            }
            assert!(begin.elapsed() < SOON, "still there: {}", described(&alive));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn described(processes: &[u32]) -> String {
    let lines = processes.iter().map(|process| {
        let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
        format!("{process} {arguments}\n")
    });
    lines.collect()
}
