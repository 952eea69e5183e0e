//! How a server starts, or why it does not.

mod matrix;
mod refusals;
mod report;

use farcall::{App, Exit};
use farcall_cli::{Failure, Ready};
use farcall_config::{Config, Source};

/// Why `app` does not start in this environment, on a free port unless it says otherwise.
async fn failure(app: App, environment: &[(&str, &str)]) -> Failure {
    let folder = tempfile::tempdir().unwrap();
    let defaults = [
        ("MCP_PORT", "0"),
        ("FARCALL_DATA_DIR", folder.path().to_str().unwrap()),
    ];
    let pairs = defaults.iter().chain(environment).copied();
    let config = Config::read(&Source::from_pairs(pairs)).unwrap();
    match Ready::prepare(app, &config).await {
        Ok(_) => panic!("it starts"),
        Err(failure) => {
            assert_eq!(failure.exit, Exit::Usage, "{failure}");
            failure
        }
    }
}
