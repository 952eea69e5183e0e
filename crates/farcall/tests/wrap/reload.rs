//! SIGHUP: the file is read again, and nothing that is under way notices.

use std::{fs, path::Path, process::Command, sync::Arc, time::Duration};

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Project, Server, until, written};

fn greeter(name: &str, greeting: &str) -> String {
    format!(
        "[tool.{name}]\ndescription = \"Say {greeting}.\"\ncommand = [\"echo\", \"{greeting}\"]\n"
    )
}

/// A job whose program says that it has begun, waits for a gate, and then says its version.
fn waiter(folder: &Path, version: &str, more: &str) -> String {
    let script = format!(
        "echo $$ >> {0}/began; while ! test -e {0}/gate; do sleep 0.02; done; echo '\"{version}\"'",
        folder.display()
    );
    fs::write(folder.join(format!("{version}.sh")), script).unwrap();
    format!(
        "[job.wait]\ndescription = \"Wait.\"\ncommand = [\"sh\", \"{version}.sh\"]\noutput = \"json\"\nsandbox = \"off\"\n{more}\n"
    )
}

/// Writes another file, and waits until the server says that it has looked at it.
pub(crate) async fn reload(project: &Project, server: &Server, toml: &str) {
    const SAID: [&str; 2] = ["the file was read again", "the file cannot be served"];
    let seen = || {
        let talk = server.talk();
        SAID.iter()
            .map(|said| talk.matches(said).count())
            .sum::<usize>()
    };
    let before = seen();
    fs::write(project.path("farcall.toml"), toml).unwrap();
    server.signal(Signal::HUP);
    until("the file to be read again", async || {
        (seen() > before).then_some(())
    })
    .await;
}

