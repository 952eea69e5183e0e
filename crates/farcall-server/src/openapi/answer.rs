//! Answers, and the refusals that many routes share: `{"error": "…"}` off `/mcp`, JSON-RPC on it.

use serde_json::{Map, Value, json};

/// How a route says what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `{"error": "…"}`.
    Plain,
    /// An error of JSON-RPC.
    JsonRpc,
}

/// What a status means, and the headers that come with it.
struct Refusal {
    status: u16,
    name: &'static str,
    means: &'static str,
    headers: &'static [&'static str],
}

const REFUSALS: &[Refusal] = &[
    Refusal {
        status: 400,
        name: "BadRequest",
        means: "The request is not understood.",
        headers: &[],
    },
    Refusal {
        status: 401,
        name: "Unauthorized",
        means: "No credential, or none that opens this.",
        headers: &["WWW-Authenticate"],
    },
    Refusal {
        status: 403,
        name: "Forbidden",
        means: "A foreign `Host` or `Origin`; or a caller without the scope, which `WWW-Authenticate` names then.",
        headers: &[],
    },
    Refusal {
        status: 404,
        name: "NotFound",
        means: "There is no such thing, or it is somebody else's.",
        headers: &[],
    },
    Refusal {
        status: 405,
        name: "MethodNotAllowed",
        means: "Not with this method.",
        headers: &["Allow"],
    },
    Refusal {
        status: 406,
        name: "NotAcceptable",
        means: "`Accept` admits nothing that is sent here.",
        headers: &[],
    },
    Refusal {
        status: 408,
        name: "RequestTimeout",
        means: "The body took longer than 60 s, or nothing of it came for 15 s.",
        headers: &[],
    },
    Refusal {
        status: 409,
        name: "Conflict",
        means: "Not in the state that it is in.",
        headers: &[],
    },
    Refusal {
        status: 412,
        name: "PreconditionFailed",
        means: "The file is another one than `If-Match` names.",
        headers: &[],
    },
    Refusal {
        status: 413,
        name: "ContentTooLarge",
        means: "The body is larger than 1 MiB.",
        headers: &[],
    },
    Refusal {
        status: 415,
        name: "UnsupportedMediaType",
        means: "The body is compressed, or no `application/json`.",
        headers: &[],
    },
    Refusal {
        status: 416,
        name: "RangeNotSatisfiable",
        means: "The range lies outside the file.",
        headers: &["Content-Range"],
    },
    Refusal {
        status: 429,
        name: "TooManyRequests",
        means: "One request too many of this caller, or one wrong credential too many from its address.",
        headers: &["Retry-After"],
    },
    Refusal {
        status: 500,
        name: "InternalServerError",
        means: "A fault of the server; its log has the cause.",
        headers: &[],
    },
    Refusal {
        status: 503,
        name: "ServiceUnavailable",
        means: "Not at the moment.",
        headers: &["Retry-After"],
    },
];

/// A refusal whose form and meaning are known.
pub(super) fn refusal(form: Form, status: u16) -> Value {
    let known = REFUSALS.iter().find(|refusal| refusal.status == status);
    let name = known.map_or("HeadTooLarge", |refusal| refusal.name);
    let before = prefix(form, known.is_some());
    json!({"$ref": format!("#/components/responses/{before}{name}")})
}

/// A head that is too large is answered without a body, so it has no form.
fn prefix(form: Form, has_body: bool) -> &'static str {
    match form {
        Form::JsonRpc if has_body => "Mcp",
        _ => "",
    }
}

/// An answer with a body of one of these media types.
pub(super) fn with_body<const N: usize>(means: &str, bodies: [(&str, Value); N]) -> Value {
    let content: Map<_, _> = bodies
        .into_iter()
        .map(|(kind, schema)| (kind.to_owned(), json!({"schema": schema})))
        .collect();
    json!({
        "description": means,
        "headers": named(&["X-Request-Id"]),
        "content": content,
    })
}

/// An answer that is JSON as `schema` says.
pub(super) fn json(means: &str, schema: &str) -> Value {
    with_body(means, [("application/json", named_schema(schema))])
}

/// An answer without a body.
pub(super) fn empty(means: &str) -> Value {
    json!({"description": means, "headers": named(&["X-Request-Id"])})
}

/// One more header, which every such answer has.
pub(super) fn and_header(mut answer: Value, name: &str) -> Value {
    answer["headers"][name] = header(name);
    answer
}

pub(super) fn named_schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn named(headers: &[&str]) -> Map<String, Value> {
    let headers = headers.iter();
    headers
        .map(|name| ((*name).to_owned(), header(name)))
        .collect()
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// The refusals, in both forms.
pub(super) fn components() -> Map<String, Value> {
    let mut components = Map::new();
    for (form, schema) in [(Form::Plain, "Error"), (Form::JsonRpc, "JsonRpcError")] {
        for refusal in REFUSALS {
            let mut headers = vec!["X-Request-Id", "Cache-Control"];
            headers.extend(refusal.headers);
            let mut response = json(refusal.means, schema);
            response["headers"] = named(&headers).into();
            let before = prefix(form, true);
            components.insert(format!("{before}{}", refusal.name), response);
        }
    }
    let too_large = "A head larger than 32 KiB, or of more than 100 fields.";
    components.insert("HeadTooLarge".to_owned(), json!({"description": too_large}));
    components
}

/// Headers of answers.
pub(super) fn headers() -> Value {
    let always = |schema: Value, description| json!({"required": true, "schema": schema, "description": description});
    let text = || json!({"type": "string", "minLength": 1});
    json!({
        "Allow": always(text(), "The methods that there are."),
        "Cache-Control": always(json!({"const": "no-store"}), "No edge may keep a refusal."),
        "Content-Range": always(
            json!({"type": "string", "pattern": r"^bytes (\d+-\d+|\*)/\d+$"}),
            "Which part of the file it is (RFC 9110 section 14.4).",
        ),
        "ETag": always(
            json!({"type": "string", "pattern": "^\"[0-9a-f]{64}\"$"}),
            "The SHA-256 of the file.",
        ),
        "Location": always(json!({"type": "string", "format": "uri"}), "Where the bucket has it, for five minutes."),
        "Retry-After": always(json!({"type": "integer", "minimum": 1}), "After how many seconds to try again."),
        "WWW-Authenticate": always(
            json!({"type": "string", "pattern": "^Bearer "}),
            "What to come with (RFC 6750), and with OAuth where tokens come from (RFC 9728).",
        ),
        "X-Request-Id": always(
            json!({"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{12}$"}),
            "The id of the request, as in the server's log.",
        ),
    })
}
