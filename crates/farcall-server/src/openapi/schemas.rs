//! The values that are sent and answered.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a schema becomes a part of another, which `json!` takes by reference"
)]

use farcall_core::{job::state::JobState, problem::ErrorCode};
use serde_json::{Value, json};

/// 128 random bits.
pub(super) const JOB_ID: &str = "^[0-9a-f]{32}$";

pub(super) fn components() -> Value {
    json!({
        "Alive": object(&["ok"], json!({"ok": {"const": true}})),
        "Ready": object(&["ok"], json!({
            "ok": {"const": true},
            "workers": {"type": "boolean", "description": "Whether every job has a worker; where others run them."},
            "without_worker": {"type": "array", "items": {"type": "string"}},
        })),
        "NotReady": object(&["ok", "error", "failing"], json!({
            "ok": {"const": false},
            "error": sentence(),
            "failing": {"enum": ["artifacts", "disk", "stopping", "store", "worker"]},
            "cause": {"type": "string"},
        })),
        "ProtectedResource": object(
            &["resource", "authorization_servers", "bearer_methods_supported", "resource_name"],
            json!({
                "resource": {"type": "string", "format": "uri"},
                "authorization_servers": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "uri"}},
                "bearer_methods_supported": {"const": ["header"]},
                "resource_name": {"type": "string"},
                "scopes_supported": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            }),
        ),
        "Error": object(&["error"], json!({"error": sentence()})),
        "JsonRpcError": json_rpc_error(),
        "JsonRpcAnswer": {"anyOf": [json_rpc_result(), {"$ref": "#/components/schemas/JsonRpcError"}]},
        "JsonRpcMessage": {"anyOf": [json_rpc_request(), json_rpc_reply()]},
        "Job": {"type": "object", "required": JOB_ALWAYS, "properties": job()},
        "Jobs": object(&["jobs", "more", "read_at"], json!({
            "jobs": {"type": "array", "items": extended(&[], json!({}))},
            "more": {"type": "boolean"},
            "read_at": {"anyOf": [moment(), {"type": "null"}]},
        })),
        "CancelledJob": extended(&["was", "read_at"], json!({"was": {"enum": JobState::ALL}, "read_at": moment()})),
        "RetriedJob": extended(&["retry_of", "read_at"], json!({"retry_of": id(), "read_at": moment()})),
        "JobSheet": extended(&SHEET_ALWAYS, sheet()),
    })
}

/// An object with these properties and no others.
fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

/// A job with these properties beside its own, and no others.
fn extended(required: &[&str], properties: Value) -> Value {
    json!({
        "allOf": [{"$ref": "#/components/schemas/Job"}],
        "required": required,
        "properties": properties,
        "unevaluatedProperties": false,
    })
}

fn sentence() -> Value {
    json!({"type": "string", "minLength": 9})
}

fn id() -> Value {
    json!({"type": "string", "pattern": JOB_ID})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// What of a job is never left out.
const JOB_ALWAYS: [&str; 11] = [
    "job_id",
    "job",
    "owner",
    "state",
    "stage",
    "total_stages",
    "message",
    "attempt",
    "losses",
    "created_at",
    "updated_at",
];

/// `farcall_jobs::operators::JobView`.
fn job() -> Value {
    json!({
        "job_id": id(),
        "job": {"type": "string"},
        "owner": {"type": "string"},
        "state": {"enum": JobState::ALL},
        "stage": count(),
        "total_stages": count(),
        "message": {"type": "string"},
        "progress": {"type": "number", "minimum": 0, "maximum": 1},
        "error": {"type": "string"},
        "error_code": {"enum": ErrorCode::ALL},
        "asking": {"const": true},
        "cancel_requested": {"const": true},
        "attempt": count(),
        "losses": count(),
        "worker": {"type": "string"},
        "created_at": moment(),
        "updated_at": moment(),
        "started_at": moment(),
        "retry_at": moment(),
        "finished_at": moment(),
        "expires_at": moment(),
    })
}

const SHEET_ALWAYS: [&str; 12] = [
    "worker_host",
    "priority",
    "counted_losses",
    "claims",
    "restarts",
    "checkpoint",
    "questions",
    "artifacts",
    "log_lines",
    "log",
    "read_at",
    "job_id",
];

/// What `farcall_jobs::operators::Seen` says beyond that.
fn sheet() -> Value {
    let artifact = json!({
        "name": {"type": "string"},
        "size": count(),
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "media_type": {"type": "string"},
        "published": {"type": "boolean"},
        "url": {"type": "string", "format": "uri"},
    });
    let question = json!({"key": {"type": "string"}, "method": {"type": "string"}, "params": {"type": "object"}});
    let line =
        json!({"n": {"type": "integer", "minimum": 1}, "at": moment(), "text": {"type": "string"}});
    let list = |item| json!({"type": "array", "items": item});
    json!({
        "worker_host": {"type": ["string", "null"]},
        "priority": {"type": "integer"},
        "counted_losses": count(),
        "claims": count(),
        "restarts": count(),
        "checkpoint": {"type": ["integer", "null"], "minimum": 0},
        "questions": list(object(&["key", "method", "params"], question)),
        "artifacts": list(object(&["name", "size", "sha256", "media_type", "published"], artifact)),
        "log_lines": count(),
        "log": list(object(&["n", "at", "text"], line)),
        "read_at": moment(),
    })
}

/// The ids of requests; an error has none where the request could not be read.
fn request_id() -> Value {
    json!({"type": ["string", "integer"]})
}

fn json_rpc_error() -> Value {
    object(
        &["jsonrpc", "error"],
        json!({
            "jsonrpc": {"const": "2.0"},
            "id": {"type": ["string", "integer", "null"]},
            "error": object(&["code", "message"], json!({
                "code": {"type": "integer"},
                "message": sentence(),
                "data": {},
            })),
        }),
    )
}

fn json_rpc_result() -> Value {
    object(
        &["jsonrpc", "id", "result"],
        json!({
            "jsonrpc": {"const": "2.0"},
            "id": request_id(),
            "result": {"type": "object"},
        }),
    )
}

/// A request, or without an id a notification. The methods are those that servers know; any other is
/// answered with an error.
fn json_rpc_request() -> Value {
    json!({
        "type": "object",
        "required": ["jsonrpc", "method"],
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "id": request_id(),
            "method": {"type": "string", "examples": METHODS},
            "params": {"type": ["object", "null"]},
        },
    })
}

/// What a session's client answers to the server's own requests.
fn json_rpc_reply() -> Value {
    json!({
        "type": "object",
        "required": ["jsonrpc", "id"],
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "id": request_id(),
            "result": {"type": "object"},
            "error": {"type": "object"},
        },
        "oneOf": [{"required": ["result"]}, {"required": ["error"]}],
    })
}

const METHODS: [&str; 14] = [
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "server/discover",
    "subscriptions/listen",
    "tasks/get",
    "tools/call",
    "tools/list",
];
