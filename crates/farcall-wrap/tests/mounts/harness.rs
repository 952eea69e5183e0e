//! A folder with a `farcall.toml`, the server that it mounts, and its callers.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use farcall_config::{
    Source,
    file::{Mount, Project},
};
use farcall_core::{
    content::ToolOutput, context::CallContext, job::Job, problem::Problem, tool::Tool,
};
use farcall_wrap::{
    command::Surroundings,
    mount::{self, Entry, Started},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take before a test gives up; far longer than it takes, and shorter than the
/// limits that must not be what ends it.
const DEADLINE: Duration = Duration::from_secs(40);

/// A folder with a server that can be mounted.
pub(crate) struct Desk {
    folder: TempDir,
    mount: Mount,
}

impl Desk {
    /// The mount has these keys besides.
    pub(crate) fn new(more: &str) -> Self {
        // The harness of the tests does not answer as a shim.
        farcall_wrap::shim::use_program(PathBuf::from(env!("CARGO_BIN_EXE_farcall-probe")));
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mounts/server.py");
        fs::copy(script, place.join("server.py")).unwrap();
        let toml = format!(
            r#"
[mount.probe]
command = ["python3", "server.py"]
sandbox = "off"
grace = "1s"
env = {{ OUT = "${{OUT}}" }}
{more}
"#
        );
        fs::write(place.join("farcall.toml"), toml).unwrap();
        let source = Source::from_pairs([
            ("OUT", place.to_str().unwrap()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ]);
        let read = Project::read(&place.join("farcall.toml"), &source);
        let (mut project, _) = read.unwrap_or_else(|faults| panic!("{faults}"));
        let mount = project.mounts.remove(0);
        Self { folder, mount }
    }

    /// Starts the server.
    pub(crate) async fn start(&self) -> Result<Served, String> {
        let surroundings = Surroundings {
            folder: self.folder.path(),
            withheld: &[],
        };
        let started = mount::start(&self.mount, surroundings, &[]).await;
        started.map(Served)
    }

    /// Writes a file that the server looks for.
    pub(crate) fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// What the server has noted.
    pub(crate) fn noted(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until so many processes have noted this, and returns the last one.
    pub(crate) async fn process(&self, name: &str, count: usize) -> i32 {
        until(name, || {
            let noted = self.noted(name);
            (noted.len() >= count).then(|| noted[count - 1].parse().unwrap())
        })
        .await
    }
}

/// A server that is mounted.
pub(crate) struct Served(pub(crate) Started);

impl Served {
    fn tool(&self, name: &str) -> &Tool {
        let mut entries = self.0.entries.iter();
        let found = entries.find_map(|entry| match entry {
            Entry::Tool(tool) if tool.declaration.name == name => Some(tool),
            _ => None,
        });
        found.unwrap()
    }

    /// Calls a tool; dropped, the call is taken back.
    pub(crate) fn call(
        &self,
        tool: &str,
        arguments: &Value,
    ) -> impl Future<Output = Result<ToolOutput, Problem>> + Send + use<> {
        let arguments = arguments.as_object().unwrap().clone();
        let handler = &self.tool(tool).handler;
        within(handler.call(CallContext::detached(), arguments))
    }

    /// Lets it answer with a line of a test's: the id of the request stands between these.
    pub(crate) async fn raw(&self, before: &str, after: &str) -> Result<ToolOutput, Problem> {
        let arguments = json!({"before": before, "after": after});
        self.call("raw", &arguments).await
    }

    /// Fails unless it answers.
    pub(crate) async fn echo(&self) {
        let answer = self.call("echo", &json!({"text": "hello"})).await.unwrap();
        assert_eq!(answer.content[0].as_text(), Some("hello"));
    }

    /// Its one job.
    pub(crate) fn job(&self) -> &Job {
        let mut entries = self.0.entries.iter();
        let found = entries.find_map(|entry| match entry {
            Entry::Job(job) => Some(job),
            Entry::Tool(_) => None,
        });
        found.unwrap()
    }
}

/// Fails where `what` takes too long.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(DEADLINE, what).await.unwrap()
}

/// Looks until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up_at = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < give_up_at, "waited in vain for {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a process is there, and no zombie.
pub(crate) fn is_alive(process: i32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else {
        return false;
    };
    let state = status.rsplit_once(')');
    let state = state.map_or("", |(_, rest)| rest.trim_start());
    !state.starts_with(['Z', 'X'])
}
