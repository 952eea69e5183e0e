//! What a wrapped program finds in its environment: little, so that no secret of the server's is
//! among it.

use std::{collections::BTreeMap, ffi::OsString};

use farcall_config::file::Environment;
use farcall_core::trace::{TRACEPARENT_VARIABLE, TraceParent};
use secrecy::ExposeSecret;

/// Where programs are looked for, where the server itself does not know.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment of a program:
///
/// - `PATH` of the server, else the usual one,
/// - `LANG` of the server, else `C.UTF-8`,
/// - `TMPDIR`, the folder of this run,
/// - `TRACEPARENT`, where the run stands in a trace, if it does,
/// - what the declaration passes on, where the server has it, and what it sets; a `farcall.toml` passes
///   on `HOME`, `LC_ALL`, `LC_CTYPE` and `TZ` without being asked.
pub(crate) fn environment(
    declared: &Environment,
    folder: OsString,
    trace: Option<TraceParent>,
) -> BTreeMap<OsString, OsString> {
    let own = |name: &str| std::env::var_os(name);
    let mut environment = BTreeMap::new();
    let mut set = |name: &str, value: OsString| {
        environment.insert(name.into(), value);
    };
    set("PATH", own("PATH").unwrap_or_else(|| DEFAULT_PATH.into()));
    set("LANG", own("LANG").unwrap_or_else(|| "C.UTF-8".into()));
    set("TMPDIR", folder);
    if let Some(trace) = trace {
        set(TRACEPARENT_VARIABLE, trace.to_string().into());
    }
    for name in &declared.inherited {
        if let Some(value) = own(name) {
            set(name, value);
        }
    }
    for (name, value) in &declared.set {
        set(name, value.expose_secret().into());
    }
    environment
}
