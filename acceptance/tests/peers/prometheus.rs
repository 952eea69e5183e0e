//! A real Prometheus reads a real server, and understands every question that alerts and dashboard ask it.

use std::{collections::BTreeSet, fs, path::Path};

use farcall_acceptance::{Launch, McpClient, Server, scratch, wait::until};
use farcall_testpg::free_port;
use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peer::{Peer, binary, repository};

const OFFER: &str = r#"
[server]
name = "watched"

[job.render]
description = "Leave a file."
command = ["cp", "{from}", "out.txt"]
stages = ["copying \"it\""]
artifacts = ["out.txt"]
params.from = { type = "string", description = "What is copied." }

[tool.say]
description = "Say something."
command = ["echo", "{text}"]
output = "json"
params.text = { type = "string", description = "What." }
"#;

const TOKEN: &str = "of-whoever-reads-metrics-0123456789";

/// A server at which something has happened of all that is counted.
async fn watched(folder: &Path) -> Server {
    fs::write(folder.join("farcall.toml"), OFFER).unwrap();
    let launch = Launch::of(&binary("farcall"), folder)
        .env("PATH", "/usr/bin:/bin")
        .env("MCP_BEARER_TOKEN", TOKEN)
        .env("FARCALL_METRICS", "127.0.0.1:0");
    let server = launch.verb(&["serve"]).start().await;
    let bearer = HeaderValue::try_from(format!("Bearer {TOKEN}")).unwrap();
    let http = reqwest::Client::builder()
        .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
        .build()
        .unwrap();
    let client = McpClient::sharing(http.clone(), server.url());
    client.call("say", json!({"text": "{\"said\": 1}"})).await;
    for (from, state) in [("/etc/hostname", "succeeded"), ("nothing", "failed")] {
        let started = client.call("start_render", json!({"from": from})).await;
        let id = json!({"job_id": started["job_id"]});
        until("the end of the job", async || {
            let status = client.call("get_render_status", id.clone()).await;
            (status["state"] == state).then_some(())
        })
        .await;
        if state == "succeeded" {
            let result = client.call("get_render_result", id).await;
            let file = http.get(result["url"].as_str().unwrap()).send().await;
            assert!(file.unwrap().status().is_success());
        }
    }
    let wrong = reqwest::get(format!("{}/metrics", server.origin())).await;
    assert_eq!(wrong.unwrap().status(), 401);
    server
}

/// Where a server says that its metrics are.
fn readings(server: &Server) -> String {
    let talk = server.talk();
    let line = talk
        .lines()
        .find_map(|line| line.strip_prefix("  metrics  "));
    line.expect("no address of metrics").to_owned()
}

fn deployed(file: &str) -> std::path::PathBuf {
    repository().join("deploy").join(file)
}

fn promtool() -> Peer {
    Peer::at(Path::new("promtool"))
}

/// Every expression of the alerts: what stands behind `expr:`, on one line or folded.
fn of_alerts() -> Vec<String> {
    let text = fs::read_to_string(deployed("prometheus/alerts.yml")).unwrap();
    let mut lines = text.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some(first) = line.trim().strip_prefix("expr: ") else {
            continue;
        };
        let mut expression = first.trim_start_matches(">-").to_owned();
        // What is folded stands further in than its key.
        while first == ">-"
            && let Some(more) = lines.next_if(|line| line.starts_with("          "))
        {
            expression = format!("{expression} {}", more.trim());
        }
        found.push(expression);
    }
    found
}