pub(crate) async fn names(server: &Server) -> Vec<String> {
    let tools = server.tools().await;
    let names = tools.iter().map(|tool| tool["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn tools_come_go_and_are_described_anew() {
    let before = greeter("stays", "hello") + &greeter("goes", "bye");
    let project = Project::new(&before);
    let server = project.serve().await;
    assert_eq!(names(&server).await, ["stays", "goes"]);
    let after = greeter("comes", "welcome") + &greeter("stays", "good day");
    reload(&project, &server, &after).await;
    assert_eq!(names(&server).await, ["comes", "stays"]);
    assert_eq!(server.tools().await[1]["description"], "Say good day.");
    assert_eq!(server.call("stays", json!({})).await.text, "good day\n");
    assert_eq!(server.call("comes", json!({})).await.text, "welcome\n");
    let gone = json!({"name": "goes", "arguments": {}});
    let gone = server
        .request("tools/call", "goes", gone)
        .send()
        .await
        .unwrap();
    assert!(
        gone.text()
            .await
            .unwrap()
            .contains("there is no tool `goes`")
    );
    let talk = server.talk();
    let line = talk
        .lines()
        .find(|line| line.contains("read again"))
        .unwrap();
    for part in [
        r#"added=["comes"]"#,
        r#"changed=["stays"]"#,
        r#"removed=["goes"]"#,
    ] {
        assert!(line.contains(part), "{line}");
    }
    server.stop().await;
}

#[tokio::test]
async fn subscribers_are_told_that_the_list_has_changed() {
    let project = Project::new(&greeter("a", "hello"));
    let server = project.serve().await;
    let wanted = json!({"notifications": {"toolsListChanged": true}});
    let listen = server.request("subscriptions/listen", "", wanted);
    let mut stream = listen.send().await.unwrap();
    let mut heard = String::new();
    let mut next = async |what: &str| {
        while !heard.contains(what) {
            let chunk = tokio::time::timeout(Duration::from_secs(30), stream.chunk()).await;
            heard.push_str(std::str::from_utf8(&chunk.unwrap().unwrap().unwrap()).unwrap());
        }
    };
    next("acknowledged").await;
    // What nobody sees changes nothing for them.
    let unseen = greeter("a", "hello").replace("\"echo\"", "\"printf\"");
    reload(&project, &server, &unseen).await;
    reload(&project, &server, &greeter("b", "hello")).await;
    next("tools/list_changed").await;
    assert_eq!(heard.matches("list_changed").count(), 1, "{heard}");
    server.stop().await;
}

#[tokio::test]
async fn a_file_with_faults_changes_nothing_and_all_of_them_are_told() {
    let project = Project::new(&greeter("a", "hello"));
    let server = project.serve().await;
    let faulty =
        "[server]\nprot = 1\n[tool.b]\ndescription = \"B.\"\ncommand = [\"nowhere-at-all\"]\n";
    reload(&project, &server, faulty).await;
    assert_eq!(names(&server).await, ["a"]);
    assert_eq!(server.call("a", json!({})).await.text, "hello\n");
    let talk = server.talk();
    let line = talk
        .lines()
        .find(|line| line.contains("cannot be served"))
        .unwrap();
    for part in [
        "farcall.toml:2:1",
        "did you mean `port`?",
        "farcall.toml:5:",
        "nowhere-at-all",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    fs::remove_file(project.path("farcall.toml")).unwrap();
    reload(&project, &server, &greeter("c", "again")).await;
    assert_eq!(names(&server).await, ["c"]);
    server.stop().await;
}

#[tokio::test]
async fn what_is_opened_at_start_is_told_to_need_a_restart() {
    let settings = "[server]\nname = \"one\"\nbearer_token = \"${TOKEN}\"\nport = 1\n";
    let tool = greeter("a", "hello");
    let project = Project::new(&tool).with("TOKEN", "0123456789abcdef-secret");
    let server = project.serve().await;
    reload(
        &project,
        &server,
        &format!("{settings}host = \"127.0.0.2\"\n{tool}"),
    )
    .await;
    let talk = server.talk();
    for name in [
        "`MCP_HOST`, `host` of",
        "`MCP_BEARER_TOKEN`, `bearer_token` of",
    ] {
        let line = talk.lines().find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("{name}: {talk}"));
        assert!(line.contains("when the server is started again"), "{line}");
    }
    // The environment wins over the file, so the port has not changed.
    assert!(!talk.contains("`MCP_PORT`"), "{talk}");
    assert!(!talk.contains("0123456789abcdef"), "a secret is in the log");
    // It still listens where it did, and lets in whom it did.
    assert_eq!(server.call("a", json!({})).await.text, "hello\n");
    // So does a first job.
    let folder = project.path("");
    reload(&project, &server, &(tool + &waiter(&folder, "one", ""))).await;
    assert!(
        server
            .talk()
            .contains("a first job needs the place of jobs")
    );
    assert_eq!(names(&server).await, ["a"]);
    server.stop().await;
}

#[tokio::test]
async fn a_running_job_ends_as_it_began_and_a_waiting_one_runs_as_declared_now() {
    let project = Project::new("");
    let folder = project.path("");
    let one_at_a_time = "concurrency = 1";
    fs::write(
        project.path("farcall.toml"),
        waiter(&folder, "old", one_at_a_time),
    )
    .unwrap();
    let server = project.serve().await;
    let running = server.start("wait", json!({})).await;
    written(&folder.join("began")).await;
    let waiting = server.start("wait", json!({})).await;
    let new = waiter(&folder, "new", "concurrency = 1\nstages = [\"a\", \"b\"]");
    reload(&project, &server, &new).await;
    fs::write(folder.join("gate"), "").unwrap();
    assert_eq!(server.result("wait", &running).await["result"], "old");
    assert_eq!(server.result("wait", &waiting).await["result"], "new");
    let status = server.status("wait", &waiting).await;
    assert_eq!(
        (&status["stage"], &status["total_stages"]),
        (&json!(2), &json!(2))
    );
    server.stop().await;
}

#[tokio::test]
async fn a_job_that_is_not_declared_any_more_runs_to_its_end_and_waits_in_vain() {
    let project = Project::new("");
    let folder = project.path("");
    let tool = greeter("a", "hello");
    let before = tool.clone() + &waiter(&folder, "old", "concurrency = 1");
    fs::write(project.path("farcall.toml"), &before).unwrap();
    let server = project.serve().await;
    let running = server.start("wait", json!({})).await;
    written(&folder.join("began")).await;
    let waiting = server.start("wait", json!({})).await;
    reload(&project, &server, &tool).await;
    assert_eq!(names(&server).await, ["a"]);
    until("the end of a job that nobody knows", async || {
        server.talk().contains("none knows it").then_some(())
    })
    .await;
    fs::write(folder.join("gate"), "").unwrap();
    // Declared again, it can be asked about.
    reload(&project, &server, &before).await;
    assert_eq!(server.result("wait", &running).await["result"], "old");
    let end = server.ended("wait", &waiting).await;
    assert_eq!(end["error_code"], "internal", "{end}");
    let began = fs::read_to_string(folder.join("began")).unwrap();
    assert_eq!(began.lines().count(), 1, "what has vanished never began");
    server.stop().await;
}

/// P12: what a job holds it holds, whatever its name needs by now.
#[tokio::test]
async fn slots_are_held_through_a_reload() {
    let project = Project::new("").with("FARCALL_SLOTS", "gpu=1");
    let folder = project.path("");
    let two = |version: &str, slots: &str| {
        let wait = waiter(&folder, version, slots);
        let other = format!(
            "[job.other]\ndescription = \"Need it, too.\"\ncommand = [\"sh\", \"{version}.sh\"]\nsandbox = \"off\"\nslots = {{ gpu = 1 }}\n"
        );
        wait + &other
    };
    let old = two("old", "slots = { gpu = 1 }");
    fs::write(project.path("farcall.toml"), old).unwrap();
    let server = project.serve().await;
    let first = server.start("wait", json!({})).await;
    written(&folder.join("began")).await;
    // What runs has the only one, though its declaration needs none any more.
    reload(&project, &server, &two("new", "")).await;
    let second = server.start("other", json!({})).await;
    let third = server.start("wait", json!({})).await;
    until("the job that needs nothing", async || {
        let began = fs::read_to_string(folder.join("began")).unwrap();
        (began.lines().count() == 2).then_some(())
    })
    .await;
    assert_eq!(server.status("wait", &third).await["state"], "running");
    assert_eq!(server.status("other", &second).await["state"], "queued");
    fs::write(folder.join("gate"), "").unwrap();
    for (job, id) in [("wait", &first), ("other", &second), ("wait", &third)] {
        assert_eq!(server.ended(job, id).await["state"], "succeeded");
    }
    // What could never run here is refused.
    reload(&project, &server, &two("new", "slots = { gpu = 2 }")).await;
    assert!(server.talk().contains("can never run `wait`"));
    server.stop().await;
}

/// Serves on a terminal, closes that as a window does, and prints how the server ended.
const CLOSED: &str = "
import os, pty, sys
server, terminal = pty.fork()
if server == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b''
while b'  try ' not in seen:
    seen += os.read(terminal, 4096)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(server, 0)[1]))
