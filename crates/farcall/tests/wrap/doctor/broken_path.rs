//! What is broken between a client and the server.

use std::time::Duration;

use super::{
    Doctor, FARM, Seen, TOKEN, free_port,
    front::{Way, answering, listening, relay, saying},
};
use crate::harness::{PATH, Project, Server};

/// A look at the URL alone, from a folder with nothing in it.
async fn afar(url: &str, variables: &[(&str, &str)]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let doctor = Doctor::within(folder.path()).argument(url);
    let doctor = variables
        .iter()
        .fold(doctor, |doctor, (name, value)| doctor.variable(name, value));
    doctor.run().await
}

/// A server that wants [`TOKEN`].
async fn gated() -> (Project, Server) {
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    (project, server)
}

#[tokio::test]
async fn a_name_that_nobody_has() {
    let seen = afar("https://doctor.invalid/mcp", &[]).await;
    seen.is_broken_at("DNS", "has no address", "cloudflared tunnel route dns");
    seen.says("path", "unverified", "were not looked at", "");
}

#[tokio::test]
async fn nobody_who_takes_connections() {
    let seen = afar(&format!("http://127.0.0.1:{}/mcp", free_port()), &[]).await;
    seen.is_broken_at(
        "connection",
        "neither a proxy nor a server",
        "start what should listen",
    );
}

#[tokio::test]
async fn a_port_that_speaks_no_http() {
    let port = saying(b"220 mail.example.com ESMTP\r\n").await;
    let seen = afar(&format!("http://127.0.0.1:{port}/mcp"), &[]).await;
    seen.is_broken_at("edge", "no HTTP answer", "log of the proxy");
}

#[tokio::test]
async fn a_tunnel_without_a_connection() {
    let edge = answering("530", "server: cloudflare\r\n", "error code: 1033").await;
    let seen = afar(&edge, &[]).await;
    seen.is_broken_at(
        "edge",
        "no active connection",
        "cloudflared tunnel info NAME",
    );
}

#[tokio::test]
async fn a_tunnel_and_a_proxy_without_an_origin() {
    let edge = answering("502 Bad Gateway", "server: cloudflare\r\n", "").await;
    afar(&edge, &[]).await.is_broken_at(
        "edge",
        "the tunnel is up",
        "curl -s http://127.0.0.1:8900/healthz",
    );
    let edge = answering("502 Bad Gateway", "server: nginx\r\n", "<html>").await;
    afar(&edge, &[])
        .await
        .is_broken_at("edge", "a proxy is up", "port");
    let edge = answering("504 Gateway Timeout", "", "").await;
    afar(&edge, &[])
        .await
        .is_broken_at("edge", "takes longer", "job");
}

#[tokio::test]
async fn access_without_its_headers_and_with_one_of_them() {
    const LOGIN: &str = "server: cloudflare\r\nlocation: https://farm.cloudflareaccess.com/cdn-cgi/access/login/x?kid=1\r\n";
    let edge = answering("302 Found", LOGIN, "").await;
    afar(&edge, &[]).await.is_broken_at(
        "edge auth",
        "`CF-Access-Client-Id` and `CF-Access-Client-Secret` are missing",
        "Service Auth",
    );
    let half = [("CF_ACCESS_CLIENT_ID", "x.access")];
    let seen = afar(&edge, &half).await;
    seen.is_broken_at(
        "credentials",
        "`CF_ACCESS_CLIENT_SECRET` is not set",
        "export CF_ACCESS_CLIENT_SECRET",
    );
    seen.says(
        "edge auth",
        "broken",
        "`CF-Access-Client-Secret` is missing",
        "send both",
    );
    let both = [
        ("CF_ACCESS_CLIENT_ID", "x.access"),
        ("CF_ACCESS_CLIENT_SECRET", TOKEN),
    ];
    let edge = answering(
        "403 Forbidden",
        "server: cloudflare\r\n",
        "<html>Forbidden</html>",
    )
    .await;
    let seen = afar(&edge, &both).await;
    seen.is_broken_at(
        "edge auth",
        "no policy takes it",
        "Service Auth must include this token",
    );
}

