//! HTTP services: what they are sent, byte for byte, and what becomes of what they answer.

mod advisories;
mod answers;
mod callers;
mod example;
mod headers;
mod hostile;
#[cfg(feature = "namespace-tests")]
mod names;
// The same server that the requests of `farcall-wrap` are tested with.
#[cfg_attr(
    not(any(feature = "namespace-tests", feature = "otel")),
    expect(
        dead_code,
        reason = "single headers are looked at by `names` and `otel`"
    )
)]
#[path = "../../../../farcall-wrap/tests/service/probe.rs"]
pub(crate) mod probe;
mod slow;
mod values;

use self::probe::Probe;
use crate::harness::Project;

/// A project whose service `probe` is this server, under `/base`.
fn project(probe: &Probe, entries: &str) -> Project {
    let service = format!(
        "[service.probe]\nbase_url = \"{}\"\nheaders.Authorization = \"Bearer ${{PROBE_KEY}}\"\n",
        probe.url("/base/")
    );
    Project::new(&format!("{service}{entries}")).with("PROBE_KEY", "upstream")
}

/// The bytes of a head, as text.
fn text(head: &[u8]) -> String {
    String::from_utf8(head.to_vec()).unwrap()
}
