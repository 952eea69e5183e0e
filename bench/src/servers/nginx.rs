//! nginx as it comes, with `sendfile`, one worker and no access log.

use std::{fs, path::Path};

use anyhow::Result;

use super::{On, Server};
use crate::setup::Setup;

/// nginx, serving the files of `root` at `/`.
pub(crate) fn nginx(setup: &Setup, on: On, root: &Path) -> Result<Server> {
    Server::start(setup.nginx(), on, |command, port, folder| {
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(port, folder, root))?;
        command
            .arg("-p")
            .arg(folder)
            .arg("-e")
            .arg("stderr")
            .arg("-c")
            .arg(file);
        Ok(())
    })
}

fn configuration(port: u16, folder: &Path, root: &Path) -> String {
    let (folder, root) = (folder.display(), root.display());
    // Started by root, its worker would be somebody who may not read these files.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    format!(
        "daemon off;
{user}
worker_processes 1;
pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  default_type application/octet-stream;
  client_body_temp_path {folder}/client_body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /healthz {{ return 200 '{{\"ok\": true}}'; }}
    location / {{ root {root}; }}
  }}
}}
"
    )
}
