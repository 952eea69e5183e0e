//! What of a server is tested: what was asked for, else what can be found.

use farcall_core::JsonObject;
use serde_json::{Value, json};

use crate::{
    Failure,
    client::{ListedTool, jobs::JobTools, one_line},
};

/// What was asked for.
#[derive(Debug)]
pub(in crate::verbs) enum Wanted {
    /// Whatever there is.
    Anything,
    /// A tool or a job by its name, with these arguments.
    Named(String, JsonObject),
}

/// What is going to be done.
#[derive(Debug, Default)]
pub(in crate::verbs) struct Plan {
    /// A tool to call.
    pub(in crate::verbs) call: Option<(String, JsonObject)>,
    /// A job to drive.
    pub(in crate::verbs) job: Option<(JobTools, JsonObject)>,
    /// What is left out, and why.
    pub(in crate::verbs) left_out: Option<String>,
}

impl Wanted {
    pub(in crate::verbs) fn read(
        tool: Option<&str>,
        arguments: Option<&str>,
    ) -> Result<Self, Failure> {
        const EXAMPLE: &str = "quote it for the shell: --args '{\"scene\": \"demo\"}'";
        let Some(tool) = tool else {
            return Ok(Self::Anything);
        };
        let arguments = match arguments.map(serde_json::from_str) {
            None => JsonObject::new(),
            Some(Ok(Value::Object(arguments))) => arguments,
            Some(Ok(_)) => return Err(Failure::usage("--args is no JSON object").hint(EXAMPLE)),
            Some(Err(error)) => {
                return Err(Failure::usage(format!("--args is no JSON: {error}")).hint(EXAMPLE));
            }
        };
        Ok(Self::Named(tool.to_owned(), arguments))
    }

    /// What to do with a server that lists `tools`.
    pub(in crate::verbs) fn plan(&self, tools: &[ListedTool]) -> Result<Plan, Failure> {
        match self {
            Self::Anything => Ok(found(tools)),
            Self::Named(name, arguments) => named(tools, name, arguments),
        }
    }
}

fn named(tools: &[ListedTool], name: &str, arguments: &JsonObject) -> Result<Plan, Failure> {
    let mut jobs = JobTools::among(tools).into_iter();
    if let Some(job) = jobs.find(|job| job.job == name || job.start == name) {
        return Ok(Plan {
            job: Some((job, arguments.clone())),
            ..Plan::default()
        });
    }
    if tools.iter().any(|tool| tool.name == name) {
        return Ok(Plan {
            call: Some((name.to_owned(), arguments.clone())),
            ..Plan::default()
        });
    }
    let listed: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    Err(Failure::failed(format!(
        "the server has neither a tool nor a job called `{}`",
        one_line(name)
    ))
    .hint(format!("it lists {}", one_line(&listed.join(", ")))))
}

fn found(tools: &[ListedTool]) -> Plan {
    let call = tools
        .iter()
        .find(|tool| tool.name == "add" && adds_numbers(&tool.input_schema))
        .map(|tool| {
            let arguments =
                JsonObject::from_iter([("a".to_owned(), json!(2)), ("b".to_owned(), json!(3))]);
            (tool.name.clone(), arguments)
        });
    let jobs = JobTools::among(tools);
    let job = jobs.iter().find_map(|job| {
        let tool = tools.iter().find(|tool| tool.name == job.start)?;
        Some((job.clone(), proposed(&tool.input_schema).ok()?))
    });
    let left_out = match (&job, jobs.first(), &call) {
        (Some(_), ..) => None,
        (None, Some(first), _) => Some(format!(
            "no job was driven, the parameters of `{0}` have neither defaults nor examples; give them with --tool {0} --args JSON",
            one_line(&first.start)
        )),
        (None, None, Some(_)) => Some("no job was driven, the server has none".to_owned()),
        (None, None, None) => Some(
            "only the list was tested, it holds neither `add` nor a job (start_x, get_x_status, get_x_result); name a tool with --tool NAME --args JSON"
                .to_owned(),
        ),
    };
    Plan {
        call,
        job,
        left_out,
    }
}

/// What the one call says whose answer is known: `add` of 2 and 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::verbs) enum Sum {
    /// It names no `sum`.
    Missing,
    /// It is 5.
    Right,
    /// Something else was called.
    Unasked,
    /// It is another number, or none.
    Wrong,
}

impl Sum {
    /// Of what `tool` answered to `arguments`.
    pub(in crate::verbs) fn of(tool: &str, arguments: &JsonObject, answer: &Value) -> Self {
        let is_asked = tool == "add"
            && arguments.get("a") == Some(&2.into())
            && arguments.get("b") == Some(&3.into());
        match answer.get("sum") {
            _ if !is_asked => Self::Unasked,
            None => Self::Missing,
            Some(sum) => match sum.as_f64() {
                Some(sum) if (sum - 5.0).abs() <= f64::EPSILON => Self::Right,
                _ => Self::Wrong,
            },
        }
    }
}