/// Every expression of the dashboard, with its panel, and with what Grafana puts in.
fn of_dashboard() -> Vec<(String, String)> {
    let text = fs::read_to_string(deployed("grafana/farcall.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let asking = panels.filter(|panel| panel["type"] != "row");
    let asked = asking.flat_map(|panel| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(move |target| {
            let expression = target["expr"].as_str().unwrap();
            let filled = expression
                .replace("$job", "farcall")
                .replace("$instance", ".*")
                .replace("$__rate_interval", "1m");
            assert!(!filled.contains('$'), "{title}: {filled}");
            (title.clone(), filled)
        })
    });
    asked.collect()
}

/// The names of metrics in an expression.
fn metrics(expression: &str) -> BTreeSet<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = expression.split(|letter| !is_part(letter));
    let ours = words.filter(|word| word.starts_with("farcall_") || word.starts_with("process_"));
    ours.collect()
}

#[tokio::test]
async fn promtool_takes_rules_configuration_and_what_a_server_tells() {
    promtool()
        .arguments(&["check", "rules"])
        .argument(deployed("prometheus/alerts.yml"))
        .content("the rules")
        .await;
    promtool()
        .arguments(&["test", "rules"])
        .argument(deployed("prometheus/alerts.test.yml"))
        .content("when the alerts speak")
        .await;
    promtool()
        .arguments(&["check", "config"])
        .argument(deployed("prometheus/prometheus.example.yml"))
        .content("the configuration")
        .await;
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let server = watched(folder.path()).await;
    let told = reqwest::get(readings(&server)).await.unwrap();
    let told = told.text().await.unwrap();
    let file = folder.path().join("metrics.txt");
    fs::write(&file, &told).unwrap();
    let judge = Peer::at(Path::new("sh"))
        .arguments(&["-c", "promtool check metrics < metrics.txt"])
        .within(folder.path());
    let judged = judge.run().await;
    // It finds fault by a status, and by a word about style that has none.
    let said = format!("{}{}", judged.stdout, judged.stderr);
    assert_eq!((judged.code, said.trim()), (Some(0), ""), "{told}");
}

#[test]
fn of_every_alert_it_is_tried_when_it_speaks() {
    let read = |file: &str| fs::read_to_string(deployed(file)).unwrap();
    let (alerts, tried) = (
        read("prometheus/alerts.yml"),
        read("prometheus/alerts.test.yml"),
    );
    let names = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), of_alerts().len());
    for name in names {
        let asked = format!("alertname=\"{name}\",alertstate=\"firing\"");
        assert!(tried.contains(&asked), "{name}");
    }
}

#[test]
fn alerts_and_dashboard_ask_for_what_is_told() {
    let reference = repository().join("docs/reference/metrics.md");
    let reference = fs::read_to_string(reference).unwrap();
    let is_told = |name: &str| {
        let endings = ["_bucket", "_sum", "_count"];
        let base = endings.iter().find_map(|ending| name.strip_suffix(ending));
        let names = [Some(name), base].into_iter().flatten();
        names
            .into_iter()
            .any(|name| reference.contains(&format!("| `{name}` |")))
    };
    let (alerts, dashboard) = (of_alerts(), of_dashboard());
    assert!(
        alerts.len() > 10 && dashboard.len() > 25,
        "{alerts:#?} {dashboard:#?}"
    );
    let asked = dashboard.iter().map(|(_, expression)| expression);
    for expression in alerts.iter().chain(asked) {
        for name in metrics(expression) {
            assert!(is_told(name), "`{name}` in `{expression}`");
        }
    }
}

/// A Prometheus, and how it is asked.
struct Prometheus {
    _process: farcall_acceptance::Process,
    origin: String,
    _folder: TempDir,
}

