//! `/metrics`.

use farcall_metrics::CONTENT_TYPE;
use serde_json::{Value, json};

use super::{
    answer::{self, Form},
    operation::Operation,
};

pub(super) fn metrics() -> Value {
    let text = answer::with_body(
        "The text format of Prometheus, version 0.0.4.",
        [(CONTENT_TYPE, json!({"type": "string"}))],
    );
    Operation::new(
        "metrics",
        "metrics",
        "What the server counts.",
        Form::Plain,
    )
    .about("For callers with the scope `admin`. At the address of `FARCALL_METRICS` the same is there for whoever reaches it.")
    .gated()
    .answers(200, answer::and_header(text, "Cache-Control"))
    .refuses(&[401, 403, 429, 431, 503])
    .and_head()
}
