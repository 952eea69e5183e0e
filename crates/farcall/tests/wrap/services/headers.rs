//! Headers come from the file and the environment, each as one header or not at all.

use super::{probe::Probe, text, values::corpus};
use crate::harness::Project;

/// Values that a variable of the environment can hold, and whether a header can carry them.
fn values() -> Vec<(&'static str, String, bool)> {
    let is_visible = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    let corpus = corpus().into_iter();
    let values = corpus.filter(|(_, value)| !value.contains('\0') && value.len() < 100_000);
    let judged = values.map(|(class, value)| {
        let can_be_sent = !value.is_empty() && value.bytes().all(is_visible);
        (class, value, can_be_sent)
    });
    judged.collect()
}

fn with(mut project: Project, values: &[(&'static str, String)]) -> Project {
    for (index, (_, value)) in values.iter().enumerate() {
        project = project.with(&format!("V{index}"), value);
    }
    project
}

fn split() -> [Vec<(&'static str, String)>; 2] {
    let (sent, refused): (Vec<_>, Vec<_>) = values().into_iter().partition(|value| value.2);
    [sent, refused].map(|values| {
        let values = values.into_iter();
        values.map(|(class, value, _)| (class, value)).collect()
    })
}

#[tokio::test]
async fn a_value_of_the_environment_is_one_header() {
    let probe = Probe::start().await;
    let [mut values, _] = split();
    assert!(values.len() >= 120, "{}", values.len());
    values.push(("harmless", "v4lu3".to_owned()));
    let services = (0..values.len()).map(|index| {
        format!(
            "[service.s{index}]\nbase_url = \"{}\"\nheaders.X-Value = \"${{V{index}}}\"\n[tool.t{index}]\ndescription = \"Ask.\"\nrequest = {{ service = \"s{index}\", path = \"/x\" }}\n",
            probe.url("")
        )
    });
    let project = with(Project::new(&services.collect::<String>()), &values);
    let server = project.serve().await;
    let harmless = format!("t{}", values.len() - 1);
    server.value(&harmless, serde_json::json!({})).await;
    let harmless = text(&probe.only().head);
    assert!(harmless.contains("\r\nx-value: v4lu3\r\n"), "{harmless}");
    for (index, (class, value)) in values.iter().enumerate() {
        server
            .value(&format!("t{index}"), serde_json::json!({}))
            .await;
        let head = text(&probe.only().head);
        assert_eq!(
            head,
            harmless.replace("v4lu3", value),
            "{class}: {value:.40?}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn what_no_header_can_carry_is_told_with_its_line_and_not_with_its_value() {
    let [_, values] = split();
    assert!(values.len() >= 60, "{}", values.len());
    let services = (0..values.len()).map(|index| {
        format!("[service.s{index}]\nbase_url = \"http://127.0.0.1:9\"\nheaders.X-Value = \"${{V{index}}}\"\n")
    });
    let project = with(Project::new(&services.collect::<String>()), &values);
    let (status, said) = project.refused().await;
    assert_eq!(status, 2);
    for (index, (class, value)) in values.iter().enumerate() {
        let line = format!("farcall.toml:{}:", 3 * index + 3);
        assert!(said.contains(&line), "{class}: {value:.40?}: {said:.2000}");
    }
    assert!(
        !said.contains("evil") && !said.contains("smuggled"),
        "{said:.2000}"
    );
}
