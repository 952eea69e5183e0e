//! Secrets, in nothing that a panic leaves behind.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use farcall::{App, axum::routing::get, json, prelude::*};

use crate::{
    harness::{Issuer, Operator, pace, soon},
    offers::count,
};

const TOKEN: &str = "canary-of-the-bearer-token-0123456789";
const SECRET: &str = "canary-of-the-shared-secret-0123456789";
const CLIENT: &str = "canary-of-the-client-secret-0123456789";
/// The same as it travels: `farm:` and the secret in Base64.
const SENT: &str = "ZmFybTpjYW5hcnktb2YtdGhlLWNsaWVudC1zZWNyZXQtMDEyMzQ1Njc4OQ==";
const OPAQUE: &str = "canary-of-an-opaque-token-0123456789";
const ARGUMENT: &str = "canary-of-an-argument";
const SAID: &str = "nothing to hold on to";

/// Fall over something.
#[tool]
async fn fall(
    /// What over.
    over: String,
) -> String {
    tokio::task::yield_now().await;
    panic!("{SAID} after {}", over.len())
}

/// Fall on a thread of its own.
#[tool]
fn fall_elsewhere(
    /// What over.
    over: String,
) -> String {
    panic!("{SAID} after {}", over.len())
}

async fn fall_outside() -> &'static str {
    panic!("{SAID} at all")
}

#[test]
#[ignore = "it is the server of the other test, a process of its own because panics speak to all of one"]
fn the_server_of_the_other_test() {
    let app = App::new("canary")
        .tool::<fall>()
        .tool::<fall_elsewhere>()
        .add_job(count())
        .route("/fall", get(fall_outside));
    let _ = app.run_with(["canary"]);
}

/// Its process, and all that it has said.
struct Server(Child, Arc<Mutex<String>>);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    fn start(folder: &str, log: &str, issuer: &Issuer) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("canary::the_server_of_the_other_test")
            .env_clear()
            .env("MCP_PORT", "0")
            .env("FARCALL_DATA_DIR", folder)
            .env("MCP_BEARER_TOKEN", TOKEN)
            .env("FARCALL_SECRET", SECRET)
            .env("FARCALL_OAUTH_ISSUER", &issuer.url)
            .env("FARCALL_OAUTH_INTROSPECTION_URL", issuer.introspection())
            .env("FARCALL_OAUTH_CLIENT_ID", "farm")
            .env("FARCALL_OAUTH_CLIENT_SECRET", CLIENT)
            .env("FARCALL_METRICS", "127.0.0.1:0")
            .env("FARCALL_LOG", log)
            .env("FARCALL_LOG_FORMAT", "text")
            .env("RUST_BACKTRACE", "full")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::<Mutex<String>>::default();
        let (stderr, heard) = (child.stderr.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                *heard.lock().unwrap() += &(line + "\n");
            }
        });
        Self(child, said)
    }

    fn said(&self) -> String {
        self.1.lock().unwrap().clone()
    }

    /// What is found in what it says, as soon as it is.
    async fn says<T>(&self, look: impl Fn(&str) -> Option<T>) -> T {
        soon(async {
            loop {
                if let Some(found) = look(&self.said()) {
                    return found;
                }
                pace().await;
            }
        })
        .await
    }
}

#[tokio::test]
async fn no_secret_is_in_the_output_or_the_answer_of_what_panics() {
    let issuer = Issuer::of(&[]).await;
    // Arguments are no secrets of ours, and still nothing for a log that nobody has made louder.
    for (log, argument) in [
        ("info", Some(ARGUMENT)),
        ("trace,hyper=trace,rmcp=trace", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().to_str().unwrap();
        let server = Server::start(folder, log, &issuer);
        let place = async |what: &str| {
            let place = server.says(|said| {
                let line = said.lines().find(|line| line.starts_with(what))?;
                line.split_whitespace().last().map(str::to_owned)
            });
            place.await
        };
        let (mcp, metrics) = (place("  mcp ").await, place("  metrics ").await);
        let http = reqwest::Client::builder().no_proxy();
        let http = http.build().unwrap();
        let mut answers = String::new();
        let named = Operator::at(folder, None).await.names("ann", |_| {}).await;
        for (tool, token) in [("fall", TOKEN), ("fall_elsewhere", named.as_str())] {
            let params = json!({"name": tool, "arguments": {"over": ARGUMENT}});
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
            let request = http.post(&mcp).bearer_auth(token).json(&call);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let text = answer.text().await.unwrap();
            assert!(text.contains("\"isError\":true"), "{text}");
            answers.push_str(&text);
        }
        let outside = http.get(mcp.replace("/mcp", "/fall")).bearer_auth(TOKEN);
        if let Ok(answer) = outside.send().await {
            answers.push_str(&answer.text().await.unwrap_or_default());
        }
        // The issuer does not know this server, and so nobody does the token.
        let unknown = http.get(&mcp).bearer_auth(OPAQUE).send().await.unwrap();
        assert_eq!(unknown.status(), 503);
        answers.push_str(&unknown.text().await.unwrap());
        let metrics = http.get(metrics).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        let fallen = r#"farcall_tool_calls_total{tool="fall",outcome="internal"} 1"#;
        assert!(metrics.contains(fallen), "{metrics}");
        answers.push_str(&metrics);
        // One line for each of them, and for the one outside of tools whatever Rust says of it.
        server
            .says(|said| (said.matches(SAID).count() >= 3).then_some(()))
            .await;
        let said = server.said();
        let (_, of_ann) = named.rsplit_once('_').unwrap();
        let secrets = [TOKEN, SECRET, CLIENT, SENT, OPAQUE, of_ann];
        for canary in secrets.into_iter().chain(argument) {
            assert!(!said.contains(canary), "{canary} is in the output: {said}");
        }
        for canary in secrets.into_iter().chain([ARGUMENT, SAID, ".rs:"]) {
            assert!(!answers.contains(canary), "{canary} is in {answers}");
        }
    }
}
