//! Somebody who follows a page, in an empty folder.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use farcall_acceptance::wait::until;
use farcall_testpg::free_port;
use tempfile::TempDir;

use crate::{
    reading::Part,
    repository,
    seen::fits,
    shell::{Environment, Shell, Staying},
};

/// The ports that pages show. Each stands for one of the page's own, which are `$PORT_1`, `$PORT_2`, … for what
/// pages prepare.
pub(crate) const PORTS: [&str; 4] = ["8900", "9000", "8080", "9100"];

/// What marks the address in the banner of a server.
const ADDRESS: &str = "  mcp      http://127.0.0.1";

/// Where programs are looked for, behind our own.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The workspace is built already, and its programs are in the PATH.
const CARGO: &str = "#!/bin/sh
case \"$1\" in
build) ln -sfn \"$BUILT\" target/release 2>/dev/null || { mkdir -p target && ln -sfn \"$BUILT\" target/release; }; exit ;;
run) shift ;;
*) echo \"error: cargo $1 is nothing for a test\" >&2; exit 2 ;;
esac
while [ $# -gt 0 ]; do
  case \"$1\" in
  --release | --quiet | --locked) shift ;;
  -p | --package) name=$2; shift 2 ;;
  --) shift; break ;;
  *) break ;;
  esac
done
exec \"$BUILT/$name\" \"$@\"
";

/// A reader at work.
pub(crate) struct Session {
    // Ends before the folder that it is in.
    shell: Shell,
    server: Option<Staying>,
    environment: Environment,
    ports: [u16; PORTS.len()],
    /// Where the shell is.
    folder: PathBuf,
    /// How many signs were typed: commands, and what was changed in files that were there.
    pub(crate) typed: usize,
    root: TempDir,
}

impl Session {
    /// A reader in front of an empty folder, who has ports of their own.
    pub(crate) fn new() -> Self {
        let root = farcall_acceptance::scratch(env!("CARGO_TARGET_TMPDIR"));
        let [home, bin, notes, tmp] =
            ["home", "bin", "notes", "tmp"].map(|name| root.path().join(name));
        for folder in [&home, &bin, &notes, &tmp] {
            fs::create_dir(folder).unwrap();
        }
        let cargo = bin.join("cargo");
        fs::write(&cargo, CARGO).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        let ports = PORTS.map(|_| free_port());
        let built = built();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut environment = vec![
            ("BUILT", text(&built)),
            ("FARCALL_LINGER", "0s".to_owned()),
            ("FARCALL_LOG_FORMAT", "text".to_owned()),
            ("HOME", text(&home)),
            ("LANG", "C.UTF-8".to_owned()),
            ("MCP_PORT", ports[0].to_string()),
            (
                "PATH",
                format!("{}:{}:{PATH}", bin.display(), built.display()),
            ),
            ("PEERS", text(&peers())),
            ("REPOSITORY", text(&repository())),
            // A server tells of what another one has left in it when it was killed.
            ("TMPDIR", text(&tmp)),
            ("USER", "reader".to_owned()),
        ];
        let names = ["PORT_1", "PORT_2", "PORT_3", "PORT_4"];
        environment.extend(names.into_iter().zip(ports.map(|port| port.to_string())));
        Self {
            shell: Shell::open(&home, notes, &environment),
            server: None,
            environment,
            ports,
            folder: home,
            typed: 0,
            root,
        }
    }

    /// Does all of it, to the end.
    ///
    /// # Errors
    /// What was not as the page shows it.
    pub(crate) async fn follow(&mut self, parts: &[Part]) -> Result<(), String> {
        for part in parts {
            match part {
                Part::Prepared { command } => self.run(command, None, true).await?,
                Part::Scripted { text, shown } => {
                    self.typed += text.len();
                    self.run(text, shown.as_deref(), true).await?;
                }
                Part::Served { command, shown } => {
                    self.typed += command.len() + 1;
                    if self.server.is_some() {
                        let command = command.trim_end();
                        return Err(format!(
                            "`{command}` is typed while the server before it still runs; say `Ctrl-C` where that is stopped"
                        ));
                    }
                    self.serve(command, shown).await?;
                }
                Part::Stopped => self.stop().await?,
                Part::Typed { command, shown } => {
                    self.typed += command.len() + 1;
                    let shown = (!shown.is_empty()).then_some(shown.as_slice());
                    self.run(command, shown, false).await?;
                }
                Part::Written { name, text } => self.write(name, text),
            }
        }
        self.stop().await
    }

