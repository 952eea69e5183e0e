//! Where names lead, as the system finds it: in an `/etc/hosts` of the server's own.

use serde_json::json;

use super::probe::Probe;
use crate::harness::Project;

/// A project with a service and a tool for each of these names.
fn named(probe: &Probe, names: &[&str], hosts: &str) -> Project {
    let services = names.iter().map(|name| {
        let tool = name.replace('.', "_");
        format!(
            "[service.{tool}]\nbase_url = \"http://{name}:{}\"\ntimeout = \"5s\"\n[tool.ask_{tool}]\ndescription = \"Ask.\"\nrequest = {{ service = \"{tool}\", path = \"/x\" }}\n",
            probe.port
        )
    });
    Project::new(&services.collect::<String>()).with_hosts(hosts)
}

const REFUSED: &str = "leads to an address that it may not";

#[tokio::test]
async fn a_name_leads_to_this_machine_and_never_to_where_no_service_is() {
    let probe = Probe::start().await;
    let names = ["farm.lan", "meta.lan", "mapped.lan", "link.lan", "both.lan"];
    let hosts = "127.0.0.1 farm.lan both.lan\n169.254.169.254 meta.lan both.lan\n::ffff:169.254.169.254 mapped.lan\nfe80::1 link.lan\n";
    let server = named(&probe, &names, hosts).serve().await;
    server.value("ask_farm_lan", json!({})).await;
    assert!(
        probe
            .only()
            .header("host")
            .unwrap()
            .starts_with("farm.lan:")
    );
    for tool in [
        "ask_meta_lan",
        "ask_mapped_lan",
        "ask_link_lan",
        "ask_both_lan",
    ] {
        let (error, _) = server.call(tool, json!({})).await.failure();
        assert!(error.contains(REFUSED), "{tool}: {error}");
        // The address is for the log, and there with what to do.
        assert!(!error.contains("169.254"), "{tool}: {error}");
    }
    assert!(
        server
            .talk()
            .contains("name the address in `allowed_addresses`"),
        "{}",
        server.talk()
    );
    assert!(probe.received().is_empty());
    server.stop().await;
}

/// CVE-2026-77822: whoever owns a public name lets it lead into the network of the server.
#[tokio::test]
async fn cve_2026_77822_a_name_that_was_public_never_leads_nearby() {
    let probe = Probe::start().await;
    let project = named(&probe, &["api.example"], "93.184.216.34 api.example\n");
    let server = project.serve().await;
    // Nobody is there, or nobody that answers on this port.
    let (error, _) = server.call("ask_api_example", json!({})).await.failure();
    assert!(!error.contains(REFUSED), "{error}");
    project.set_hosts("127.0.0.1 api.example\n");
    let (error, _) = server.call("ask_api_example", json!({})).await.failure();
    assert!(error.contains(REFUSED), "{error}");
    assert!(
        server.talk().contains("and was public before"),
        "{}",
        server.talk()
    );
    assert_eq!(probe.connections(), 0);
    server.stop().await;
}
