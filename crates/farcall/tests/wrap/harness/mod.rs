//! A folder with a `farcall.toml`, the server that serves it, and a client.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before a test gives up; far longer than it takes.
const DEADLINE: Duration = Duration::from_mins(1);

/// Where programs are looked for: not where shims of version managers are, which a program that is
/// kept in its place cannot follow.
pub(crate) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The file in a project that stands for `/etc/hosts`.
const HOSTS: &str = "hosts";

/// Looks until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up_at = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < give_up_at, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The folder of a project.
pub(crate) struct Project {
    folder: Arc<TempDir>,
    /// What serves it.
    pub(crate) binary: PathBuf,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Project {
    /// A folder with this `farcall.toml`, and every program of the tests in it.
    pub(crate) fn new(toml: &str) -> Self {
        Self::with_programs("tests/wrap/programs", toml)
    }

    /// The same with the programs of another folder of this crate.
    pub(crate) fn with_programs(programs: &str, toml: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("farcall-wrap-")
            .tempdir()
            .unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let programs = fs::read_dir(here.join(programs)).unwrap();
        for program in programs.map(|entry| entry.unwrap().path()) {
            fs::copy(&program, folder.path().join(program.file_name().unwrap())).unwrap();
        }
        let helper = here.join("../../python/farcall.py");
        fs::copy(helper, folder.path().join("farcall.py")).unwrap();
        fs::write(folder.path().join("farcall.toml"), toml).unwrap();
        Self {
            folder: Arc::new(folder),
            binary: PathBuf::from(env!("CARGO_BIN_EXE_farcall")),
            variables: Vec::new(),
            arguments: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets a variable of the server's environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says more on the command line, behind `serve`.
    pub(crate) fn typed(mut self, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        self.arguments.extend(arguments);
        self
    }

    /// Lets the server find names in these lines, in the place of `/etc/hosts`.
    #[cfg(feature = "namespace-tests")]
    pub(crate) fn with_hosts(self, lines: &str) -> Self {
        self.set_hosts(lines);
        self
    }

    /// The same while it runs.
    #[cfg(feature = "namespace-tests")]
    pub(crate) fn set_hosts(&self, lines: &str) {
        fs::write(self.path(HOSTS), lines).unwrap();
    }

    /// The binary; in a mount namespace where it has names of its own.
    fn farcall(&self) -> Command {
        let binary = &self.binary;
        if !self.path(HOSTS).exists() {
            return Command::new(binary);
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "--map-root-user", "sh", "-c"]);
        let mount = format!("mount --bind {HOSTS} /etc/hosts && exec \"$@\"");
        command.args([mount.as_str(), "sh"]).arg(binary);
        command
    }

    fn command(&self) -> Command {
        let mut command = self.farcall();
        command
            .arg("serve")
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", PATH)
            .env("MCP_PORT", "0")
            .env("FARCALL_LINGER", "0s")
            .env("FARCALL_LOG_FORMAT", "text")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What `farcall serve` says that does not start, and its exit status.
    pub(crate) async fn refused(&self) -> (i32, String) {
        let mut command = self.command();
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.unwrap().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    /// Serves it.
    pub(crate) async fn serve(&self) -> Server {
        let mut server = self.begin();
        server.url = until("the banner of the server", async || {
            let talk = server.talk();
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server ended with {status}:\n{talk}");
            }
            let line = talk.lines().find(|line| line.starts_with("  mcp "))?;
            line.split_whitespace().last().map(str::to_owned)
        })
        .await;
        server
    }

    /// Starts a server, and does not wait until it can be asked.
    pub(crate) fn begin(&self) -> Server {
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let talk = Arc::<Mutex<String>>::default();
        let stderr = child.stderr.take().unwrap();
        let heard = Arc::clone(&talk);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Server {
            child,
            url: String::new(),
            talk,
            _folder: Arc::clone(&self.folder),
            http: client(),
        }
    }
}

/// A server; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it answers, once it does.
    url: String,
    talk: Arc<Mutex<String>>,
    http: reqwest::Client,
    _folder: Arc<TempDir>,
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// What a tool answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) is_error: bool,
    pub(crate) text: String,
    pub(crate) structured: Value,
}

impl Answer {
    /// The sentence and the code of a call that failed.
    pub(crate) fn failure(&self) -> (String, String) {
        assert!(self.is_error, "{self:?}");
        let failure: Value = serde_json::from_str(&self.text).unwrap();
        let text = |field: &str| failure[field].as_str().unwrap_or("user_error").to_owned();
        (text("error"), text("error_code"))
    }
}

impl Server {
    pub(crate) fn request(
        &self,
        method: &str,
        name: &str,
        params: Value,
    ) -> reqwest::RequestBuilder {
        self.request_of(&self.http, method, name, params)
    }

    /// The same of another client.
    pub(crate) fn request_of(
        &self,
        http: &reqwest::Client,
        method: &str,
        name: &str,
        mut params: Value,
    ) -> reqwest::RequestBuilder {
        let version = "2026-07-28";
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": {"name": "wrap", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = http
            .post(&self.url)
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", version)
            .header("Mcp-Method", method)
            .json(&request);
        if name.is_empty() {
            request
        } else {
            request.header("Mcp-Name", name)
        }
    }

    /// What is answered to a request, as it is.
    pub(crate) async fn execute(&self, request: reqwest::Request) -> String {
        let answer = self.http.execute(request).await.unwrap();
        answer.text().await.unwrap()
    }

    /// The result of a request that is answered with one.
    pub(crate) async fn result_of(&self, method: &str, name: &str, params: Value) -> Value {
        let request = self.request(method, name, params);
        let message = message(&self.execute(request.build().unwrap()).await);
        assert!(message["result"].is_object(), "{message}");
        message["result"].clone()
    }

    /// The tools, by their names.
    pub(crate) async fn tools(&self) -> Vec<Value> {
        let answer = self
            .request("tools/list", "", json!({}))
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        answer["result"]["tools"].as_array().unwrap().clone()
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let params = json!({"name": tool, "arguments": arguments});
        let response = self
            .request("tools/call", tool, params)
            .send()
            .await
            .unwrap();
        let body = response.text().await.unwrap();
        let message = message(&body);
        let result = &message["result"];
        assert!(result.is_object(), "{tool}: {body}");
        Answer {
            is_error: result["isError"] == true,
            text: result["content"][0]["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            structured: result["structuredContent"].clone(),
        }
    }

    /// The structured value of a call that went well.
    pub(crate) async fn value(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.call(tool, arguments).await;
        assert!(!answer.is_error, "{tool}: {}", answer.text);
        answer.structured
    }

    /// Starts a job.
    pub(crate) async fn start(&self, job: &str, arguments: Value) -> String {
        let started = self.value(&format!("start_{job}"), arguments).await;
        started["job_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn status(&self, job: &str, id: &str) -> Value {
        self.value(&format!("get_{job}_status"), json!({"job_id": id}))
            .await
    }

    /// Waits until the status of a job is what a test waits for.
    pub(crate) async fn status_when(
        &self,
        job: &str,
        id: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Value {
        let what = format!("a status of `{job}`");
        until(&what, async || {
            let status = self.status(job, id).await;
            let is_over = status["state"] == "succeeded" || status["state"] == "failed";
            let is_it = is_it(&status);
            assert!(is_it || !is_over, "{status}\n{}", self.talk());
            is_it.then_some(status)
        })
        .await
    }

    /// Waits for the end of a job.
    pub(crate) async fn ended(&self, job: &str, id: &str) -> Value {
        let is_over =
            |status: &Value| status["state"] == "succeeded" || status["state"] == "failed";
        self.status_when(job, id, is_over).await
    }

    /// The result of a job that has to succeed.
    pub(crate) async fn result(&self, job: &str, id: &str) -> Value {
        let end = self.ended(job, id).await;
        assert_eq!(end["state"], "succeeded", "{end}\n{}", self.talk());
        self.value(&format!("get_{job}_result"), json!({"job_id": id}))
            .await
    }

    /// The lines of a job's log.
    pub(crate) async fn log(&self, job: &str, id: &str) -> Vec<String> {
        let page = self
            .value(
                &format!("get_{job}_log"),
                json!({"job_id": id, "lines": 100}),
            )
            .await;
        let lines = page["lines"].as_array().unwrap();
        let text = |line: &Value| {
            let text = line.as_str().or_else(|| line["text"].as_str());
            text.unwrap_or_else(|| panic!("{line}")).to_owned()
        };
        lines.iter().map(text).collect()
    }

    /// What is behind a URL of a file.
    pub(crate) async fn download(&self, url: &Value) -> Vec<u8> {
        let response = self.http.get(url.as_str().unwrap()).send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{url}: {}",
            response.status()
        );
        response.bytes().await.unwrap().into()
    }

    /// What it has said.
    pub(crate) fn talk(&self) -> String {
        self.talk.lock().unwrap().clone()
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it in order.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = until("the end of the server", async || {
            self.child.try_wait().unwrap()
        })
        .await;
        assert!(status.success(), "{status}\n{}", self.talk());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The message that answers a request: all of the body, or the last of a stream, which a long call is answered as.
pub(crate) fn message(body: &str) -> Value {
    let mut lines = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let last = lines.next_back().unwrap_or(body);
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{body}"))
}

/// The numbers of processes that a program has written into a file of `out`, a line each.
pub(crate) fn noted(out: &Path, file: &str) -> Vec<i32> {
    let text = fs::read_to_string(out.join(file)).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Whether a process is there, and no zombie.
pub(crate) fn is_alive(process: i32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else {
        return false;
    };
    let state = status
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest.trim_start());
    !state.starts_with(['Z', 'X'])
}

/// Waits until a file is there with a line in it, and returns all of it.
pub(crate) async fn written(path: &Path) -> String {
    until("a file of a program", async || {
        let text = fs::read_to_string(path).ok()?;
        text.ends_with('\n').then_some(text)
    })
    .await
}

/// Waits until none of these processes is there any more.
pub(crate) async fn gone(processes: &[i32]) {
    until("the end of every process", async || {
        let is_left = processes.iter().any(|process| is_alive(*process));
        (!is_left).then_some(())
    })
    .await;
}
