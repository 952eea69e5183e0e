//! Spans in the JSON of OTLP 1 (`opentelemetry-proto`, trace/v1): ids in hexadecimal digits, times in nanoseconds
//! since 1970 as text, names in lowerCamelCase.

use std::time::Instant;

use farcall_core::{
    clock::{Clock, SystemClock},
    trace::{Kept, Kind},
};
use serde_json::{Value, json};

/// What the spans of a process are about, and what tells its moments.
pub(super) struct Resource {
    service: String,
    version: String,
}

/// A moment on both clocks: the steady one, and milliseconds since 1970.
type Anchor = (Instant, i64);

impl Resource {
    pub(super) fn new(service: &str, version: &str) -> Self {
        Self {
            service: service.to_owned(),
            version: version.to_owned(),
        }
    }

    /// One request with these spans.
    pub(super) fn request(&self, spans: &[Kept]) -> Value {
        // Taken anew each time: the steady clock stands still while a machine sleeps, and spans are young.
        self.request_at((Instant::now(), SystemClock.now().0), spans)
    }

    fn request_at(&self, anchor: Anchor, spans: &[Kept]) -> Value {
        let spans: Value = spans.iter().map(|kept| span(anchor, kept)).collect();
        json!({"resourceSpans": [{
            "resource": {"attributes": [
                attribute("service.name", &self.service),
                attribute("service.version", &self.version),
                attribute("telemetry.sdk.language", "rust"),
                attribute("telemetry.sdk.name", "farcall"),
                attribute("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
            ]},
            "scopeSpans": [{
                "scope": {"name": "farcall", "version": env!("CARGO_PKG_VERSION")},
                "spans": spans,
            }],
        }]})
    }
}

fn span(anchor: Anchor, span: &Kept) -> Value {
    let begun = nanoseconds(anchor, span.begun);
    let ended = begun + i128::try_from(span.took.as_nanos()).unwrap_or_default();
    let attributes: Vec<_> = span
        .attributes
        .iter()
        .map(|(name, value)| attribute(name, value))
        .collect();
    let mut written = json!({
        "traceId": span.place.trace_id(),
        "spanId": span.place.span_id(),
        "name": span.name,
        "kind": kind(span.kind),
        "startTimeUnixNano": begun.to_string(),
        "endTimeUnixNano": ended.to_string(),
        "attributes": attributes,
        "status": {},
    });
    if let Some(parent) = span.parent {
        written["parentSpanId"] = parent.span_id().into();
    }
    if let Some(error) = span.error {
        // STATUS_CODE_ERROR.
        written["status"] = json!({"code": 2, "message": error});
    }
    written
}

/// Since 1970.
fn nanoseconds((steady, milliseconds): Anchor, moment: Instant) -> i128 {
    let anchor = i128::from(milliseconds) * 1_000_000;
    let since = moment.saturating_duration_since(steady).as_nanos();
    let before = steady.saturating_duration_since(moment).as_nanos();
    let of = |nanoseconds: u128| i128::try_from(nanoseconds).unwrap_or_default();
    anchor + of(since) - of(before)
}

fn attribute(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

/// `SpanKind` as a number, which every reader of the JSON takes.
fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Consumer => 5,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use farcall_core::trace::TraceParent;

    use super::*;

    #[test]
    fn a_span_is_written_as_otlp_has_it() {
        let resource = Resource::new("farm", "1.2");
        let anchor = (Instant::now(), 1_700_000_000_000);
        let place = TraceParent::new([0xab; 16], [1; 8]);
        let span = Kept {
            place,
            parent: Some(TraceParent::new([0xab; 16], [2; 8])),
            kind: Kind::Consumer,
            name: "job film".to_owned(),
            begun: anchor.0 + Duration::from_millis(1),
            took: Duration::from_micros(2),
            attributes: vec![("farcall.job.id", "7".to_owned())],
            error: Some("timeout"),
        };
        let request = resource.request_at(anchor, &[span]);
        let written = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let expected = json!({
            "traceId": "ab".repeat(16), "spanId": "01".repeat(8), "parentSpanId": "02".repeat(8),
            "name": "job film", "kind": 5,
            "startTimeUnixNano": "1700000000001000000", "endTimeUnixNano": "1700000000001002000",
            "attributes": [{"key": "farcall.job.id", "value": {"stringValue": "7"}}],
            "status": {"code": 2, "message": "timeout"},
        });
        assert_eq!(*written, expected);
        let service = &request["resourceSpans"][0]["resource"]["attributes"][0];
        assert_eq!(
            *service,
            json!({"key": "service.name", "value": {"stringValue": "farm"}})
        );
        // What ended before the moment that is known on both clocks is reckoned backwards.
        let begun = anchor.0.checked_sub(Duration::from_millis(2)).unwrap();
        assert_eq!(nanoseconds(anchor, begun), 1_699_999_999_998_000_000);
    }
}