#[tokio::test]
async fn a_server_whose_token_is_missing_or_another() {
    let (_project, server) = gated().await;
    let url = format!("{}/mcp", server.origin());
    afar(&url, &[]).await.is_broken_at(
        "edge auth",
        "the header `Authorization` is missing",
        "export FARCALL_TOKEN",
    );
    let seen = afar(&url, &[("FARCALL_TOKEN", "another-token-of-somebody")]).await;
    seen.is_broken_at("edge auth", "none of this server", "token create");
    assert!(
        !seen.stdout.contains("another-token-of-somebody"),
        "{}",
        seen.stdout
    );
}

#[tokio::test]
async fn a_redirect_a_page_and_a_path_with_nothing() {
    let edge = answering(
        "301 Moved Permanently",
        "location: https://farm.example.com/mcp\r\n",
        "",
    )
    .await;
    afar(&edge, &[]).await.is_broken_at(
        "edge",
        "do not follow redirects",
        "https://farm.example.com/mcp",
    );
    let edge = answering("200 OK", "content-type: text/html\r\n", "<!doctype html>").await;
    afar(&edge, &[])
        .await
        .is_broken_at("edge", "another site", "/mcp");
    let edge = answering("404 Not Found", "server: cloudflare\r\n", "").await;
    afar(&edge, &[])
        .await
        .is_broken_at("edge", "`ingress`", "config.yml");
    let (_project, server) = gated().await;
    let seen = afar(
        &format!("{}/mpc", server.origin()),
        &[("FARCALL_TOKEN", TOKEN)],
    )
    .await;
    seen.is_broken_at("edge", "the path is `/mpc`", "/mcp at its end");
}

#[tokio::test]
async fn a_name_that_the_server_does_not_know() {
    let (_project, server) = gated().await;
    let front = relay(&server.origin(), Way::Host("farm.example.com")).await;
    let seen = afar(&front, &[("FARCALL_TOKEN", TOKEN)]).await;
    seen.is_broken_at("Host guard", "does not know the name", "PUBLIC_BASE_URL");
}

#[tokio::test]
async fn a_server_that_was_started_with_another_public_url() {
    let port = free_port().to_string();
    let project = Project::new(FARM).with("MCP_PORT", &port);
    let server = project.serve().await;
    let seen = Doctor::within(&project.path(""))
        .argument(format!("{}/mcp", server.origin()))
        .variable("MCP_PORT", &port)
        .variable("PUBLIC_BASE_URL", "https://farm.example.com")
        .run()
        .await;
    seen.is_broken_at(
        "Host guard",
        "refuses its own public name",
        "start it again",
    );
}

