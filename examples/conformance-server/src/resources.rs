//! Resources, and one template.

use farcall::{App, Resource, ResourceContent, ResourceTemplate, json};

use crate::samples::PICTURE;

/// Adds the resources, the readable text first: the suite reads the first one that it lists.
pub(crate) fn register(app: App) -> App {
    app.resource(static_text())
        .resource(static_binary())
        .resource(watched())
        .resource_template(template())
}

fn static_text() -> Resource {
    Resource::new("test://static-text", "static-text", |_context, uri| async {
        let text = "This is the content of the static text resource.";
        Ok(vec![ResourceContent::text(uri, "text/plain", text)])
    })
    .describe("A text that never changes.")
    .with("mimeType", "text/plain")
}

fn static_binary() -> Resource {
    let uri = "test://static-binary";
    Resource::new(uri, "static-binary", |_context, uri| async {
        Ok(vec![ResourceContent::blob(uri, "image/png", PICTURE)])
    })
    .describe("A picture that never changes.")
    .with("mimeType", "image/png")
}

fn watched() -> Resource {
    let uri = "test://watched-resource";
    Resource::new(uri, "watched-resource", |_context, uri| async {
        let text = "This resource can be subscribed to.";
        Ok(vec![ResourceContent::text(uri, "text/plain", text)])
    })
    .describe("A text that clients subscribe to.")
    .with("mimeType", "text/plain")
}

fn template() -> ResourceTemplate {
    let pattern = "test://template/{id}/data";
    ResourceTemplate::new(
        pattern,
        "template-data",
        |_context, uri, found| async move {
            let id = &found["id"];
            let data =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            Ok(vec![ResourceContent::text(
                uri,
                "application/json",
                data.to_string(),
            )])
        },
    )
    .describe("The data of one id.")
    .with("mimeType", "application/json")
}
