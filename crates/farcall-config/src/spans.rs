//! Where spans are sent.

use std::fmt;

use secrecy::SecretString;
use url::Url;

use crate::{Fault, Source, variables};

/// Where spans are sent, under the names that OpenTelemetry gives these variables everywhere.
#[derive(Clone)]
pub struct Spans {
    /// Where a collector takes them: the address of its traces, not its base.
    pub url: Url,
    /// What each request to it has in its head.
    pub headers: Vec<(String, SecretString)>,
    /// What this service is called there, if not by the server's name.
    pub service: Option<String>,
}

impl fmt::Debug for Spans {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(formatter, "Spans({host})")
    }
}

impl Spans {
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Option<Self> {
        let base = source.filled(&variables::OTEL_EXPORTER_OTLP_ENDPOINT)?;
        // Whatever it is may hold a password.
        let refused = || {
            Fault::new(
                "`OTEL_EXPORTER_OTLP_ENDPOINT` is no http or https address without user, query and fragment",
                "write where your collector takes OTLP over HTTP, for example http://127.0.0.1:4318",
            )
        };
        let url = traces(base);
        if url.is_none() {
            faults.push(refused());
        }
        let headers = source.filled(&variables::OTEL_EXPORTER_OTLP_HEADERS);
        let headers = headers.map_or(Some(Vec::new()), pairs);
        if headers.is_none() {
            faults.push(Fault::new(
                "`OTEL_EXPORTER_OTLP_HEADERS` is no list of headers",
                "write name=value, and commas between several",
            ));
        }
        let service = source.filled(&variables::OTEL_SERVICE_NAME);
        Some(Self {
            url: url?,
            headers: headers?,
            service: service.map(str::to_owned),
        })
    }
}

/// The address of the traces below `base`, as the specification of OTLP makes it.
fn traces(base: &str) -> Option<Url> {
    let url = Url::parse(&format!("{}/v1/traces", base.trim_end_matches('/'))).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_plain.then_some(url)
}

/// `name=value` with commas between; values are percent-encoded where they have to be (W3C Baggage).
fn pairs(text: &str) -> Option<Vec<(String, SecretString)>> {
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.trim(), decoded(value.trim())?);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_value = |byte: u8| (b' '..=b'~').contains(&byte);
        let is_header =
            !name.is_empty() && name.bytes().all(is_name) && value.bytes().all(is_value);
        is_header.then(|| (name.to_ascii_lowercase(), value.into()))
    });
    pairs.collect()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let (pair, after) = after.split_at_checked(2)?;
        let pair = std::str::from_utf8(pair).ok()?;
        bytes.push(u8::from_str_radix(pair, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}
