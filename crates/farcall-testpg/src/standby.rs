//! A second server that can take the place of the first.

use crate::{Cluster, done, keeper, new_folder, serve, server_command};

impl Cluster {
    /// Starts a server that follows this one. From now on no commit is answered before both have
    /// it, so that whatever was answered is there when the other is [promoted](Self::promote).
    pub fn standby(&self) -> Self {
        let folder = new_folder();
        done(
            server_command(&self.program("pg_basebackup"))
                .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
                .arg("--pgdata")
                .arg(folder.join("data"))
                .arg("--host")
                .arg(&self.folder)
                .arg(format!("--port={}", self.port))
                .arg("--username=postgres"),
        );
        let keeper = keeper(&self.programs, &folder);
        let port = serve(&self.programs, &folder, self.durability);
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.run("SELECT pg_reload_conf()");
        Self {
            programs: self.programs.clone(),
            folder,
            durability: self.durability,
            port,
            keeper,
        }
    }

    /// Lets a [standby](Self::standby), whose first server was [stopped](Self::stop), take its
    /// place. Returns when it takes writes.
    pub fn promote(&self) {
        done(&mut self.control(&["promote", "--silent", "--wait"]));
    }

    fn run(&self, statement: &str) {
        done(
            server_command(&self.program("psql"))
                .args(["--no-psqlrc", "--quiet", "--username=postgres", "--host"])
                .arg(&self.folder)
                .arg(format!("--port={}", self.port))
                .args(["--command", statement]),
        );
    }
}
