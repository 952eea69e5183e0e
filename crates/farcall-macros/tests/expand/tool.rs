//! `#[tool]`.

use std::time::Duration;

use farcall_core::{
    content::ToolOutput,
    context::CallContext,
    problem::{ErrorCode, Problem},
    tool::{Annotations, DEFAULT_TIME_LIMIT},
};
use farcall_macros::{data, tool};
use serde_json::{Value, json};

use crate::{called, declared};

/// What `add` answers.
#[data]
#[derive(PartialEq)]
struct Sum {
    /// The sum.
    sum: f64,
}

/// Add two numbers and return {"sum": a+b}.
#[tool]
async fn add(
    /// First number to add.
    a: f64,
    /// Second number to add.
    b: f64,
) -> Sum {
    Sum { sum: a + b }
}

#[tokio::test]
async fn an_annotated_function_stays_callable() {
    assert_eq!(add(1., 2.).await, Sum { sum: 3. });
    assert_eq!(divide(6, 3).unwrap(), 2);
}

#[test]
fn a_tool_declares_what_stands_in_the_source() {
    let declaration = declared::<add>().declaration;
    assert_eq!(declaration.name, "add");
    assert_eq!(
        declaration.description,
        r#"Add two numbers and return {"sum": a+b}."#
    );
    assert_eq!(
        Value::Object(declaration.input_schema),
        json!({
            "type": "object",
            "properties": {
                "a": {"description": "First number to add.", "type": "number", },
                "b": {"description": "Second number to add.", "type": "number", },
            },
            "required": ["a", "b"],
        })
    );
    assert_eq!(
        declaration.output_schema.map(Value::Object),
        Some(json!({
            "description": "What `add` answers.",
            "type": "object",
            "properties": {
                "sum": {"description": "The sum.", "type": "number", },
            },
            "required": ["sum"],
        }))
    );
    assert_eq!(declaration.annotations, Annotations::default());
    assert_eq!(declaration.time_limit, DEFAULT_TIME_LIMIT);
}

#[tokio::test]
async fn a_tool_answers_with_its_value() {
    let answer = called::<add>(json!({"a": 2, "b": 3})).await.unwrap();
    assert_eq!(answer, json!({"sum": 5.0}));
}

/// Divide whole numbers.
///
/// The rest is dropped:
///   7 / 2 = 3
#[tool(
    name = "div-int",
    title = "Division",
    read_only,
    destructive = false,
    idempotent = true,
    open_world = false,
    time_limit = "500ms"
)]
fn divide(
    /// What is divided.
    dividend: i64,
    /**
     * By what.
     * Not 0.
     */
    divisor: i64,
) -> Result<i64, Problem> {
    dividend
        .checked_div(divisor)
        .ok_or_else(|| Problem::user("`divisor` is 0"))
}

#[test]
fn arguments_of_the_attribute_are_declared() {
    let declaration = declared::<divide>().declaration;
    assert_eq!(declaration.name, "div-int");
    assert_eq!(
        declaration.description,
        "Divide whole numbers.\n\nThe rest is dropped:\n  7 / 2 = 3"
    );
    assert_eq!(
        declaration.annotations,
        Annotations {
            title: Some("Division".to_owned()),
            read_only_hint: Some(true),
            destructive_hint: Some(false),
            idempotent_hint: Some(true),
            open_world_hint: Some(false),
        }
    );
    assert_eq!(declaration.time_limit, Duration::from_millis(500));
    assert_eq!(
        declaration.input_schema["properties"]["divisor"]["description"],
        "By what.\nNot 0."
    );
    // Clients before 2026-07-28 take objects only.
    assert_eq!(declaration.output_schema, None);
}

#[tokio::test]
async fn a_problem_is_handed_up() {
    assert_eq!(
        called::<divide>(json!({"dividend": 7, "divisor": 2}))
            .await
            .unwrap(),
        json!(3)
    );
    let problem = called::<divide>(json!({"dividend": 7, "divisor": 0}))
        .await
        .unwrap_err();
    assert_eq!(problem.public_message(), "`divisor` is 0");
}

