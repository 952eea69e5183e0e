//! Where the files of jobs are kept.

use super::{
    super::finding::{Chart, Finding},
    Machine,
};
use crate::running::open;

const CHECK: &str = "artifacts";

pub(super) async fn look(machine: &Machine, chart: &mut Chart) {
    let storage = &machine.config.storage;
    let Some(place) = &storage.artifacts else {
        chart.add(Finding::ok(CHECK, "files are kept in the data folder"));
        return;
    };
    let host = place.url.host_str().unwrap_or_default();
    let shown = format!("{}://{host}{}", place.url.scheme(), place.url.path());
    // A small object is written there and taken away again, as readiness does it.
    chart.add(match open::open_artifacts(storage).await {
        Ok(_) => Finding::ok(CHECK, format!("`{shown}` takes files in")),
        Err(failure) => Finding::broken(
            CHECK,
            format!("`{shown}` takes no file in: {}", failure.message),
        )
        .cause("the place is away, is not there, or does not take these credentials")
        .remedy(
            failure
                .hint
                .unwrap_or_else(|| "correct FARCALL_ARTIFACTS_URL".to_owned()),
        ),
    });
}
