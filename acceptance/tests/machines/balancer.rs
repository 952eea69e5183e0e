//! nginx in front of the replicas, with the configuration of the guide.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
};

use farcall_acceptance::{Process, wait::until};
use farcall_testpg::free_port;

const GUIDE: &str = include_str!("../../../docs/guide/scale-out.md");

/// A balancer that runs until it is dropped.
pub(crate) struct Balancer {
    process: Process,
    address: SocketAddr,
}

impl Balancer {
    /// Starts nginx, with its files in `folder`, in front of what listens at `ports`.
    pub(crate) async fn start(folder: &Path, ports: &[u16]) -> Self {
        fs::create_dir(folder).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(folder, address, ports)).unwrap();
        let mut command = Command::new("nginx");
        command
            // Debian keeps it where an ordinary user's PATH does not look.
            .env("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")
            .arg("-p")
            .arg(folder)
            .args(["-e", "stderr"])
            .arg("-c")
            .arg(file);
        let mut balancer = Self {
            process: Process::spawn(&mut command),
            address,
        };
        until("nginx", async || {
            let ended = balancer.process.ended();
            assert!(ended.is_none(), "{ended:?}: {}", balancer.process.stderr());
            std::net::TcpStream::connect(address).ok()
        })
        .await;
        balancer
    }

    /// Where clients find the servers.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// What the guide says, with the addresses of this test, and what Debian's own file says around it.
fn configuration(folder: &Path, address: SocketAddr, ports: &[u16]) -> String {
    let (_, block) = GUIDE.split_once("```nginx\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let mut written = String::new();
    let mut replicas = ports.iter();
    for line in block.lines() {
        let line = match line.trim() {
            server if server.starts_with("server 127.0.0.1:") => {
                // As many as the test has, in the place of the guide's.
                let (_, how) = server.split_once(' ').unwrap().1.split_once(' ').unwrap();
                let server = |port| format!("server 127.0.0.1:{port} {how}\n");
                written.extend(replicas.by_ref().map(server));
                continue;
            }
            "listen 127.0.0.1:8080;" => format!("listen {address};"),
            _ => line.to_owned(),
        };
        written.push_str(&line);
        written.push('\n');
    }
    assert!(written.contains(&format!("listen {address};")), "{written}");
    assert!(replicas.next().is_none(), "{written}");
    // Started by root, its workers would be somebody who may not write here.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let folder = folder.display();
    format!(
        "daemon off;
# So that nothing is left of it when it is killed.
master_process off;
{user}
pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{
access_log off;
client_body_temp_path {folder}/client_body;
proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi;
{written}
}}
"
    )
}
