//! The server of this machine: who listens at its port, whether it is alive and ready.

use std::{
    io,
    time::{Duration, Instant},
};

use farcall_config::{Config, Role};
use http::StatusCode;
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{
    super::{
        asked,
        finding::{Chart, Finding},
    },
    Machine,
};

/// How long one step may take; nothing here leaves the machine.
const STEP: Duration = Duration::from_secs(5);

/// Where this machine reaches its server, such as `http://127.0.0.1:8900`.
pub(in crate::verbs::doctor) fn local_url(config: &Config) -> String {
    format!("http://{}", crate::verbs::deploy::upstream(config))
}

/// Whether a server is there, whatever it is ready for.
pub(super) async fn look(machine: &Machine, service: Option<&str>, chart: &mut Chart) -> bool {
    let config = &machine.config;
    if config.jobs.role == Role::Worker {
        let said = "a worker answers no callers, so nobody listens for it; whether it runs says /readyz of a server of the same database";
        chart.add(Finding::unverified("port", said));
        return false;
    }
    if config.http.port == 0 {
        chart.add(Finding::unverified(
            "port",
            "the port is chosen at each start, so it is not known which one to ask",
        ));
        return false;
    }
    let place = crate::verbs::deploy::upstream(config);
    let start = match service {
        Some(unit) => format!("systemctl --user start {unit}"),
        None => machine.start.clone(),
    };
    // Asked before anybody is called there: whatever answers at an address of another machine is not this server.
    if !is_own(&config.http.host).await {
        chart.add(of_another_machine(&config.http.host, &place));
        return false;
    }
    if let Err(error) = connected(&place).await {
        chart.add(unreachable(machine, &place, &start, &error).await);
        return false;
    }
    chart.add(Finding::ok(
        "port",
        format!("somebody listens at `{place}`"),
    ));
    let url = local_url(config);
    let asked_at = Instant::now();
    let alive = asked::get(&format!("{url}/healthz"), STEP).await;
    let finding = match &alive {
        Ok(answer) if answer.is_alive() => {
            Finding::ok("health", format!("`{url}/healthz` is alive"))
        }
        Ok(answer) => foreign(
            &format!(
                "`{url}/healthz` answers {}, and not as a server of farcall does",
                answer.status
            ),
            &place,
        ),
        Err(_) if asked_at.elapsed() >= STEP => {
            let said = format!(
                "`{url}/healthz` answers nothing within {} seconds",
                STEP.as_secs()
            );
            Finding::broken("health", said)
                .cause("what has the port takes connections and answers none: the server hangs, or it is another program")
                .remedy(format!("look into its log, and start it again; ss -ltnp | grep {place} shows which program it is"))
        }
        Err(error) => foreign(
            &format!("`{url}/healthz` gives no HTTP answer: {error}"),
            &place,
        ),
    };
    chart.add(finding);
    if !alive.is_ok_and(|answer| answer.is_alive()) {
        return false;
    }
    chart.add(readiness(&url).await);
    true
}

async fn connected(place: &str) -> io::Result<()> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    let stream = timeout(STEP, TcpStream::connect(place))
        .await
        .map_err(late)?;
    stream.map(drop)
}

/// Whether a server could listen there; a name that nobody knows is told of where it is connected to.
async fn is_own(host: &str) -> bool {
    let bound = TcpListener::bind((host.trim_matches(['[', ']']), 0)).await;
    !bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}

fn of_another_machine(host: &str, place: &str) -> Finding {
    Finding::broken(
        "port",
        format!("no server of this machine can listen at `{place}`"),
    )
    .cause(format!(
        "`MCP_HOST` is `{host}`, which is no address of this machine"
    ))
    .remedy("set MCP_HOST=127.0.0.1")
}

/// Why nobody answers: nobody is there, or nobody can be.
async fn unreachable(machine: &Machine, place: &str, start: &str, error: &io::Error) -> Finding {
    let (host, port) = (
        machine.config.http.host.trim_matches(['[', ']']),
        machine.config.http.port,
    );
    let said = format!("nobody listens at `{place}`: {error}");
    let finding = Finding::broken("port", said);
    match TcpListener::bind((host, port)).await {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => finding
            .cause(format!(
                "ports below 1024 are for root, and `MCP_PORT` is `{port}`"
            ))
            .remedy("leave MCP_PORT at 8900, and let the proxy or the tunnel have the other one"),
        _ => finding
            .cause("the server does not run, or on another port than the configuration here says")
            .remedy(format!("{start}; then curl -s http://{place}/healthz")),
    }
}

fn foreign(said: &str, place: &str) -> Finding {
    Finding::broken("health", said)
        .cause("another program has the port, so the server could not start there")
        .remedy(format!("ss -ltnp | grep {place} shows which; stop it, or set another MCP_PORT here and in what stands in front"))
}

async fn readiness(url: &str) -> Finding {
    const CHECK: &str = "readiness";
    let answer = match asked::get(&format!("{url}/readyz"), STEP).await {
        Ok(answer) => answer,
        Err(error) => {
            return Finding::broken(CHECK, format!("`{url}/readyz` gives no answer: {error}"))
                .cause("the server hangs")
                .remedy("look into its log, and start it again");
        }
    };
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match answer.status {
        StatusCode::OK if body["workers"] == false => Finding::warning(
            CHECK,
            "the server is ready, and there are jobs that no process runs at this moment",
        )
        .cause("FARCALL_ROLE is `api` here, and no worker for them is up")
        .remedy("start a worker: FARCALL_ROLE=worker, with the same database and place of files"),
        StatusCode::OK => Finding::ok(
            CHECK,
            format!("`{url}/readyz` says that jobs can be taken in and files kept"),
        ),
        StatusCode::NOT_FOUND => Finding::unverified(
            CHECK,
            format!("`{url}/readyz` is not there; this is no server of farcall"),
        ),
        status => {
            let failing = body["failing"].as_str().unwrap_or("unknown");
            let finding = Finding::broken(
                CHECK,
                format!("`{url}/readyz` answers {status}: the check `{failing}` fails"),
            );
            match failing {
                "disk" => finding.cause("there is too little room where jobs write").remedy("make room; FARCALL_MIN_FREE is the limit"),
                "store" => finding.cause("the job store does not answer").remedy("see `store` above, and the server's log"),
                "artifacts" => finding.cause("the place of the files takes none in").remedy("see `artifacts` above, and the server's log"),
                "worker" => finding.cause("this process has lost its lease as a worker, as after a long pause of the machine").remedy("start the server again"),
                "stopping" => finding.cause("the server was told to stop").remedy("wait until it has, and start it again"),
                _ => finding.cause("the server cannot take jobs in").remedy("look into its log"),
            }
        }
    }
}