#[tokio::test]
async fn a_proxy_that_leads_to_another_server() {
    let ports = [free_port().to_string(), free_port().to_string()];
    let [own, other] = [0, 1].map(|index| Project::new(FARM).with("MCP_PORT", &ports[index]));
    let (own_server, other_server) = (own.serve().await, other.serve().await);
    for (server, is_own) in [(&own_server, true), (&other_server, false)] {
        let front = relay(&server.origin(), Way::Through).await;
        let seen = Doctor::within(&own.path(""))
            .variable("MCP_PORT", &ports[0])
            .variable("PUBLIC_BASE_URL", &front)
            .run()
            .await;
        if is_own {
            seen.says("same server", "ok", "whose data is here", "");
        } else {
            seen.is_broken_at(
                "same server",
                "leads to another server",
                &format!("http://127.0.0.1:{}", ports[0]),
            );
        }
    }
    // What is probed is one of them, and what is called the other.
    for (called, probed, is_own) in [
        (&other_server, &ports[0], false),
        (&own_server, &ports[1], true),
    ] {
        let way = Way::ProbesOf(probed.parse().unwrap());
        let front = relay(&called.origin(), way).await;
        let seen = Doctor::within(&own.path(""))
            .variable("MCP_PORT", &ports[0])
            .variable("PUBLIC_BASE_URL", &front)
            .run()
            .await;
        if is_own {
            seen.says("same server", "warning", "to another one", "/healthz");
        } else {
            seen.is_broken_at("same server", "leads to another server", "forward to");
        }
    }
    // Its data is elsewhere.
    let seen = Doctor::within(&own.path(""))
        .variable("MCP_PORT", &ports[0])
        .variable("FARCALL_DATA_DIR", "other")
        .run()
        .await;
    seen.is_broken_at(
        "same server",
        "its data is not where",
        "in the folder in which it was started",
    );
    // Another server has the port.
    let seen = Doctor::within(&own.path(""))
        .variable("MCP_PORT", &ports[1])
        .run()
        .await;
    seen.is_broken_at(
        "same server",
        "has other keys",
        "in the folder in which it was started",
    );
}

#[tokio::test]
async fn a_proxy_that_holds_streams_back() {
    let (_project, server) = gated().await;
    let front = relay(&server.origin(), Way::Holding).await;
    let seen = afar(&front, &[("FARCALL_TOKEN", TOKEN)]).await;
    seen.is_broken_at(
        "buffering",
        "keeps answers until they are whole",
        "proxy_buffering off",
    );
}

#[tokio::test]
async fn a_proxy_that_cuts_what_is_quiet() {
    let (_project, server) = gated().await;
    let front = relay(&server.origin(), Way::Cutting(Duration::from_secs(1))).await;
    let folder = tempfile::tempdir().unwrap();
    let watched = |origin: &str| {
        Doctor::within(folder.path())
            .argument(origin)
            .argument("--idle")
            .argument("4")
            .variable("FARCALL_TOKEN", TOKEN)
            .run()
    };
    watched(&front)
        .await
        .is_broken_at("idle cut", "was cut after", "proxy_read_timeout");
    let seen = watched(&server.origin()).await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says("idle cut", "ok", "within 4 seconds", "");
}

#[tokio::test]
async fn a_gate_that_lets_everybody_through() {
    let port = free_port().to_string();
    let project = Project::new(FARM)
        .with("MCP_PORT", &port)
        .with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let front = relay(&server.origin(), Way::Authorizing(TOKEN)).await;
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &port)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .argument(&front)
        .run()
        .await;
    seen.is_broken_at("open to strangers", "anyone who finds", "MCP_BEARER_TOKEN");
    // Nobody else can know that it should not be.
    let seen = afar(&front, &[("FARCALL_TOKEN", TOKEN)]).await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says("open to strangers", "warning", "is not asked for", "");
}

#[tokio::test]
async fn a_server_that_runs_without_its_token() {
    let port = free_port().to_string();
    let project = Project::new(FARM).with("MCP_PORT", &port);
    let _server = project.serve().await;
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &port)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .run()
        .await;
    seen.is_broken_at(
        "open to strangers",
        "runs without its token",
        "start it again",
    );
}

#[tokio::test]
async fn an_open_server_whose_list_is_long() {
    use std::fmt::Write as _;

    let port = free_port().to_string();
    let mut farm = FARM.to_owned();
    let words = "word ".repeat(180);
    for index in 0..90 {
        let _ = write!(
            farm,
            "\n[tool.t{index}]\ndescription = \"{words}.\"\ncommand = [\"python3\", \"-c\", \"1\"]\n"
        );
    }
    let project = Project::new(&farm).with("MCP_PORT", &port);
    let _server = project.serve().await;
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &port)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .run()
        .await;
    seen.is_broken_at("open to strangers", "may call 95 tools", "MCP_BEARER_TOKEN");
}