impl Prometheus {
    /// One that reads `server` at both places, with our alerts.
    async fn of(server: &Server) -> Self {
        let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
        let place = |url: &str| {
            let url = Url::parse(url).unwrap();
            format!("127.0.0.1:{}", url.port().unwrap())
        };
        fs::write(folder.path().join("token"), TOKEN).unwrap();
        fs::copy(
            deployed("prometheus/alerts.yml"),
            folder.path().join("alerts.yml"),
        )
        .unwrap();
        let settings = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n\
             rule_files: [alerts.yml]\n\
             scrape_configs:\n\
             - job_name: farcall\n  static_configs: [{{ targets: [\"{}\"] }}]\n\
             - job_name: gated\n  authorization: {{ credentials_file: token }}\n  static_configs: [{{ targets: [\"{}\"] }}]\n\
             - job_name: stranger\n  static_configs: [{{ targets: [\"{}\"] }}]\n",
            place(&readings(server)),
            place(server.origin()),
            place(server.origin()),
        );
        fs::write(folder.path().join("prometheus.yml"), settings).unwrap();
        // It does not say which port it took, so it is told a free one.
        let address = format!("127.0.0.1:{}", free_port());
        let process = Peer::at(Path::new("prometheus"))
            .within(folder.path())
            .arguments(&["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .argument(format!("--web.listen-address={address}"))
            .spawn();
        let this = Self {
            _process: process,
            origin: format!("http://{address}"),
            _folder: folder,
        };
        until("Prometheus", async || {
            let ready = reqwest::get(format!("{}/-/ready", this.origin)).await;
            ready
                .is_ok_and(|ready| ready.status().is_success())
                .then_some(())
        })
        .await;
        this
    }

    /// What it finds.
    async fn asked(&self, expression: &str) -> Vec<Value> {
        let place = format!("{}/api/v1/query", self.origin);
        let url = Url::parse_with_params(&place, [("query", expression)]).unwrap();
        let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "success", "`{expression}`: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// What it finds, once that is anything: what was not read in time is not there for a second.
    async fn found(&self, expression: &str) -> Value {
        until(expression, async || {
            self.asked(expression).await.first().cloned()
        })
        .await
    }

    /// Waits until `number` is what it finds.
    async fn comes_to(&self, expression: &str, number: &str) {
        until(&format!("`{expression}` to be {number}"), async || {
            let found = self.found(expression).await;
            (found["value"][1] == number).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn prometheus_reads_a_server_and_answers_whatever_alerts_and_dashboard_ask() {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let server = watched(folder.path()).await;
    let prometheus = Prometheus::of(&server).await;
    for (expression, expected) in [
        ("up{job=\"farcall\"}", "1"),
        ("up{job=\"gated\"}", "1"),
        // Who brings no token is not let in.
        ("up{job=\"stranger\"}", "0"),
        ("farcall_jobs{job=\"farcall\",state=\"succeeded\"}", "1"),
        (
            "farcall_job_attempts_total{job=\"farcall\",kind=\"render\",outcome=\"failed\"}",
            "1",
        ),
        (
            "farcall_tool_calls_total{job=\"farcall\",tool=\"say\",outcome=\"ok\"}",
            "1",
        ),
        // What stands between quotes in a name comes through them.
        (
            "farcall_job_stage_duration_seconds_count{job=\"farcall\",stage=\"copying \\\"it\\\"\"}",
            "1",
        ),
    ] {
        prometheus.comes_to(expression, expected).await;
    }
    // For a rate there have to be two readings.
    prometheus
        .found("rate(process_cpu_seconds_total{job=\"farcall\"}[1m])")
        .await;
    for expression in of_alerts() {
        prometheus.asked(&expression).await;
    }
    for (_, expression) in of_dashboard() {
        prometheus.found(&expression).await;
    }
    // Whether it has judged all of them, and found none that it cannot.
    let rules = format!("{}/api/v1/rules", prometheus.origin);
    until("every rule to be judged", async || {
        let answer: Value = reqwest::get(&rules).await.unwrap().json().await.unwrap();
        let rules = answer["data"]["groups"][0]["rules"].as_array()?.clone();
        let is_well = |rule: &Value| rule["health"] == "ok";
        assert!(rules.iter().all(|rule| rule["health"] != "err"), "{answer}");
        (rules.len() == of_alerts().len() && rules.iter().all(is_well)).then_some(())
    })
    .await;
}
