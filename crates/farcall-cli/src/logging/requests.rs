//! Says of each line that is logged while a call is answered which request it was, also where the code of a tool
//! or a library wrote it. A span for each call would say it too, and cost every call that logs nothing.

use std::fmt;

use farcall_core::context::CallContext;
use serde_json::json;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Lines as `inner` writes them, with the request that they belong to.
pub(super) struct OfRequests<F> {
    inner: F,
    is_json: bool,
}

impl<F> OfRequests<F> {
    pub(super) fn as_json(inner: F) -> Self {
        let is_json = true;
        Self { inner, is_json }
    }

    pub(super) fn as_text(inner: F) -> Self {
        let is_json = false;
        Self { inner, is_json }
    }
}

impl<S, N, F> FormatEvent<S, N> for OfRequests<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(call) = CallContext::current() else {
            return self.inner.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.inner
            .format_event(context, Writer::new(&mut line), event)?;
        let trace = call.trace().map(|trace| trace.trace_id());
        let said = Said {
            request: call.request_id(),
            trace: trace.as_deref(),
        };
        writer.write_str(&if self.is_json {
            said.in_json(&line)
        } else {
            said.in_text(&line)
        })
    }
}

/// What is said of a request.
struct Said<'a> {
    request: &'a str,
    trace: Option<&'a str>,
}

impl Said<'_> {
    /// An object with both in front, but for what the line says itself.
    fn in_json(&self, line: &str) -> String {
        let Some(rest) = line.strip_prefix('{') else {
            return line.to_owned();
        };
        let fields = self.fields();
        let fields = fields.filter(|(name, _)| !rest.contains(&format!("\"{name}\":")));
        let front: Vec<_> = fields
            .map(|(name, value)| format!("\"{name}\":{value},"))
            .collect();
        format!("{{{}{rest}", front.concat())
    }

    /// A line with both at its end, but for what it says itself.
    fn in_text(&self, line: &str) -> String {
        let (said, end) = match line.strip_suffix('\n') {
            Some(said) => (said, "\n"),
            None => (line, ""),
        };
        let fields = self.fields();
        let fields = fields.filter(|(name, _)| !said.contains(&format!(" {name}=")));
        let behind: Vec<_> = fields
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        format!("{said}{}{end}", behind.concat())
    }

    /// Names and values, which are JSON: an id may be a caller's own, and the name of a trace is hexadecimal.
    fn fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let request = ("request", json!(self.request).to_string());
        let trace = self.trace.map(|trace| ("trace_id", format!("\"{trace}\"")));
        std::iter::once(request).chain(trace)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::fmt;

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_logged_while_a_call_is_answered_has_its_request() {
        let written = Written::default();
        let to = written.clone();
        let lines = fmt()
            .with_writer(move || to.clone())
            .json()
            .flatten_event(true);
        let lines = lines.map_event_format(OfRequests::as_json).finish();
        tracing::subscriber::with_default(lines, || {
            tracing::info!("outside");
            CallContext::detached().sync_scope(|| tracing::info!("inside"));
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            (&lines[0]["message"], lines[0].get("request")),
            (&json!("outside"), None)
        );
        assert_eq!(
            (&lines[1]["message"], &lines[1]["request"]),
            (&json!("inside"), &json!(""))
        );
    }

    #[test]
    fn a_line_says_of_which_request_it_is_once() {
        let said = Said {
            request: "8f-2a",
            trace: Some("0af7"),
        };
        assert_eq!(
            said.in_json("{\"level\":\"INFO\"}\n"),
            "{\"request\":\"8f-2a\",\"trace_id\":\"0af7\",\"level\":\"INFO\"}\n"
        );
        assert_eq!(
            said.in_text("INFO it is so\n"),
            "INFO it is so request=\"8f-2a\" trace_id=\"0af7\"\n"
        );
        assert_eq!(
            said.in_json("{\"request\":\"1\"}\n"),
            "{\"trace_id\":\"0af7\",\"request\":\"1\"}\n"
        );
        let known = "INFO it is so trace_id=1 request=\"1\"\n";
        assert_eq!(said.in_text(known), known);
        assert_eq!(said.in_json("no object"), "no object");
    }

    #[test]
    fn what_a_client_calls_its_request_ends_no_line() {
        let said = Said {
            request: "a\"\n{b",
            trace: None,
        };
        assert_eq!(said.in_json("{\"level\":\"INFO\"}\n").lines().count(), 1);
        assert_eq!(said.in_text("INFO\n").lines().count(), 1);
    }
}
