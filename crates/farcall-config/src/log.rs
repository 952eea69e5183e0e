//! What is logged, and how.

use crate::{Fault, Source, variables};

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level, or directives as tracing-subscriber reads them.
    pub filter: String,
    /// The form of a line; where it is not set, a terminal decides.
    pub format: Option<LogFormat>,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Log {
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Self {
        let format = source
            .filled(&variables::FARCALL_LOG_FORMAT)
            .and_then(|text| match text {
                "json" => Some(LogFormat::Json),
                "text" => Some(LogFormat::Text),
                _ => {
                    faults.push(Fault::new(
                        format!("`FARCALL_LOG_FORMAT` is `{text}`, which is no format"),
                        "use text or json",
                    ));
                    None
                }
            });
        let filter = source
            .filled(&variables::FARCALL_LOG)
            .unwrap_or(variables::FARCALL_LOG.default);
        Self {
            filter: filter.to_owned(),
            format,
        }
    }
}