#[tokio::test]
async fn an_open_server_whose_list_takes_too_long_for_strangers() {
    let port = free_port().to_string();
    let project = Project::new(FARM).with("MCP_PORT", &port);
    let server = project.serve().await;
    let front = relay(&server.origin(), Way::SilentToStrangers).await;
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &port)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .argument(&front)
        .run()
        .await;
    seen.is_broken_at(
        "open to strangers",
        "is let in; the list",
        "MCP_BEARER_TOKEN",
    );
}

#[tokio::test]
async fn keys_of_a_secret_prove_a_server_whose_store_is_away() {
    let port = free_port().to_string();
    let secret = "0123456789abcdef0123456789abcdef";
    let project = Project::new(FARM)
        .with("MCP_PORT", &port)
        .with("FARCALL_SECRET", secret);
    let _server = project.serve().await;
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &port)
        .variable("FARCALL_SECRET", secret)
        .variable("FARCALL_DATABASE_URL", "postgres://farm@127.0.0.1:1/farm")
        .run()
        .await;
    seen.says("store", "broken", "", "");
    seen.says("same server", "ok", "whose data is here", "");
}

#[tokio::test]
async fn files_that_are_let_past_the_gate() {
    let port = free_port().to_string();
    let own = format!("http://127.0.0.1:{port}");
    let front = relay(&own, Way::AuthorizingFiles(TOKEN)).await;
    let project = Project::new(FARM)
        .with("MCP_PORT", &port)
        .with("MCP_BEARER_TOKEN", TOKEN)
        .with("PUBLIC_BASE_URL", &front);
    let _server = project.serve().await;
    let seen = afar(&front, &[("FARCALL_TOKEN", TOKEN)]).await;
    seen.is_broken_at(
        "files open to strangers",
        "is given to somebody who sent nothing",
        "before the whole host",
    );
}

#[tokio::test]
async fn what_is_asked_without_tls_gets_no_credentials() {
    let (origin, heard) = listening().await;
    let port = origin.rsplit_once(':').unwrap().1.to_owned();
    let variables = [
        ("FARCALL_TOKEN", TOKEN),
        ("CF_ACCESS_CLIENT_ID", TOKEN),
        ("CF_ACCESS_CLIENT_SECRET", TOKEN),
    ];
    // This machine, by an address that is none of its own alone.
    let seen = afar(&format!("http://0.0.0.0:{port}/mcp"), &variables).await;
    seen.is_broken_at("TLS", "without TLS", "https://");
    assert!(!heard.lock().unwrap().is_empty());
    assert!(!heard.lock().unwrap().contains(TOKEN));
    // Which it would have heard.
    afar(&format!("{origin}/mcp"), &variables).await;
    assert!(heard.lock().unwrap().contains(TOKEN));
}

#[tokio::test]
async fn a_token_that_is_only_set_is_sent_nowhere_without_tls_and_one_that_is_typed_is() {
    let (origin, heard) = listening().await;
    let port = origin.rsplit_once(':').unwrap().1;
    let url = format!("http://0.0.0.0:{port}/mcp");
    let typed = format!("Authorization: Bearer {TOKEN}");
    for verb in [
        &["smoke", &url][..],
        &["handoff", &url],
        &["jobs", "--server", &url, "list"],
    ] {
        let run = |more: &[&str]| {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_farcall"));
            command.args(verb).args(more).env_clear().env("PATH", PATH);
            command.env("MCP_BEARER_TOKEN", TOKEN);
            command.output()
        };
        let output = run(&[]).await.unwrap();
        let talk = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{verb:?}: {talk}");
        assert!(
            talk.contains("without TLS, so the token of `MCP_BEARER_TOKEN` is not sent")
                && talk.contains("--header \"Authorization: Bearer $MCP_BEARER_TOKEN\""),
            "{verb:?}: {talk}"
        );
        assert_eq!(*heard.lock().unwrap(), "", "{verb:?}");
        let output = run(&["--header", &typed]).await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {output:?}");
        assert!(
            std::mem::take(&mut *heard.lock().unwrap()).contains(TOKEN),
            "{verb:?}"
        );
    }
}