";

#[test]
fn a_server_whose_terminal_is_closed_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("farcall.toml"), greeter("a", "hello")).unwrap();
    let ended = Command::new("python3")
        .args(["-c", CLOSED, env!("CARGO_BIN_EXE_farcall"), "serve"])
        .current_dir(folder.path())
        .env("MCP_PORT", "0")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "0\n", "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_in_flight_do_not_notice_twenty_reloads() {
    const CALLERS: usize = 50;
    const CALLS: usize = 20;
    let project = Project::new(&greeter("stays", "hello"));
    let server = Arc::new(project.serve().await);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                for _ in 0..CALLS {
                    let answer = server.call("stays", json!({})).await;
                    assert!(!answer.is_error && answer.text == "hello\n", "{answer:?}");
                }
            })
        })
        .collect();
    for round in 0..20 {
        let toml = greeter("stays", "hello") + &greeter(&format!("other_{round}"), "x");
        reload(&project, &server, &toml).await;
        assert_eq!(names(&server).await[1], format!("other_{round}"));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let server = Arc::into_inner(server).unwrap();
    server.stop().await;
}

#[tokio::test]
async fn the_audit_log_is_opened_again() {
    let toml = greeter("greet", "hello");
    let project = Project::new(&toml).with("FARCALL_AUDIT", "audit.jsonl");
    let server = project.serve().await;
    let lines = async |file: &str, count: usize| {
        until("lines of the audit log", async || {
            let text = fs::read_to_string(project.path(file)).ok()?;
            (text.lines().count() == count).then_some(())
        })
        .await;
    };
    server.call("greet", json!({})).await;
    lines("audit.jsonl", 1).await;
    fs::rename(project.path("audit.jsonl"), project.path("audit.1")).unwrap();
    reload(&project, &server, &toml).await;
    server.call("greet", json!({})).await;
    server.call("greet", json!({})).await;
    lines("audit.jsonl", 2).await;
    lines("audit.1", 1).await;
    server.stop().await;
}