#[tokio::test]
async fn what_passes_the_schema_and_not_the_type_is_named() {
    // JSON Schema counts 1.0 as an integer, serde does not.
    let problem = called::<divide>(json!({"dividend": 7, "divisor": 1.0}))
        .await
        .unwrap_err();
    assert_eq!(problem.code(), ErrorCode::UserError);
    assert_eq!(
        problem.public_message(),
        "`divisor`: invalid type: floating point `1.0`, expected i64"
    );
}

/// The kinds of a shape.
#[data]
#[derive(Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Corner {
    /// Like a box.
    Sharp,
    /// Like a pill.
    Round,
}

const LARGEST: u32 = 1 << 10;

/// Draw a shape.
#[tool]
fn draw(
    /// Its width.
    #[min = 1]
    #[max = LARGEST]
    #[example = 3]
    #[example = 4]
    width: u32,
    /// Its angle.
    #[min = -1.5]
    #[max = 180]
    #[default]
    angle: f64,
    /// Its label.
    #[min_length = 1]
    #[max_length = 64]
    #[pattern = "^[a-z]+$"]
    #[examples = ["a", "b"]]
    #[default = "plain"]
    label: String,
    /// Points on it.
    #[min_length = 2]
    #[max_length = 9]
    #[default = vec![0.5; 2]]
    points: Vec<f64>,
    /// Its corners.
    #[default = Corner::Round]
    corner: Corner,
    /// Where it is from.
    #[format = "uri"]
    source: Option<String>,
    /// How deep it is.
    #[min = 0]
    #[rename = "depth-in-mm"]
    depth: Option<u8>,
    /// Where it is drawn.
    #[header = "Region"]
    #[schema(deprecated = true, "x-unit" = "place")]
    region: Option<String>,
) -> Vec<Value> {
    vec![
        json!(width),
        json!(angle),
        json!(label),
        json!(points),
        json!(corner),
        json!(source),
        json!(depth),
        json!(region),
    ]
}

#[test]
fn keywords_become_keywords_of_the_schema() {
    let schema = Value::Object(declared::<draw>().declaration.input_schema);
    assert_eq!(
        schema,
        json!({
            "type": "object",
            "properties": {
                "width": {
                    "description": "Its width.",
                    "type": "integer",
                    "minimum": 1, "maximum": 1024, "examples": [3, 4],
                },
                "angle": {
                    "description": "Its angle.",
                    "type": "number",
                    "default": 0.0, "minimum": -1.5, "maximum": 180,
                },
                "label": {
                    "description": "Its label.",
                    "type": "string", "default": "plain",
                    "minLength": 1, "maxLength": 64,
                    "pattern": "^[a-z]+$", "examples": ["a", "b"],
                },
                "points": {
                    "description": "Points on it.",
                    "type": "array", "items": {"type": "number", },
                    "default": [0.5, 0.5], "minItems": 2, "maxItems": 9,
                },
                "corner": {
                    "description": "Its corners.",
                    "$ref": "#/$defs/Corner", "default": "round",
                },
                "source": {
                    "description": "Where it is from.",
                    "type": ["string", "null"], "format": "uri",
                },
                "depth-in-mm": {
                    "description": "How deep it is.",
                    "type": ["integer", "null"],
                    "minimum": 0, "maximum": 255,
                },
                "region": {
                    "description": "Where it is drawn.",
                    "type": "string", "x-mcp-header": "Region",
                    "deprecated": true, "x-unit": "place",
                },
            },
            "required": ["width"],
            "$defs": {
                "Corner": {
                    "description": "The kinds of a shape.",
                    "oneOf": [
                        {"description": "Like a box.", "type": "string", "const": "sharp"},
                        {"description": "Like a pill.", "type": "string", "const": "round"},
                    ],
                },
            },
        })
    );
    let order: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        order,
        [
            "width",
            "angle",
            "label",
            "points",
            "corner",
            "source",
            "depth-in-mm",
            "region"
        ]
    );
}

