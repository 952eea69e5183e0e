//! What a caller's own request has to do with the one to the service: nothing but its arguments.

use serde_json::json;

use super::{probe::Probe, project, text};
use crate::harness::Project;

const ASK: &str = r#"
[tool.ask]
description = "Ask the probe."
request = { service = "probe", path = "/x" }
"#;

#[tokio::test]
async fn nothing_of_a_callers_request_is_passed_on() {
    let probe = Probe::start().await;
    let project = project(&probe, ASK).with("MCP_BEARER_TOKEN", "t0ken-of-the-callers");
    let server = project.serve().await;
    let ask = || {
        let params = json!({"name": "ask", "arguments": {}});
        let request = server.request("tools/call", "ask", params);
        request.header("Authorization", "Bearer t0ken-of-the-callers")
    };
    assert!(ask().send().await.unwrap().status().is_success());
    let plain = text(&probe.only().head);
    assert_eq!(
        plain,
        format!(
            "GET /base/x HTTP/1.1\r\naccept: application/json\r\nauthorization: Bearer upstream\r\nuser-agent: farcall/{}\r\nhost: 127.0.0.1:{}\r\n\r\n",
            env!("CARGO_PKG_VERSION"),
            probe.port
        )
    );
    for (name, value) in [
        ("Cookie", "session=t0ken-of-the-callers"),
        ("Proxy-Authorization", "Basic t0ken-of-the-callers"),
        ("X-Api-Key", "t0ken-of-the-callers"),
        ("X-Forwarded-For", "10.1.2.3"),
        ("Forwarded", "for=10.1.2.3"),
        ("User-Agent", "caller"),
        ("Accept-Language", "de"),
        ("Range", "bytes=0-1"),
        ("traceparent", "00-1-2-01"),
        ("tracestate", "of=callers"),
        ("baggage", "of=callers"),
    ] {
        let answer = ask().header(name, value).send().await.unwrap();
        assert!(answer.status().is_success(), "{name}");
        assert_eq!(text(&probe.only().head), plain, "{name}");
    }
    // But for where it stands in a trace, which has been read and is written anew.
    let place = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let later = format!("{}-callers", place.replacen("00", "cc", 1));
    let answer = ask().header("traceparent", later).send().await.unwrap();
    assert!(answer.status().is_success());
    let head = text(&probe.only().head);
    let traced = format!("traceparent: {place}\r\n");
    assert_eq!(head.replacen(&traced, "", 1), plain);
    assert!(head.contains(&traced), "{head}");
    server.stop().await;
}

#[tokio::test]
async fn a_caller_without_a_token_reaches_no_service() {
    let probe = Probe::start().await;
    let project = project(&probe, ASK).with("MCP_BEARER_TOKEN", "t0ken-of-the-callers");
    let server = project.serve().await;
    let params = json!({"name": "ask", "arguments": {}});
    let answer = server.request("tools/call", "ask", params).send().await;
    assert_eq!(answer.unwrap().status(), 401);
    assert!(probe.received().is_empty());
    server.stop().await;
}

/// The host that is written in `base_url` is meant, so it counts as listed.
#[tokio::test]
async fn a_host_of_this_machine_is_reached_by_name_and_by_address() {
    let probe = Probe::start().await;
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "0x7f.1",
        "2130706433",
    ] {
        let toml = format!(
            "[service.probe]\nbase_url = \"http://{host}:{}/base\"\n{ASK}",
            probe.port
        );
        let server = Project::new(&toml).serve().await;
        server.value("ask", json!({})).await;
        assert_eq!(probe.only().line, "GET /base/x HTTP/1.1", "{host}");
        server.stop().await;
    }
}

/// Addresses at which nobody has a service, in every way to write them; all are told at once.
#[tokio::test]
async fn a_server_whose_service_is_where_none_can_be_does_not_start() {
    let hosts = [
        "169.254.169.254",
        "0xa9.0xfe.0xa9.0xfe",
        "2852039166",
        "0251.0376.0251.0376",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "[::]",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "[2001:db8::1]",
        "[ff02::1]",
    ];
    let services = hosts.iter().enumerate();
    let services = services.map(|(index, host)| {
        format!("[service.s{index}]\nbase_url = \"http://{host}/latest/meta-data\"\n")
    });
    let (status, said) = Project::new(&services.collect::<String>()).refused().await;
    assert_eq!(status, 2);
    for (index, host) in hosts.iter().enumerate() {
        let told = format!("service `s{index}`: `base_url` leads to ");
        assert!(said.contains(&told), "{host}: {said}");
    }
}
