//! A PostgreSQL server for tests.
//!
//! [`Cluster::start`] makes a cluster in a temporary folder and runs a server on it, which ends
//! with the value or with the process, however that ends. Where the tests run as root the server
//! runs as the user `postgres`, because it refuses to be root. A [`Proxy`] is the network to it.
//! [`free_port`] is for any server that has to be told where to listen.

#![expect(clippy::missing_panics_doc, reason = "whatever fails fails the test")]

mod port;
mod proxy;
mod standby;

use std::{
    env, fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

pub use self::{port::free_port, proxy::Proxy};

/// How to get what this needs.
const INSTALL: &str = "install PostgreSQL with `apt-get install -y postgresql-15`";

/// The password of the user `postgres` over TCP; the socket wants none.
pub const PASSWORD: &str = "known-to-tests-only";

/// What survives the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Commits wait for the disk, as they should.
    Disk,
    /// Nothing waits: right for tests that do not end the server.
    None,
}

/// A server with a cluster of its own.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    durability: Durability,
    port: u16,
    // Stops the server and removes the folder when its input ends.
    keeper: Child,
}

impl Cluster {
    /// Starts a server.
    pub fn start(durability: Durability) -> Self {
        let programs = programs();
        let folder = new_folder();
        let data = folder.join("data");
        let password = folder.join("password");
        fs::File::create_new(&password)
            .and_then(|mut file| file.write_all(PASSWORD.as_bytes()))
            .expect("a file in a new folder can be written");
        done(
            server_command(&programs.join("initdb"))
                .args(["--no-sync", "--username=postgres", "--encoding=UTF8"])
                .args(["--locale=C.UTF-8", "--auth-local=trust"])
                .arg("--auth-host=scram-sha-256")
                .arg(format!("--pwfile={}", password.display()))
                .arg(&data),
        );
        // The keeper comes first, so that a server never lives without one.
        let keeper = keeper(&programs, &folder);
        let port = serve(&programs, &folder, durability);
        Self {
            programs,
            folder,
            durability,
            port,
            keeper,
        }
    }

    /// The address of a database by the server's socket.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/{database}", self.port)
    }

    /// Makes a database.
    pub fn create_database(&self, name: &str) {
        done(
            server_command(&self.programs.join("createdb"))
                .arg("--host")
                .arg(&self.folder)
                .arg(format!("--port={}", self.port))
                .args(["--username=postgres", name]),
        );
    }

    /// Makes a database that nobody named, and returns its address by the server's socket.
    pub fn new_database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("new_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.create_database(&name);
        self.url(&name)
    }

    /// The address of a database by TCP at `server`, which may be something that stands before
    /// the [server itself](Self::server).
    pub fn tcp_url(&self, server: SocketAddr, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@{server}/{database}")
    }

    /// Where the server listens.
    pub fn server(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// A program that comes with the server, such as `pgbench`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Ends the server as a loss of power would, and starts it again. Returns when it answers.
    pub fn crash(&self) {
        let how = ["restart", "--silent", "--wait", "--mode=immediate"];
        done(self.control(&how).arg("--log").arg(self.folder.join("log")));
    }

    /// Ends the server as a loss of power would.
    pub fn stop(&self) {
        done(&mut self.control(&["stop", "--silent", "--wait", "--mode=immediate"]));
    }

    /// Starts a server that was stopped, at the same port. Returns when it answers.
    pub fn start_again(&self) {
        let started = start(&self.programs, &self.folder, self.durability, self.port);
        assert!(started, "the PostgreSQL server does not start again");
    }

    fn control(&self, how: &[&str]) -> Command {
        let mut command = server_command(&self.programs.join("pg_ctl"));
        command
            .args(how)
            .arg("--pgdata")
            .arg(self.folder.join("data"));
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// The folder of the server's programs: in the `PATH`, or where Debian has them, newest first.
fn programs() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).collect::<Vec<_>>();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut debian: Vec<_> = debian.flatten().map(|folder| folder.path()).collect();
    debian.sort_by_key(|folder| {
        let name = folder.file_name().and_then(|name| name.to_str());
        std::cmp::Reverse(name.and_then(|name| name.parse::<u32>().ok()))
    });
    let debian = debian.into_iter().map(|folder| folder.join("bin"));
    in_path
        .into_iter()
        .chain(debian)
        .find_map(|folder| {
            // The others are where a link to one of them leads.
            let initdb = fs::canonicalize(folder.join("initdb")).ok()?;
            initdb.parent().map(Path::to_owned)
        })
        .unwrap_or_else(|| panic!("there is no PostgreSQL server here; {INSTALL}"))
}

/// A folder that the server's user owns. Its path is short, because that of a socket has to be.
fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("farcall-pg-{}-{number}", std::process::id());
    let folder = env::temp_dir().join(name);
    // Of a process with the same number that could not clear up.
    let _ = fs::remove_dir_all(&folder);
    done(
        server_command(Path::new("mkdir"))
            .arg("--mode=0755")
            .arg(&folder),
    );
    folder
}

/// A command that runs as somebody whom the server accepts.
fn server_command(program: &Path) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ]);
        command.arg(program);
        command
    } else {
        Command::new(program)
    };
    // Whoever runs the tests may stand in a folder that the server's user cannot read.
    command.current_dir("/").env_remove("PGDATA");
    command
}

fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; {INSTALL}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn keeper(programs: &Path, folder: &Path) -> Child {
    const KEEP: &str = "
        cat >/dev/null
        \"$0/pg_ctl\" stop --silent --mode=immediate --pgdata \"$1/data\" >/dev/null 2>&1
        rm -rf \"$1\"";
    server_command(Path::new("sh"))
        .args(["-c", KEEP])
        .arg(programs)
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // What ends the tests from a terminal must not end it.
        .process_group(0)
        .spawn()
        .expect("a shell can be started")
}

/// Starts the server and returns its port.
fn serve(programs: &Path, folder: &Path, durability: Durability) -> u16 {
    const TRIES: u32 = 5;
    for _ in 0..TRIES {
        let port = free_port();
        // Somebody else may have taken it.
        if start(programs, folder, durability, port) {
            return port;
        }
    }
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    panic!("the PostgreSQL server does not start: {log}");
}

/// Starts the server at `port`; whether it answers.
fn start(programs: &Path, folder: &Path, durability: Durability, port: u16) -> bool {
    let sync = match durability {
        Durability::Disk => "on",
        Durability::None => "off",
    };
    let options = format!(
        "-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} \
         -c fsync={sync} -c full_page_writes={sync} -c max_connections=300 \
         -c shared_buffers=32MB",
        folder.display()
    );
    let started = server_command(&programs.join("pg_ctl"))
        .args(["start", "--silent", "--wait", "--pgdata"])
        .arg(folder.join("data"))
        .arg("--log")
        .arg(folder.join("log"))
        .args(["--options", &options])
        .stdin(Stdio::null())
        .status();
    started.is_ok_and(|status| status.success())
}
