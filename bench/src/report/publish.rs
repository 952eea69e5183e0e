//! Says it: on standard output, and in `docs/benchmarks.md`.

use std::fs;

use anyhow::{Context, Result};

use super::{Report, Unit, table::table};
use crate::options::Options;

const HOW: &str = "\
Every contestant is measured once in every round, by turns; a number is the median of the rounds, \
`result` is the median of the ratios of single rounds, and `rounds` says where the middle half of \
these ratios lies. A measurement is disturbed where other processes took more than 8 % of a core, or where a \
fixed piece of work before or after it took 15 % longer than at best, as it does when something \
outside of the machine slows it. It is repeated when the machine is quiet again, at most four \
times, and the least disturbed one counts; `disturbed` is in how many rounds even that one was. \
Such rounds are left out where at least three others remain. \
Each server runs on one core, the load generator on another (raw keep-alive connections \
that send the same bytes again when an answer is complete); footprint, start and idle are \
measured without such limits. Requests carry a bearer token; farcall and the guide's server check \
it. farcall runs with its defaults: Host and Origin guard, bearer check, limits (one client stands \
for many callers, so 1,000,000,000 calls a second are the limit of each), validation of \
arguments and results; its log is at `info`, which has no line per request.

- **bare axum** parses the body with serde_json and answers, without any MCP, and with the \
allocator of the example server (mimalloc): the limit.
- **plain rmcp** is the official SDK, stateless, with JSON answers, one handler behind an `Arc` \
and TCP_NODELAY, with the system's allocator and nothing around it.
- **guide** is the guide's Python server with a session for each connection.
- **nginx** has one worker, `sendfile` and no access log, and serves the very files that a \
farcall job wrote.
- **farcall** is the example server; for `tools/list` a server with 200 tools, for files and jobs \
one whose job writes a file.
";

impl Report {
    /// Prints the tables or the JSON; a complete run also renews the document.
    pub(crate) fn publish(&self, options: &Options) -> Result<()> {
        if options.json {
            println!("{}", serde_json::to_string_pretty(self)?);
        } else {
            println!("{}\n{}", self.table(), self.details_table());
            println!("{}, {}", self.date, self.machine);
            println!("{}", self.versions.join(", "));
        }
        if options.is_complete() {
            let folder = self.file.parent().context("the document is in no folder")?;
            fs::create_dir_all(folder)?;
            fs::write(&self.file, self.document())?;
            eprintln!("written to {}", self.file.display());
        }
        Ok(())
    }

    fn document(&self) -> String {
        format!(
            "# Benchmarks\n\n\
             Measured on {} on {}, with {}, by\n\n    {}\n\n\
             which installs the peers, builds everything, measures, and writes this file. It fails \
             where a floor is not met.\n\n\
             ## Goals\n\n{}\n## What the servers did\n\n{}\n## How\n\n{HOW}",
            self.date,
            self.machine,
            self.versions.join(", "),
            self.command,
            self.table(),
            self.details_table(),
        )
    }

    fn table(&self) -> String {
        let head = [
            "#", "what", "farcall", "beside", "result", "rounds", "floor", "goal", "verdict",
        ];
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                [
                    row.id.to_owned(),
                    row.what.clone(),
                    row.ours.clone(),
                    row.beside.clone(),
                    row.result.clone(),
                    row.rounds.clone(),
                    row.floor.clone(),
                    row.goal.clone(),
                    row.verdict.to_string(),
                ]
            })
            .collect();
        table(head, &rows)
    }

    fn details_table(&self) -> String {
        let head = [
            "what",
            "server",
            "answers",
            "bytes",
            "p50",
            "p99",
            "RSS",
            "server busy",
            "load busy",
            "others busy",
            "disturbed",
        ];
        let rows: Vec<_> = self
            .details
            .iter()
            .map(|detail| {
                [
                    detail.what.clone(),
                    detail.server.to_owned(),
                    Unit::PerSecond.show(detail.per_second),
                    Unit::MegabytesPerSecond.show(detail.megabytes_per_second),
                    Unit::Microseconds.show(detail.p50_microseconds),
                    Unit::Microseconds.show(detail.p99_microseconds),
                    Unit::Mebibytes.show(detail.resident_bytes as f64),
                    Unit::Share.show(detail.server_busy),
                    Unit::Share.show(detail.load_busy),
                    Unit::Share.show(detail.others_busy),
                    detail.disturbed_rounds.clone(),
                ]
            })
            .collect();
        table(head, &rows)
    }
}