#[tokio::test]
async fn credentials_of_env_stay_with_the_server_they_are_of() {
    let (origin, heard) = listening().await;
    let port = origin.rsplit_once(':').unwrap().1.to_owned();
    let folder = tempfile::tempdir().unwrap();
    let env = format!(
        "FARCALL_TOKEN={TOKEN}\nMCP_BEARER_TOKEN={TOKEN}\nPUBLIC_BASE_URL=https://farm.example.com\n"
    );
    std::fs::write(folder.path().join(".env"), env).unwrap();
    let ask = |url: String| Doctor::within(folder.path()).argument(url).run();
    let seen = ask("https://doctor.invalid/mcp".to_owned()).await;
    seen.says(
        "credentials",
        "unverified",
        "`FARCALL_TOKEN`",
        "PUBLIC_BASE_URL",
    );
    ask(format!("http://127.0.0.1:{port}/mcp")).await;
    assert!(heard.lock().unwrap().contains(TOKEN));
}

#[tokio::test]
async fn a_proxy_that_passes_no_health_on() {
    let port = free_port().to_string();
    let project = Project::new(FARM).with("MCP_PORT", &port);
    let server = project.serve().await;
    let front = relay(&server.origin(), Way::OnlyMcp).await;
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &port)
        .argument(format!("{front}/mcp"))
        .run()
        .await;
    seen.says("same server", "ok", "whose data is here", "");
}

#[tokio::test]
async fn a_proxy_of_this_shell_hears_nothing_of_what_is_sent_to_this_machine() {
    let (proxy, heard) = listening().await;
    let (_project, server) = gated().await;
    let url = format!("{}/mcp", server.origin());
    for variable in ["http_proxy", "all_proxy"] {
        let seen = afar(&url, &[("FARCALL_TOKEN", TOKEN), (variable, &proxy)]).await;
        assert_eq!(seen.exit, 0, "{}", seen.all());
        for verb in ["handoff", "smoke"] {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_farcall"));
            command.args([verb, &url]).env_clear().env("PATH", PATH);
            command.env("FARCALL_TOKEN", TOKEN).env(variable, &proxy);
            let output = command.output().await.unwrap();
            assert!(output.status.success(), "{verb}: {output:?}");
        }
    }
    assert_eq!(*heard.lock().unwrap(), "");
}

#[tokio::test]
async fn where_no_conversation_begins_strangers_are_looked_at_all_the_same() {
    const EMPTY: &str = r#"{"jsonrpc": "2.0", "id": 1, "result": {}}"#;
    let edge = answering("200 OK", "content-type: application/json\r\n", EMPTY).await;
    let seen = afar(&edge, &[]).await;
    seen.is_broken_at("protocol", "", "");
    seen.says("open to strangers", "unverified", "who sends nothing", "");
    seen.says("files open to strangers", "unverified", "", "");
    seen.says("path", "unverified", "were not looked at", "");
}

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
async fn what_was_found_before_a_header_that_is_none() {
    let project = Project::new(FARM);
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &free_port().to_string())
        .argument("http://127.0.0.1:1/mcp")
        .argument("--header")
        .argument("nothing")
        .run()
        .await;
    assert_eq!(seen.exit, 2, "{}", seen.all());
    seen.says("port", "broken", "nobody listens", "");
    seen.says("path", "broken", "`Name: value`", "quote it");
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

#[tokio::test]
async fn a_tool_and_a_job_that_fail() {
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
    let project = Project::new(FAILING);
    let server = project.serve().await;
    let seen = afar(&server.origin(), &[]).await;
    seen.is_broken_at("tool call", "the abacus is broken", "--tool NAME");
    seen.says("job", "broken", "there is no ink", "jobs show");
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
