//! `schema` explains every key to editors.

use serde_json::Value;

use super::{folder, typed};

#[test]
fn it_is_a_json_schema_that_leads_nowhere() {
    let folder = folder([]);
    let ended = typed(folder.path(), &["schema"]);
    assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""));
    let schema: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    let tool = &schema["$defs"]["tool"];
    assert_eq!(tool["required"], serde_json::json!(["description"]));
    assert_eq!(tool["properties"]["timeout"]["default"], "25s");
    let mut references = 0;
    for reference in ended.stdout.split("\"$ref\": \"#/$defs/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schema["$defs"][name].is_object(), "{name}");
        references += 1;
    }
    assert!(references > 10);
}
