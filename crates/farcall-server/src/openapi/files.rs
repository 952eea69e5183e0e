//! `/files`.

use serde_json::{Map, Value, json};

use super::{
    answer::{self, Form, and_header, empty},
    operation::{Operation, in_path, optional},
    schemas::JOB_ID,
};

const ABOUT: &str = "\
For the job's owner, and for whoever has a link: `exp`, `kid` and `sig` together, as `get_<job>_result` gives them. \
Either is enough, so a link that opens nothing is passed over where the caller may have the file. Without any \
credential the answer is 401; a link that opens nothing, an unknown file and somebody else's are all 404.";

pub(super) fn primary() -> Value {
    item("primary_file", "The primary file of a job.", vec![job_id()])
}

pub(super) fn named() -> Value {
    let name = json!({"type": "string", "minLength": 1, "pattern": "^[^/]+$"});
    let name = in_path("name", name, "One of the job's files.");
    item("file", "One file of a job.", vec![job_id(), name])
}

fn job_id() -> Value {
    in_path(
        "job_id",
        json!({"type": "string", "pattern": JOB_ID}),
        "The job.",
    )
}

fn item(id: &str, summary: &str, mut parameters: Vec<Value>) -> Value {
    parameters.extend(link());
    parameters.extend(conditions());
    let whole = with_file_headers(bytes("The file."));
    let part = and_header(with_file_headers(bytes("A part of it.")), "Content-Range");
    let get = Operation::new(id, "files", summary, Form::Plain)
        .about(ABOUT)
        .gated()
        .answers(200, whole)
        .answers(206, part)
        .answers(
            302,
            and_header(
                empty("The bucket has it, and the operator sends callers there."),
                "Location",
            ),
        )
        .answers(304, and_header(empty("The caller has it already."), "ETag"))
        .refuses(&[401, 403, 404, 412, 416, 429, 431, 500, 503]);
    let head = get.clone().into_head().never(&[206, 302, 416, 500]);
    json!({"parameters": parameters, "get": get.done(), "head": head.done()})
}

fn bytes(means: &str) -> Value {
    answer::with_body(means, [("*/*", Value::Object(Map::new()))])
}

/// What every file is sent with, so that no browser runs or keeps it.
fn with_file_headers(mut answer: Value) -> Value {
    let fixed = [
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "private, no-store"),
        ("Content-Security-Policy", "sandbox; default-src 'none'"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
    ];
    for (name, value) in fixed {
        answer["headers"][name] = json!({"required": true, "schema": {"const": value}});
    }
    answer["headers"]["Content-Disposition"] = json!({
        "required": true,
        "schema": {"type": "string", "pattern": "^attachment; filename=\"[0-9a-f]{32}(\\.[^\"]*)?\"$"},
    });
    and_header(answer, "ETag")
}

fn link() -> [Value; 3] {
    let text = || json!({"type": "string"});
    [
        optional(
            "query",
            "exp",
            text(),
            "Until when the link is good: seconds since 1970, as digits.",
        ),
        optional("query", "kid", text(), "Which key signed it."),
        optional(
            "query",
            "sig",
            text(),
            "HMAC-SHA256 over file, owner and time: 64 hexadecimal digits.",
        ),
    ]
}

fn conditions() -> [Value; 4] {
    let header =
        |name, description| optional("header", name, json!({"type": "string"}), description);
    [
        header(
            "Range",
            "One range of bytes; several, or anything else, are passed over. HEAD has none.",
        ),
        header("If-Range", "The tag that the range is for."),
        header("If-Match", "The tags that are wanted."),
        header("If-None-Match", "The tags that are known."),
    ]
}