#[tokio::test]
async fn what_the_caller_leaves_out_is_filled_in() {
    assert_eq!(
        called::<draw>(json!({"width": 1})).await.unwrap(),
        json!([1, 0.0, "plain", [0.5, 0.5], "round", null, null, null])
    );
    assert_eq!(
        called::<draw>(json!({
            "width": 2, "angle": 3, "label": "x", "points": [], "corner": "sharp",
            "source": null, "depth-in-mm": 4, "region": "eu",
        }))
        .await
        .unwrap(),
        json!([2, 3.0, "x", [], "sharp", null, 4, "eu"])
    );
}

/// Tell who calls.
#[tool]
async fn whoami(
    ctx: CallContext,
    /// How to greet.
    #[default = "hello"]
    mut greeting: String,
) -> String {
    ctx.progress(1., None, "looking").await;
    greeting.push_str(ctx.request_id());
    greeting
}

/// Tell which request this is.
#[tool]
fn request(ctx: CallContext) -> ToolOutput {
    ToolOutput::text(format!("<{}>", ctx.request_id()))
}

#[tokio::test]
async fn the_context_is_no_parameter() {
    let schema = declared::<whoami>().declaration.input_schema;
    assert_eq!(schema["properties"].as_object().unwrap().len(), 1);
    assert_eq!(called::<whoami>(json!({})).await.unwrap(), json!("hello"));
    assert_eq!(called::<request>(json!({})).await.unwrap(), json!("<>"));
    let ctx = CallContext::detached();
    assert_eq!(whoami(ctx, "x".to_owned()).await, "x");
}

/// Do nothing.
#[tool]
fn nothing() {}

#[test]
fn a_tool_without_parameters_has_an_empty_schema() {
    let declaration = declared::<nothing>().declaration;
    assert_eq!(
        Value::Object(declaration.input_schema),
        json!({"type": "object", "properties": {}})
    );
    assert_eq!(declaration.output_schema, None);
}

/// Take words that Rust keeps for itself.
#[tool(name = "match")]
fn r#match(
    /// The type.
    r#type: String,
) -> String {
    r#type
}

#[tokio::test]
async fn raw_names_lose_their_mark() {
    let schema = declared::<r#match>().declaration.input_schema;
    assert_eq!(schema["required"], json!(["type"]));
    let answer = called::<r#match>(json!({"type": "x"})).await.unwrap();
    assert_eq!(answer, json!("x"));
}

#[tokio::test]
async fn a_tool_can_stand_inside_a_function() {
    #[data]
    struct Local {
        /// A number.
        n: u8,
    }

    /// Take a type of this place.
    #[tool]
    fn inside(
        /// It.
        local: Local,
        // Generated code must not meet the names of the user's.
        /// Another.
        arguments: u8,
        /// A third.
        context: u8,
        /// A fourth.
        name: u8,
    ) -> u8 {
        local.n + arguments + context + name
    }

    let arguments = json!({"local": {"n": 1}, "arguments": 1, "context": 1, "name": 1});
    assert_eq!(called::<inside>(arguments).await.unwrap(), json!(4));
}

#[doc = include_str!("../facade/description.md")]
#[tool]
fn described_elsewhere(#[doc = include_str!("../facade/description.md")] n: u8) -> u8 {
    n
}

#[test]
fn a_description_can_be_a_file() {
    let declaration = declared::<described_elsewhere>().declaration;
    assert_eq!(declaration.description, "Written\nelsewhere.");
    assert_eq!(
        declaration.input_schema["properties"]["n"]["description"],
        "Written\nelsewhere."
    );
}

#[cfg(any())]
/// Left out of the program.
#[tool]
fn left_out(
    /// A type that is nowhere.
    nowhere: Nowhere,
) {
}

/// Left out by a condition below the attribute.
#[tool]
#[cfg(any())]
fn left_out_too(
    /// A type that is nowhere.
    nowhere: Nowhere,
) {
}