    /// Writes a file; of one that was there, only the lines that it did not have are typed.
    fn write(&mut self, name: &str, text: &str) {
        let path = self.folder.join(name);
        if let Ok(before) = fs::read_to_string(&path) {
            let had = |line: &&str| before.lines().any(|known| known == *line);
            let new = text.lines().filter(|line| !had(line));
            self.typed += new.map(|line| line.len() + 1).sum::<usize>();
        }
        fs::write(path, self.with_own_ports(text)).unwrap();
    }

    async fn run(
        &mut self,
        text: &str,
        shown: Option<&[String]>,
        has_to_be_well: bool,
    ) -> Result<(), String> {
        let typed = self.with_own_ports(text);
        let ended = self.shell.run(&typed, has_to_be_well).await;
        let ended = ended.map_err(|how| format!("`{}` {how}", text.trim_end()))?;
        self.folder = ended.folder;
        let printed = self.with_shown_ports(&ended.printed);
        let fails = shown.is_some_and(|shown| shown.iter().any(|line| line.contains("error: ")));
        if ended.is_well == fails {
            let how = if fails { "success" } else { "a failure" };
            return Err(format!(
                "`{}` ended with {how}:\n{printed}",
                text.trim_end()
            ));
        }
        let printed: Vec<_> = printed.lines().map(str::to_owned).collect();
        match shown {
            Some(shown) if !fits(shown, &printed) => Err(differs(text, shown, &printed)),
            _ => Ok(()),
        }
    }

    async fn serve(&mut self, command: &str, shown: &[String]) -> Result<(), String> {
        let typed = self.with_own_ports(command);
        let output = self.root.path().join("served");
        let server = Staying::start(&typed, &self.folder, output, &self.environment);
        let server = self.server.insert(server);
        // All of the banner is written at once, and its lines need not have come all.
        let printed = until("the banner of a server", async || {
            let printed = server.printed();
            if let Some(status) = server.ended() {
                return Some(Err(format!("`{command}` ended with {status}:\n{printed}")));
            }
            let is_up = printed.lines().any(|line| line.starts_with(ADDRESS));
            (is_up && printed.lines().count() >= shown.len()).then_some(Ok(printed))
        })
        .await?;
        let printed = self.with_shown_ports(&printed);
        let printed: Vec<_> = printed.lines().map(str::to_owned).collect();
        // What it logs comes after the banner, at its own time.
        let mut beginning = shown.to_vec();
        beginning.push("…".to_owned());
        if fits(&beginning, &printed) {
            return Ok(());
        }
        Err(differs(command, shown, &printed))
    }

    /// Ends the server that stays.
    async fn stop(&mut self) -> Result<(), String> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        let status = server.interrupt().await;
        if status.success() {
            return Ok(());
        }
        Err(format!(
            "the server ended with {status}:\n{}",
            server.printed()
        ))
    }

    fn with_own_ports(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (shown, own) in PORTS.iter().zip(self.ports) {
            text = text.replace(&format!(":{shown}"), &format!(":{own}"));
        }
        text
    }

    fn with_shown_ports(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (shown, own) in PORTS.iter().zip(self.ports) {
            text = text.replace(&format!(":{own}"), &format!(":{shown}"));
        }
        text
    }
}

/// The folder of the programs of this workspace, built with the same profile as this test.
fn built() -> PathBuf {
    let test = env::current_exe().unwrap();
    let built = test.parent().unwrap().parent().unwrap().to_owned();
    for program in ["farcall", "example-mcp-server"] {
        assert!(
            built.join(program).exists(),
            "`{program}` is missing; build it first: cargo build --workspace --bins"
        );
    }
    built
}

/// What `peers/install` filled; a relative `FARCALL_PEERS` is relative to the repository, as there.
fn peers() -> PathBuf {
    let chosen = env::var_os("FARCALL_PEERS").unwrap_or_else(|| "target/peers".into());
    repository().join(chosen)
}

fn differs(typed: &str, shown: &[String], printed: &[String]) -> String {
    let (shown, printed) = (shown.join("\n"), printed.join("\n"));
    let typed = typed.trim_end();
    format!("`{typed}` does not print what the page shows\n── page\n{shown}\n── printed\n{printed}")
}
