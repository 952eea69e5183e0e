//! What the server does when it is called.

use super::{Doctor, FARM, TOKEN, afar, free_port};
use crate::harness::Project;

#[tokio::test]
async fn an_add_that_does_not_add() {
    const ADDS: &str = "dict(sum=float(sys.argv[1]) + float(sys.argv[2]))";
    for (printed, level, finding) in [
        ("dict(sum='6')", "broken", "are not 5"),
        ("'hello'", "unverified", "names no `sum`"),
    ] {
        let farm = FARM.replace(ADDS, printed);
        let farm = match level {
            "broken" => farm,
            _ => farm.replace("output = \"json\"\n", ""),
        };
        let project = Project::new(&farm);
        let server = project.serve().await;
        let seen = afar(&server.origin(), &[]).await;
        seen.says("tool call", level, finding, "");
    }
}

#[tokio::test]
async fn links_that_lead_elsewhere() {
    let elsewhere = format!("http://127.0.0.1:{}", free_port());
    let project = Project::new(FARM).with("PUBLIC_BASE_URL", &elsewhere);
    let server = project.serve().await;
    let seen = afar(&server.origin(), &[]).await;
    seen.is_broken_at(
        "file",
        "links begin with",
        "set PUBLIC_BASE_URL=http://127.0.0.1:",
    );
}

/// A tool and a job that fail.
const FAILING: &str = r#"
[tool.add]
description = "Add two numbers."
command = ["python3", "-c", "import sys; sys.exit('the abacus is broken')", "{a}", "{b}"]
params.a = { type = "number", description = "First number." }
params.b = { type = "number", description = "Second number." }

[job.print]
description = "Print a page."
command = ["python3", "-c", "import sys; sys.exit('there is no ink')"]
"#;

#[tokio::test]
async fn a_tool_and_a_job_that_fail() {
    let project = Project::new(FAILING);
    let server = project.serve().await;
    let seen = afar(&server.origin(), &[]).await;
    seen.is_broken_at("tool call", "the abacus is broken", "--tool NAME");
    seen.says("job", "broken", "there is no ink", "jobs show");
}

#[tokio::test]
async fn a_tool_and_a_job_that_repeat_the_token() {
    let repeated = format!("not with {TOKEN}");
    let failing = FAILING
        .replace("the abacus is broken", &repeated)
        .replace("there is no ink", &repeated);
    let project = Project::new(&failing).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    // Nothing that is printed may hold it, see `Doctor::run`.
    let seen = afar(&server.origin(), &[("FARCALL_TOKEN", TOKEN)]).await;
    seen.is_broken_at("tool call", "not with …", "--tool NAME");
    seen.says("job", "broken", "not with …", "jobs show");
}

#[tokio::test]
async fn a_server_with_nothing_that_is_safe_to_call() {
    const BARE: &str = r#"
[tool.wipe]
description = "Wipe a disk."
command = ["python3", "-c", "print(1)", "{disk}"]
params.disk = { type = "string", description = "Which." }
"#;
    let project = Project::new(BARE);
    let server = project.serve().await;
    let seen = afar(&server.origin(), &[]).await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says(
        "tool call",
        "unverified",
        "neither `add` nor a job",
        "--tool NAME --args JSON",
    );
    seen.says("job", "unverified", "", "");
    let folder = tempfile::tempdir().unwrap();
    let named = Doctor::within(folder.path())
        .argument(server.origin())
        .argument("--tool")
        .argument("wipe")
        .argument("--args")
        .argument("{\"disk\": \"a\"}");
    named
        .run()
        .await
        .says("tool call", "ok", "`wipe` answers", "");
}