fn adds_numbers(schema: &JsonObject) -> bool {
    let is_number = |name: &str| {
        let kind = schema.get("properties").and_then(|all| all.get(name));
        let kind = kind.and_then(|property| property.get("type"));
        kind.is_some_and(|kind| {
            let kinds = kind
                .as_array()
                .map_or(std::slice::from_ref(kind), Vec::as_slice);
            kinds
                .iter()
                .any(|kind| kind == "number" || kind == "integer")
        })
    };
    is_number("a") && is_number("b") && required(schema).all(|name| matches!(name, "a" | "b"))
}

/// Arguments for every required parameter that the schema itself has a value for.
///
/// # Errors
/// The parameter that it has none for.
fn proposed(schema: &JsonObject) -> Result<JsonObject, &str> {
    let value = |name| {
        let property = schema.get("properties")?.get(name)?;
        let listed = |keyword| property.get(keyword).and_then(Value::as_array)?.first();
        property
            .get("default")
            .or_else(|| property.get("const"))
            .or_else(|| listed("examples"))
            .or_else(|| listed("enum"))
    };
    let mut arguments = JsonObject::new();
    for name in required(schema) {
        arguments.insert(name.to_owned(), value(name).ok_or(name)?.clone());
    }
    Ok(arguments)
}

fn required(schema: &JsonObject) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, schema: &Value) -> ListedTool {
        ListedTool {
            name: name.to_owned(),
            description: None,
            input_schema: schema.as_object().unwrap().clone().into(),
        }
    }

    fn job(name: &str, schema: &Value) -> Vec<ListedTool> {
        let id = json!({"properties": {"job_id": {"type": "string"}}, "required": ["job_id"]});
        vec![
            tool(&format!("start_{name}"), schema),
            tool(&format!("get_{name}_status"), &id),
            tool(&format!("get_{name}_result"), &id),
        ]
    }

    #[test]
    fn the_first_job_whose_parameters_are_known_is_driven() {
        let unknown = json!({"properties": {"file": {"type": "string"}}, "required": ["file"]});
        let known = json!({
            "properties": {
                "scene": {"examples": ["demo", "other"]},
                "kind": {"enum": ["gif"]},
                "frames": {"default": 3},
            },
            "required": ["scene", "kind"],
        });
        let mut tools = job("convert", &unknown);
        assert!(
            found(&tools)
                .left_out
                .unwrap()
                .contains("--tool start_convert")
        );
        tools.extend(job("render", &known));
        let (driven, arguments) = found(&tools).job.unwrap();
        assert_eq!(driven.job, "render");
        assert_eq!(
            Value::Object(arguments),
            json!({"scene": "demo", "kind": "gif"})
        );
    }

    #[test]
    fn only_an_add_of_two_numbers_is_called() {
        let numbers = json!({
            "properties": {"a": {"type": "number"}, "b": {"type": ["integer", "null"]}},
            "required": ["a", "b"],
        });
        assert!(found(&[tool("add", &numbers)]).call.is_some());
        for other in [
            json!({"properties": {"a": {"type": "string"}, "b": {"type": "number"}}}),
            json!({"properties": {"a": {"type": "number"}, "b": {"type": "number"}, "c": {}}, "required": ["c"]}),
            json!({}),
        ] {
            assert!(found(&[tool("add", &other)]).call.is_none(), "{other}");
        }
    }

    #[test]
    fn two_and_three_are_five() {
        let asked = JsonObject::from_iter([("a".to_owned(), json!(2)), ("b".to_owned(), json!(3))]);
        for (answer, expected) in [
            (json!({"sum": 5}), Sum::Right),
            (json!({"sum": 5.0}), Sum::Right),
            (json!({"sum": 6}), Sum::Wrong),
            (json!({"sum": "5"}), Sum::Wrong),
            (json!({"sum": null}), Sum::Wrong),
            (json!({"total": 5}), Sum::Missing),
            (json!("hello"), Sum::Missing),
        ] {
            assert_eq!(Sum::of("add", &asked, &answer), expected, "{answer}");
        }
        assert_eq!(Sum::of("sub", &asked, &json!({"sum": 6})), Sum::Unasked);
    }

    #[test]
    fn a_job_can_be_named_by_its_name_or_by_the_tool_that_starts_it() {
        let tools = job("render", &json!({}));
        for name in ["render", "start_render"] {
            assert!(
                named(&tools, name, &JsonObject::new())
                    .unwrap()
                    .job
                    .is_some()
            );
        }
        let status = named(&tools, "get_render_status", &JsonObject::new()).unwrap();
        assert!(status.job.is_none() && status.call.is_some());
        assert!(named(&tools, "rendr", &JsonObject::new()).is_err());
    }
}
