//! Servers in which everything is fine.

use farcall::{App, axum, axum::routing::post, json};
use serde_json::Value;

use crate::{
    harness::{TOKEN, bindery, calculator, farcall, press, shows, smoke, with_routes, with_server},
    terminal::Terminal,
};

#[test]
fn a_job_is_driven_to_its_file_over_both_versions() {
    with_server(press(), |url| async move {
        let ended = smoke(&url).variable("FARCALL_TOKEN", TOKEN).run().await;
        shows!(ended, @r#"
        exit 0
        ---- stdout
        tools: ["add", "start_print", "get_print_status", "get_print_result", "cancel_print", "start_burn", "get_burn_status", "get_burn_result", "cancel_burn"]
        add(2,3) -> {"sum":5.0}
        start_print -> {"job_id":"[JOB]…","state":"queued",…}
        status -> running 1/2 [1/2] setting type
        status -> running 2/2 [2/2] printing
        status -> succeeded 2/2 done
        result -> {"ready":true,"url":"http://127.0.0.1:[PORT]/files/[JOB]…",…}
        OK ✅
        ---- stderr
        again over 2025-11-25: fine
        "#);
    });
}

#[test]
fn on_a_terminal_a_bar_shows_how_far_the_job_is_and_is_gone_in_the_end() {
    with_server(bindery(), |url| async move {
        let typed = smoke(&url).variable("FARCALL_TOKEN", TOKEN);
        let (exit, drawn) = Terminal::start(typed).end().await;
        assert!(drawn.has_shown("=> "), "no bar");
        assert_eq!(exit, 0);
        shows!(drawn.screen(), @r#"
        tools: ["start_bind", "get_bind_status", "get_bind_result", "cancel_bind"]
        start_bind -> {"job_id":"[JOB]…","state":"queued",…}
        status -> running 1/6 [1/6] folding
        status -> running 2/6 [2/6] sewing
        status -> running 3/6 [3/6] gluing
        status -> running 4/6 [4/6] cutting
        status -> running 5/6 [5/6] drying
        status -> running 6/6 [6/6] printing
        status -> succeeded 6/6 done
        result -> {"ready":true,"url":"http://127.0.0.1:[PORT]/files/[JOB]…",…}
        again over 2025-11-25: fine
        OK ✅
        "#);
    });
}

#[test]
fn one_version_can_be_chosen() {
    with_server(calculator(), |url| async move {
        for version in ["2026-07-28", "2025-11-25"] {
            let ended = smoke(&url)
                .arguments(&["--wire", version, "--json"])
                .run()
                .await;
            let seen: Value = serde_json::from_str(&ended.stdout).unwrap();
            assert_eq!(seen["runs"].as_array().unwrap().len(), 1);
            assert_eq!(seen["runs"][0]["version"], version);
        }
    });
}

#[test]
fn json_holds_everything_that_was_seen() {
    with_server(press(), |url| async move {
        let typed = smoke(&url).arguments(&["--json", "--wire", "2026-07-28"]);
        let ended = typed.variable("MCP_BEARER_TOKEN", TOKEN).run().await;
        assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""));
        let mut seen: Value = serde_json::from_str(&ended.stdout).unwrap();
        // Whether the very first look comes before the first stage is a matter of luck.
        let statuses = seen["runs"][0]["job"]["statuses"].as_array_mut().unwrap();
        statuses.retain(|status| status["stage"] != 0);
        shows!(serde_json::to_string_pretty(&seen).unwrap());
    });
}

#[test]
fn a_server_without_jobs_is_fine() {
    with_server(calculator(), |url| async move {
        shows!(smoke(&url).run().await, @r#"
        exit 0
        ---- stdout
        tools: ["add", "shout"]
        add(2,3) -> {"sum":5.0}
        OK ✅
        ---- stderr
        note: no job was driven, the server has none
        again over 2025-11-25: fine
        "#);
    });
}

#[test]
fn a_server_with_nothing_to_drive_is_fine() {
    with_server(App::new("nothing"), |url| async move {
        shows!(smoke(&url).run().await, @r"
        exit 0
        ---- stdout
        tools: []
        OK ✅
        ---- stderr
        note: only the list was tested, it holds neither `add` nor a job (start_x, get_x_status, get_x_result); name a tool with --tool NAME --args JSON
        again over 2025-11-25: fine
        ");
    });
}

#[test]
fn a_server_of_before_2026_is_tested_over_what_it_speaks() {
    let routes = axum::Router::new().route("/mcp", post(old_server));
    with_routes(routes, |url| async move {
        shows!(smoke(&format!("{url}/mcp")).run().await, @r"
        exit 0
        ---- stdout
        tools: []
        OK ✅
        ---- stderr
        note: this server does not speak 2026-07-28; it is tested over 2025-11-25 only
        note: only the list was tested, it holds neither `add` nor a job (start_x, get_x_status, get_x_result); name a tool with --tool NAME --args JSON
        ");
    });
}

#[test]
fn a_version_that_was_asked_for_and_is_not_spoken_is_a_failure() {
    let routes = axum::Router::new().route("/mcp", post(old_server));
    with_routes(routes, |url| async move {
        let url = format!("{url}/mcp");
        let typed = farcall(["smoke", &url, "--wire", "2026-07-28"]);
        shows!(typed.run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: `http://127.0.0.1:[PORT]/mcp` does not speak 2026-07-28: no session
        hint: leave the version to the server: --wire both
        ");
    });
}

/// As little of 2025-11-25 as a client needs.
async fn old_server(
    axum::Json(request): axum::Json<Value>,
) -> (axum::http::StatusCode, axum::Json<Value>) {
    use axum::http::StatusCode;
    let id = &request["id"];
    let result = match request["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "old", "version": "1"},
        }),
        "tools/list" => json!({"tools": []}),
        "notifications/initialized" => return (StatusCode::ACCEPTED, axum::Json(Value::Null)),
        _ => {
            let error = json!({"code": -32600, "message": "no session"});
            let answer = json!({"jsonrpc": "2.0", "id": "server-error", "error": error});
            return (StatusCode::BAD_REQUEST, axum::Json(answer));
        }
    };
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
    (StatusCode::OK, axum::Json(answer))
}
