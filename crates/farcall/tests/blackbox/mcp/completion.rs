//! Suggestions for arguments.

use farcall::{
    App, Completion, Content, Message, Prompt, ResourceContent, ResourceTemplate, Target, Value,
    json,
};

use crate::{
    harness::{Server, Setup},
    offers::tools,
};

fn app() -> App {
    let prompt = Prompt::new("travel", "Plan a journey.", |_, _| async {
        Ok(vec![Message::user(Content::text("Go."))])
    });
    let template = ResourceTemplate::new("map://{city}", "map", |_, uri, _| async move {
        Ok(vec![ResourceContent::text(uri, "text/plain", "here")])
    });
    let in_prompt = Target::Prompt("travel".to_owned());
    let cities = Completion::new(in_prompt.clone(), "city", |_, typed, filled| async move {
        let cities: &[&str] = match filled.get("country").map(String::as_str) {
            Some("fr") => &["Paris", "Pau"],
            _ => &["Paris", "Pau", "Parma"],
        };
        let fits = cities.iter().filter(|city| city.starts_with(&typed));
        Ok(fits.map(ToString::to_string).collect())
    });
    let numbers = Completion::new(in_prompt, "country", |_, _, _| async {
        Ok((0..250).map(|n| n.to_string()).collect())
    });
    let broken = Completion::new(
        Target::ResourceTemplate("map://{city}".to_owned()),
        "city",
        |_, _, _| async { panic!("SELECT") },
    );
    tools()
        .prompt(
            prompt
                .argument("city", "Where to.")
                .argument("country", "In which country."),
        )
        .resource_template(template)
        .completion(cities)
        .completion(numbers)
        .completion(broken)
}

async fn server() -> Server {
    Setup::new(app()).start().await
}

async fn suggestions(argument: &str, typed: &str, filled: Value) -> Value {
    let params = json!({
        "ref": {"type": "ref/prompt", "name": "travel"},
        "argument": {"name": argument, "value": typed},
        "context": {"arguments": filled},
    });
    let reply = server()
        .await
        .rpc("completion/complete", params)
        .send()
        .await;
    reply.result()["completion"].clone()
}

#[tokio::test]
async fn what_fits_what_was_typed_is_suggested() {
    assert_eq!(
        suggestions("city", "Par", json!({})).await,
        json!({"values": ["Paris", "Parma"], "total": 2, "hasMore": false})
    );
}

#[tokio::test]
async fn the_other_arguments_count() {
    let values = suggestions("city", "Par", json!({"country": "fr"})).await["values"].clone();
    assert_eq!(values, json!(["Paris"]));
}

#[tokio::test]
async fn at_most_a_hundred_are_sent_and_the_rest_is_counted() {
    let suggested = suggestions("country", "", json!({})).await;
    assert_eq!(suggested["values"].as_array().unwrap().len(), 100);
    assert_eq!(
        (&suggested["total"], &suggested["hasMore"]),
        (&json!(250), &json!(true))
    );
}

#[tokio::test]
async fn nothing_is_suggested_for_what_is_not_known() {
    assert_eq!(
        suggestions("street", "", json!({})).await["values"],
        json!([])
    );
}

#[tokio::test]
async fn a_suggester_that_panics_is_a_fault_of_the_server() {
    let params = json!({
        "ref": {"type": "ref/resource", "uri": "map://{city}"},
        "argument": {"name": "city", "value": ""},
    });
    let reply = server()
        .await
        .rpc("completion/complete", params)
        .send()
        .await;
    assert_eq!(reply.rpc_error().0, -32_603);
}
