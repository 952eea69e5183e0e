//! The user services that `deploy systemd` writes: installed, running, kept running, there after a reboot.

use std::{collections::BTreeMap, env, path::Path, time::Duration};

use super::{
    super::{
        command,
        finding::{Chart, Finding},
    },
    Machine,
};
use farcall_server::connect::slug;

const CHECK: &str = "service";

/// How long the service manager may take for one answer.
const MANAGER: Duration = Duration::from_secs(5);

/// Looks at both units; the name of the server's, where it is installed.
pub(super) async fn look(machine: &Machine, chart: &mut Chart) -> Option<String> {
    let server = slug(&machine.name);
    let unit = match Unit::of(&server).await {
        Ok(unit) => unit,
        Err(reason) => {
            chart.add(
                Finding::unverified(CHECK, format!("there is no user manager of systemd to ask: {reason}"))
                    .remedy("in a container, let `restart: unless-stopped` keep it running (`deploy compose`); elsewhere, ask whatever keeps it running"),
            );
            return None;
        }
    };
    if !unit.is_installed() {
        chart.add(
            Finding::unverified(CHECK, format!("`{server}.service` is not installed as a user service, so nothing here starts the server again"))
                .remedy("`deploy systemd`, and the commands at the top of its file; or keep it running in another way"),
        );
        return None;
    }
    chart.add(unit.judged(true));
    let tunnel = format!("cloudflared-{server}");
    if let Ok(tunnel) = Unit::of(&tunnel).await
        && tunnel.is_installed()
    {
        chart.add(tunnel.judged(false));
    }
    chart.add(lingering().await);
    Some(format!("{server}.service"))
}

/// A unit, as its manager knows it.
struct Unit {
    name: String,
    properties: BTreeMap<String, String>,
}

impl Unit {
    async fn of(name: &str) -> Result<Self, String> {
        const ASKED: &str = "--property=LoadState,ActiveState,SubState,UnitFileState,Restart,NRestarts,NeedDaemonReload";
        let unit = format!("{name}.service");
        let answer = command::output(
            "systemctl",
            &["--user", "show", ASKED, "--", &unit],
            MANAGER,
        )
        .await;
        let answer = answer.map_err(|error| format!("systemctl: {error}"))?;
        if !answer.is_success {
            return Err(answer
                .stderr
                .lines()
                .next()
                .unwrap_or("systemctl fails")
                .to_owned());
        }
        let lines = answer
            .stdout
            .lines()
            .filter_map(|line| line.split_once('='));
        Ok(Self {
            name: unit,
            properties: lines
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }

    fn is(&self, property: &str, value: &str) -> bool {
        self.said(property) == value
    }

    fn said(&self, property: &str) -> &str {
        self.properties.get(property).map_or("", String::as_str)
    }

    fn is_installed(&self) -> bool {
        !self.is("LoadState", "not-found") && !self.is("LoadState", "")
    }

    fn judged(&self, is_server: bool) -> Finding {
        let name = &self.name;
        let what = if is_server {
            "the server"
        } else {
            "the tunnel"
        };
        let restarts = self.said("NRestarts").parse::<u64>().unwrap_or(0);
        if !self.is("LoadState", "loaded") {
            return Finding::broken(CHECK, format!("`{name}` cannot be loaded: {}", self.said("LoadState")))
                .cause("its file is faulty, or masked")
                .remedy(format!("systemd-analyze --user verify ~/.config/systemd/user/{name}, or write it anew with `deploy systemd --force`"));
        }
        if !self.is("ActiveState", "active") {
            let state = format!("{} ({})", self.said("ActiveState"), self.said("SubState"));
            return Finding::broken(CHECK, format!("`{name}` is {state}"))
                .cause(if restarts > 0 {
                    format!("{what} ends as soon as it is started, {restarts} times by now")
                } else {
                    format!("{what} was stopped, or never started")
                })
                .remedy(format!("journalctl --user -u {name} -n 50 says why; then systemctl --user restart {name}"));
        }
        if !self.is("UnitFileState", "enabled") {
            return Finding::broken(
                CHECK,
                format!("`{name}` runs, and is {}", self.said("UnitFileState")),
            )
            .cause("it does not start with the machine")
            .remedy(format!("systemctl --user enable {name}"));
        }
        if !self.is("Restart", "always") {
            return Finding::warning(CHECK, format!("`{name}` has Restart={}", self.said("Restart")))
                .cause(format!("{what} stays down when it ends in a way that this does not name"))
                .remedy("write Restart=always, as `deploy systemd` does, then systemctl --user daemon-reload");
        }
        if self.is("NeedDaemonReload", "yes") {
            return Finding::warning(
                CHECK,
                format!("the file of `{name}` is another one since it was read"),
            )
            .cause("what runs is what the file said before")
            .remedy(format!(
                "systemctl --user daemon-reload && systemctl --user restart {name}"
            ));
        }
        Finding::ok(
            CHECK,
            format!(
                "`{name}` runs, starts with the machine, and is started again whatever happens"
            ),
        )
    }
}

/// Whether services of this user run while nobody is logged in.
async fn lingering() -> Finding {
    const CHECK: &str = "linger";
    let user = command::output("id", &["-un"], MANAGER).await;
    let user = user.map(|answer| answer.stdout.trim().to_owned());
    let user = user.unwrap_or_else(|_| env::var("USER").unwrap_or_default());
    let answer = command::output(
        "loginctl",
        &["show-user", &user, "--property=Linger"],
        MANAGER,
    )
    .await;
    let said = answer.ok().and_then(|answer| match answer.stdout.trim() {
        "Linger=yes" => Some(true),
        "Linger=no" => Some(false),
        _ => None,
    });
    // loginctl knows of no user who is not logged in and does not linger.
    let is_kept = said.unwrap_or_else(|| Path::new("/var/lib/systemd/linger").join(&user).exists());
    if is_kept {
        Finding::ok(CHECK, format!("services of `{user}` run without a log-in"))
    } else {
        Finding::broken(CHECK, format!("services of `{user}` end when the last log-in does, and do not start with the machine"))
            .cause("user services live as long as a session, unless the user lingers")
            .remedy("loginctl enable-linger \"$USER\"")
    }
}
