//! Compose reads what was written, and understands what was meant. No container is started: that takes images.

use std::{fs, path::Path};

use super::{EXAMPLE, content, deploy, run};
use crate::peer::repository;

/// What Debian's docker-compose makes of a file, in the one form that it has for everything.
async fn understood(folder: &Path, file: &str, environment: &[(&str, &str)]) -> String {
    content(
        "docker-compose",
        folder,
        &["--file", file, "config"],
        environment,
    )
    .await
}

#[tokio::test]
async fn the_examples_container_is_kept_running_and_reached_from_this_machine_alone() {
    let folder = repository().join(EXAMPLE);
    let seen = understood(
        &folder,
        "docker-compose.yml",
        &[("MCP_BEARER_TOKEN", "from the shell")],
    )
    .await;
    for line in [
        "  example-mcp:\n",
        "    restart: unless-stopped\n",
        "    init: true\n",
        "    - 127.0.0.1:8900:8900/tcp\n",
        "    stop_grace_period: 46s\n",
        "    - data:/data:rw\n",
        "    name: example-mcp_data\n",
        "    name: example-mcp_default\n",
        "      MCP_BEARER_TOKEN: from the shell\n",
        &format!("      context: {}\n", repository().display()),
        "      dockerfile: examples/example-mcp-server/Dockerfile\n",
    ] {
        assert!(seen.contains(line), "{line}: {seen}");
    }
}

#[tokio::test]
async fn several_containers_share_what_they_must() {
    let folder = repository().join(EXAMPLE);
    let secrets = [("POSTGRES_PASSWORD", "p0"), ("STORE_PASSWORD", "s0")];
    let seen = understood(&folder, "docker-compose.replicas.yml", &secrets).await;
    let service = |name: &str| {
        let (_, rest) = seen.split_once(&format!("\n  {name}:\n")).unwrap();
        rest.lines()
            .take_while(|line| line.starts_with("   "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    for (name, role) in [("api", "api"), ("worker", "worker")] {
        let service = service(name);
        for line in [
            &format!("FARCALL_ROLE: {role}") as &str,
            "FARCALL_DATABASE_URL: postgres://farcall:p0@postgres:5432/farcall",
            "FARCALL_ARTIFACTS_URL: s3://files",
            "AWS_SECRET_ACCESS_KEY: s0",
            "condition: service_healthy",
            "condition: service_completed_successfully",
            "replicas: 2",
        ] {
            assert!(service.contains(line), "{name}, {line}: {service}");
        }
    }
    assert!(
        service("balancer").contains("127.0.0.1:8900:8900"),
        "{seen}"
    );
    assert!(
        !service("api").contains("ports:") && !service("postgres").contains("ports:"),
        "{seen}"
    );
    // Without the secrets it says so, and does not begin.
    let ended = run(
        "docker-compose",
        &folder,
        &["--file", "docker-compose.replicas.yml", "config"],
        &[],
    )
    .await;
    assert_ne!(ended.code, Some(0));
    assert!(
        ended.stderr.contains("put it into .env"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_project_has_its_secrets_from_env_whatever_it_is_called() {
    let home = farcall_acceptance::scratch(env!("CARGO_TARGET_TMPDIR"));
    for (index, name) in ["yes", "42", "Render Farm"].into_iter().enumerate() {
        let folder = home.path().join(format!("it's ${{X}} {index}"));
        fs::create_dir(&folder).unwrap();
        let file = format!(
            "[server]\nname = \"{name}\"\n[tool.a]\ndescription = \"A.\"\ncommand = [\"sh\"]\n"
        );
        fs::write(folder.join("farcall.toml"), file).unwrap();
        fs::write(
            folder.join(".env"),
            "MCP_BEARER_TOKEN=of-env\nWEATHER_KEY=wx\nPOSTGRES_PASSWORD=p\nSTORE_PASSWORD=s\n",
        )
        .unwrap();
        deploy("farcall", &folder, &["compose"]).await;
        let seen = understood(&folder, "docker-compose.yml", &[]).await;
        assert!(seen.contains("MCP_BEARER_TOKEN: of-env"), "{seen}");
        assert!(seen.contains("WEATHER_KEY: wx\n"), "{seen}");
        deploy("farcall", &folder, &["compose", "--replicas", "2"]).await;
        let seen = understood(&folder, "docker-compose.replicas.yml", &[]).await;
        assert!(
            !seen.contains("STORE_PASSWORD:") && seen.contains("MCP_BEARER_TOKEN: of-env"),
            "{seen}"
        );
    }
}
