//! Programs as jobs: stages, progress, log, results and their end.

use serde_json::{Value, json};

use crate::{
    harness::{Project, gone, is_alive, written},
    tools::processes,
};

pub(crate) const RENDER: &str = r#"
[job.render]
description = "Render a scene."
command = ["python3", "render.py", "--scene", "{scene}", "{frames}", "{draft}", "--", "{tags}"]
stages = ["preparing assets", "rendering frames", "encoding output"]
artifacts = ["out/film.txt"]
log = true
params.scene = { type = "string", pattern = "^[a-z0-9_-]+$", description = "Scene name." }
params.frames = { type = "integer", minimum = 1, maximum = 100, default = 4, flag = "--frames", description = "Frames to render." }
params.draft = { type = "boolean", default = false, flag = "--draft", description = "Whether it is a draft." }
params.tags = { type = "array", items = { type = "string" }, optional = true, description = "Words for its end." }
"#;

pub(crate) const ACT: &str = r#"
[job.act]
description = "Do what it is told."
command = ["python3", "act.py", "{actions}"]
stages = ["one", "two", "three"]
artifacts = ["out/*.txt", "*.md"]
progress = "percent"
log = true
sandbox = "off"
grace = "2s"
limits = { output = "1MiB" }
env = { TEST_OUT = "${OUT}" }
params.actions = { type = "array", items = { type = "string" }, description = "What to do." }
"#;

pub(crate) fn act() -> (Project, tempfile::TempDir) {
    let out = tempfile::tempdir().unwrap();
    (
        Project::new(ACT).with("OUT", out.path().to_str().unwrap()),
        out,
    )
}

/// Runs `act` to its end.
async fn run(actions: Value) -> (Value, Value, Vec<String>) {
    let (project, _out) = act();
    let server = project.serve().await;
    let id = server.start("act", json!({"actions": actions})).await;
    let end = server.ended("act", &id).await;
    let result = server.value("get_act_result", json!({"job_id": id})).await;
    let log = server.log("act", &id).await;
    server.stop().await;
    (end, result, log)
}

