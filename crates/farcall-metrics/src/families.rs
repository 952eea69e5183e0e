//! The only list of metrics: text and reference both use it.

/// What a metric is to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, and begins at zero with the process.
    Counter,
    /// It is what it is at the moment.
    Gauge,
    /// How often something took up to how long.
    Histogram,
}

impl Kind {
    /// As Prometheus writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric with all its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What tells its series apart.
    pub labels: &'static [&'static str],
    /// What it says, one sentence.
    pub help: &'static str,
}

macro_rules! families {
    ($($constant:ident, $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Family = Family {
                name: $name,
                kind: Kind::$kind,
                labels: &[$($label),*],
                help: $help,
            };
        )*

        /// Every metric, in the order in which they are told.
        pub const ALL: &[Family] = &[$($constant),*];
    };
}

families! {
    BUILD_INFO, "farcall_build_info", Gauge, ["version"], "Always 1; the version of the program as a label.";
    HTTP_REQUESTS, "farcall_http_requests_total", Counter, ["route", "status"], "Requests that were answered, by route and status.";
    HTTP_REQUEST_SECONDS, "farcall_http_request_duration_seconds", Histogram, ["route"], "Time to the head of the answer, by route.";
    AUTH_FAILURES, "farcall_auth_failures_total", Counter, ["reason"], "Requests that were not let in, by reason.";
    TOOL_CALLS, "farcall_tool_calls_total", Counter, ["tool", "outcome"], "Calls of tools that are over, by outcome.";
    TOOL_CALL_SECONDS, "farcall_tool_call_duration_seconds", Histogram, ["tool"], "How long calls of tools took.";
    FILE_SENT_BYTES, "farcall_file_sent_bytes_total", Counter, [], "Bytes of files that this process sent to callers.";
    FILE_WRITTEN_BYTES, "farcall_file_written_bytes_total", Counter, [], "Bytes of files that jobs have finished in this process.";
    STORE_UP, "farcall_store_up", Gauge, [], "Whether the job store answers.";
    JOBS, "farcall_jobs", Gauge, ["state"], "Jobs in the store that have not expired, by state; of all processes that share it.";
    JOB_QUEUE_AGE, "farcall_job_queue_oldest_age_seconds", Gauge, [], "For how long the queued job that waits longest could have been begun; 0 where none waits.";
    JOB_ATTEMPTS, "farcall_job_attempts_total", Counter, ["kind", "outcome"], "Attempts at jobs that ended in this process, by what they came to.";
    JOB_STAGE_SECONDS, "farcall_job_stage_duration_seconds", Histogram, ["kind", "stage"], "How long stages took that were finished in this process.";
    WORKER_CAPACITY, "farcall_worker_capacity", Gauge, [], "How many jobs this process runs at once; 0 where it runs none.";
    WORKER_RUNNING, "farcall_worker_running", Gauge, [], "How many jobs this process runs.";
    CHILDREN_RUNNING, "farcall_children_running", Gauge, [], "Programs of others that this process runs: for tools, jobs, stages and mounted servers.";
    CHILDREN_STARTED, "farcall_children_started_total", Counter, ["outcome"], "Programs that were started, and those that could not be.";
    CHILDREN_ENDED, "farcall_children_ended_total", Counter, ["how"], "Programs that have ended, by how.";
    PROCESS_CPU, "process_cpu_seconds_total", Counter, [], "Processor time of this process, without its children.";
    PROCESS_MEMORY, "process_resident_memory_bytes", Gauge, [], "Memory of this process, without its children.";
    PROCESS_FILES, "process_open_fds", Gauge, [], "Open files and sockets of this process.";
    PROCESS_MAX_FILES, "process_max_fds", Gauge, [], "How many files and sockets this process may have open.";
    PROCESS_START, "process_start_time_seconds", Gauge, [], "When this process began, in seconds since 1970.";
}

/// What the labels may say, in words, for the reference.
pub const LABELS: &[(&str, &str)] = &[
    (
        "how",
        "`exited` with status 0; `failed` with another, or by a signal that nobody here sent; `stopped` when told to; `killed` because it did not; `expired` because nobody renewed its lease; `unknown` where its shim is gone, or nobody waited for its end",
    ),
    (
        "kind",
        "the name of a job that this server offers, or has offered since it began; `job` is what Prometheus calls whom it asks",
    ),
    (
        "outcome",
        "of calls: `ok`; `failed` where the tool says so, was called wrongly, or needs what its client lacks, `internal` where a fault is behind that, `timeout`, `refused` before it began, `abandoned` by its caller, `input_required` where the caller is asked first. Of attempts: `succeeded`, `failed`, `timeout`, `cancelled`, `retried` after an error, `handed_back` unfinished, `lost` to another worker. Of starts: `started` or `failed`",
    ),
    (
        "reason",
        "`missing` where no credential was sent, `wrong` where it is none here, `insufficient` where its caller may not do this, `throttled` after too many wrong ones, `link` where a link opens nothing, `expired` where its time is up, `unavailable` where it could not be verified",
    ),
    (
        "route",
        "`/mcp`, `/files`, `/admin`, `/metrics`, `/readyz`, `/healthz` (with `/health`), `/.well-known`, `/llms.txt`; `other` for all else",
    ),
    ("stage", "the name of a stage, as the job declares it"),
    ("state", "`queued`, `running`, `succeeded` or `failed`"),
    (
        "status",
        "the status of HTTP; `other` for those that the server does not give by itself",
    ),
    (
        "tool",
        "the name of a tool that this server offers; `(none)` for calls of others",
    ),
    ("version", "the version of farcall"),
];
