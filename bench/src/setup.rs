//! Installs the peers, and builds the servers.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

/// Where everything is that takes part.
pub(crate) struct Setup {
    /// The folder of the repository.
    pub(crate) root: PathBuf,
    /// The folder of the built programs.
    built: PathBuf,
    nginx: PathBuf,
}

impl Setup {
    pub(crate) fn prepare(as_built: bool) -> Result<Self> {
        if cfg!(debug_assertions) {
            bail!("this is a debug build; run `cargo run --release -p farcall-bench`");
        }
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).canonicalize()?;
        let program = std::env::current_exe()?;
        let built = program.parent().context("this program is in no folder")?;
        let mut setup = Self {
            built: built.to_owned(),
            nginx: PathBuf::new(),
            root,
        };
        if !as_built {
            setup.install()?;
            setup.build()?;
        }
        setup.nginx = find_nginx();
        for peer in [
            &setup.python(),
            &setup.queues_python(),
            &setup.mcp_proxy(),
            &setup.supergateway(),
            &setup.nginx,
        ] {
            ensure!(peer.exists(), "a peer is missing: {}", peer.display());
        }
        Ok(setup)
    }

    fn install(&self) -> Result<()> {
        let mut install = Command::new("bash");
        install.arg(self.root.join("peers/install")).arg("--bench");
        succeed(&mut install, "peers/install --bench")
    }

    /// All at once, so that shared crates are built once.
    fn build(&self) -> Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build
            .current_dir(&self.root)
            .args(["build", "--release", "--bins"])
            .args([
                "-p",
                "example-mcp-server",
                "-p",
                "farcall",
                "-p",
                "farcall-bench",
            ]);
        succeed(&mut build, "cargo build --release")
    }

    /// A program of this workspace.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.built.join(name)
    }

    /// The Python that has the MCP SDK 1.x.
    pub(crate) fn python(&self) -> PathBuf {
        self.root.join("target/peers/py-mcp1/bin/python")
    }

    /// The Python that has the job queues.
    pub(crate) fn queues_python(&self) -> PathBuf {
        self.root.join("target/peers/py-queues/bin/python")
    }

    /// mcp-proxy of PyPI.
    pub(crate) fn mcp_proxy(&self) -> PathBuf {
        self.root.join("target/peers/py-gateways/bin/mcp-proxy")
    }

    /// supergateway of npm.
    pub(crate) fn supergateway(&self) -> PathBuf {
        self.root
            .join("target/peers/gateways/node_modules/.bin/supergateway")
    }

    /// The folder with the Node that runs it.
    pub(crate) fn node(&self) -> PathBuf {
        self.root.join("target/peers/runtime/node_modules/.bin")
    }

    pub(crate) fn nginx(&self) -> &Path {
        &self.nginx
    }
}

/// Debian keeps nginx where an ordinary user's PATH does not look.
fn find_nginx() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from))
        .map(|folder| folder.join("nginx"))
        .find(|nginx| nginx.exists())
        .unwrap_or_else(|| "nginx".into())
}

fn succeed(command: &mut Command, name: &str) -> Result<()> {
    // What it says is talk; our own standard output is the table.
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("`{name}` does not start"))?;
    ensure!(status.success(), "`{name}` failed");
    Ok(())
}

/// The first line that a program says about its version.
pub(crate) fn version_of(command: &mut Command) -> Result<String> {
    let output = command.output().context("a version cannot be asked for")?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Ok(said.lines().next().unwrap_or_default().trim().to_owned())
}