#[tokio::test]
async fn a_program_goes_through_its_stages_and_leaves_its_files() {
    let server = Project::new(RENDER).serve().await;
    let arguments = json!({"scene": "lake", "draft": true, "tags": ["-x", "y z"]});
    let id = server.start("render", arguments).await;
    let result = server.result("render", &id).await;
    assert_eq!(result["result"]["frames"], 4);
    let names: Vec<_> = result["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["name"])
        .collect();
    assert_eq!(
        names,
        ["film.txt", "frame-0.txt"],
        "in the order of the declaration, then as named"
    );
    let film = server.download(&result["url"]).await;
    assert_eq!(
        String::from_utf8(film).unwrap(),
        "lake 0\nlake 1\nlake 2\nlake 3\ndraft -x y z\n"
    );
    let status = server.status("render", &id).await;
    assert_eq!(
        (&status["stage"], &status["total_stages"]),
        (&json!(3), &json!(3))
    );
    assert!(server.log("render", &id).await[0].starts_with("preparing lake on 3."));
}

#[tokio::test]
async fn what_a_schema_cannot_say_is_said_at_the_start() {
    let server = Project::new(RENDER).serve().await;
    for (arguments, told) in [
        (json!({"scene": "-x"}), "begins with `-`"),
        (json!({"scene": "a/b"}), "`scene`"),
        (json!({"scene": "a", "tags": ["a\0b"]}), "NUL"),
        (json!({"scene": "a", "frames": 101}), "`frames`"),
    ] {
        let (error, code) = server.call("start_render", arguments).await.failure();
        assert!(error.contains(told) && code == "user_error", "{error}");
    }
}

#[tokio::test]
async fn events_and_output_lines_tell_how_far_it_is() {
    let (project, _out) = act();
    let server = project.serve().await;
    let told = json!([
        r#"say={"stage":2,"message":"half way"}"#,
        r#"say={"progress":0.25}"#,
        "wait"
    ]);
    let id = server.start("act", json!({"actions": told})).await;
    let there = |status: &Value| status["progress"] == 0.25;
    let status = server.status_when("act", &id, there).await;
    assert_eq!(
        (&status["stage"], &status["message"]),
        (&json!(2), &json!("[2/3] half way"))
    );
    server.value("cancel_act", json!({"job_id": id})).await;

    let printed = json!(["print=word\\n", r"print=25%\r50%\r", "wait"]);
    let id = server.start("act", json!({"actions": printed})).await;
    server
        .status_when("act", &id, |status| status["progress"] == 0.5)
        .await;
    server.value("cancel_act", json!({"job_id": id})).await;
    let end = server.ended("act", &id).await;
    assert_eq!(end["error_code"], "cancelled", "{end}");
    let log = server.log("act", &id).await;
    assert_eq!(log, ["word"], "the past of a bar is not kept");
}

#[tokio::test]
async fn stages_never_go_back_and_wrong_lines_are_told_once() {
    let (end, result, log) = run(json!([
        r#"say={"stage":3}"#,
        r#"say={"stage":1}"#,
        r#"say={"stage":9}"#,
        "say=rubbish",
        "say={\"stage\":2,\"x\":1}",
        r#"say={"result":{"a":1}}"#,
        r#"say={"result":[2]}"#,
    ]))
    .await;
    assert_eq!(
        (&end["state"], &end["stage"]),
        (&json!("succeeded"), &json!(3)),
        "{end}"
    );
    assert_eq!(result["result"], json!([2]), "the last one counts");
    let complaints = log
        .iter()
        .filter(|line| line.contains("$FARCALL_EVENTS"))
        .count();
    assert_eq!(complaints, 1, "{log:?}");
}

#[tokio::test]
async fn the_end_of_a_program_is_that_of_its_job() {
    for (actions, code, told) in [
        (
            json!(["complain=no such scene", "exit=4"]),
            "exit_nonzero",
            "status 4, its last words: no such scene",
        ),
        (json!(["signal=6"]), "exit_nonzero", "signal 6"),
        (json!(["flood"]), "output_limit", "1048576 bytes"),
        (
            json!([r#"say={"artifact":"../../secret"}"#]),
            "user_error",
            "left no such file",
        ),
    ] {
        let (end, _, _) = run(actions).await;
        assert_eq!(
            (&end["state"], &end["error_code"]),
            (&json!("failed"), &json!(code)),
            "{end}"
        );
        assert!(end["error"].as_str().unwrap().contains(told), "{end}");
    }
}

#[tokio::test]
async fn a_program_that_prints_json_has_it_for_a_result() {
    let toml = ACT.replace("progress = \"percent\"", "output = \"json\"");
    let (_, out) = act();
    let project = Project::new(&toml).with("OUT", out.path().to_str().unwrap());
    let server = project.serve().await;
    let id = server
        .start("act", json!({"actions": ["print={\"a\": 1}"]}))
        .await;
    assert_eq!(server.result("act", &id).await["result"], json!({"a": 1}));
    let id = server.start("act", json!({"actions": ["print={"]})).await;
    let end = server.ended("act", &id).await;
    assert!(
        end["error"]
            .as_str()
            .unwrap()
            .contains("did not print JSON"),
        "{end}"
    );
}

/// P10: a job that is cancelled leaves nobody behind, however deaf its program is.
#[tokio::test]
async fn a_cancelled_job_takes_every_descendant_along() {
    for deaf in [false, true] {
        let (project, out) = act();
        let server = project.serve().await;
        let actions = if deaf {
            json!(["deaf", "children=deaf", "wait"])
        } else {
            json!(["children", "wait"])
        };
        let id = server.start("act", json!({"actions": actions})).await;
        let there = processes(&written(&out.path().join("processes")).await);
        assert!(there.len() == 3 && there.iter().all(|process| is_alive(*process)));
        server.value("cancel_act", json!({"job_id": id})).await;
        gone(&there).await;
        assert_eq!(server.ended("act", &id).await["error_code"], "cancelled");
        server.stop().await;
    }
}

/// P11.
#[tokio::test]
async fn a_job_that_runs_too_long_is_stopped() {
    let toml = ACT.replace("grace = \"2s\"", "grace = \"1s\"\ntimeout = \"4s\"");
    let out = tempfile::tempdir().unwrap();
    let project = Project::new(&toml).with("OUT", out.path().to_str().unwrap());
    let server = project.serve().await;
    let id = server
        .start("act", json!({"actions": ["children", "wait"]}))
        .await;
    let end = server.ended("act", &id).await;
    assert_eq!(end["error_code"], "timeout", "{end}");
    gone(&processes(&written(&out.path().join("processes")).await)).await;
}
