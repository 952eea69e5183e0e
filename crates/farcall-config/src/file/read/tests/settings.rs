//! What a file says in the place of variables, and who wins over it.

use super::*;
use crate::{Config, Role, variables};

fn config(file: &str, pairs: &[(&str, &str)]) -> Config {
    let desk = Desk::new();
    let (project, _) = desk
        .read(file.as_bytes())
        .map_err(|_| desk.report(file))
        .unwrap();
    let mut source = Source::from_pairs(pairs.iter().copied());
    source.set_file(&project.settings);
    Config::read(&source).unwrap()
}

const FILE: &str = "[server]\nhost = \"localhost\"\nport = 9001\nrole = \"all\"\nslots = { gpu = 2 }\n\
                    data_dir = \"state\"\nallowed_hosts = [\"A.example\", \"b.example\"]\ndrain = \"2m\"\n";

#[test]
fn a_file_says_what_nobody_else_said() {
    let config = config(FILE, &[]);
    assert_eq!(
        (config.http.host.as_str(), config.http.port),
        ("localhost", 9001)
    );
    assert_eq!(config.http.allowed_hosts, ["a.example", "b.example"]);
    assert_eq!((config.jobs.role, config.jobs.slots["gpu"]), (Role::All, 2));
    assert_eq!(config.jobs.drain.as_secs(), 120);
    assert!(config.storage.data_dir.is_absolute() && config.storage.data_dir.ends_with("state"));
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = config(FILE, &[("MCP_PORT", "1"), ("FARCALL_DATA_DIR", "there")]);
    assert_eq!(config.http.port, 1);
    assert_eq!(config.storage.data_dir, Path::new("there"));
}

#[test]
fn the_port_of_a_hosted_runtime_wins_over_the_file() {
    assert_eq!(config(FILE, &[("PORT", "3000")]).http.port, 3000);
}

#[test]
fn every_setting_stands_behind_a_variable_and_every_variable_of_a_server_has_a_key() {
    let keys = server::SERVER
        .keys()
        .filter_map(|key| Some(key.variable?.name));
    let keys: Vec<_> = keys.collect();
    // The first is another program's name for a port, the next is the clients', one is for whoever compares
    // the two ways, and the last are the environment's for every program.
    let apart = [
        "PORT",
        "FARCALL_TOKEN",
        "FARCALL_PLAIN_CALLS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_SERVICE_NAME",
    ];
    for variable in variables::ALL {
        assert_ne!(
            keys.contains(&variable.name),
            apart.contains(&variable.name),
            "{}",
            variable.name
        );
    }
}
