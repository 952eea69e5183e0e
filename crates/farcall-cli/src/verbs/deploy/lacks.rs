//! What a container of the image lacks that the server has that runs here.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;
use url::Url;

use super::{
    Build, Deployment, Needs,
    deployment::{is_own_host, shell_word},
    docker::lacking,
};

/// What to write in the place of this machine's own address.
const HOST: &str = "write `host.docker.internal` with `extra_hosts: [\"host.docker.internal:host-gateway\"]` in the \
                    compose file, or `--add-host` of `docker run`, and let it listen there; or give it a container beside \
                    this one";

/// What keeps a container from working as the server does that runs here.
pub(super) fn warnings(deployment: &Deployment) -> Vec<String> {
    let mut warnings = of_image(deployment);
    let database = deployment.config.storage.database_url.as_ref();
    let host = database.and_then(|database| local_host(database.url.expose_secret()));
    warnings.extend(host.map(|host| {
        format!(
            "`FARCALL_DATABASE_URL` leads to `{host}`, which in a container is the container's own: {HOST}"
        )
    }));
    warnings
}

/// The same for one that has a database of its own.
pub(super) fn of_image(deployment: &Deployment) -> Vec<String> {
    let mut warnings = outside(deployment);
    let secrets = deployment.secret_files.iter();
    let secrets = secrets.filter(|(name, _)| deployment.passed.contains(name));
    warnings.extend(secrets.map(|(name, path)| {
        format!(
            "`{name}` names the file `{path}`, which the image does not have: mount it into the container, and set the \
             variable to its path there"
        )
    }));
    match &deployment.build {
        Build::Package { outside, .. } => warnings.extend(outside.iter().map(|(path, manifest)| {
            format!(
                "the image is built without the dependency at `{path}`, which is outside of the folder that is built: name \
                 it by `git = \"URL\"` in `{manifest}`, or put both below the folder of one workspace"
            )
        })),
        Build::Project { needs, .. } => {
            warnings.extend(of_project(needs, Path::new(&deployment.folder)));
        }
        Build::Impossible { .. } => {}
    }
    warnings
}

fn of_project(needs: &Needs, folder: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    let lacking = lacking(&needs.programs);
    if !lacking.is_empty() {
        warnings.push(format!(
            "the image lacks `{}`: add what has them to the `apt-get install` of the Dockerfile",
            lacking.join("`, `")
        ));
    }
    warnings.extend(needs.absent.iter().map(|path| {
        format!(
            "the image has nothing at `{path}`: write the program as a name, or as the path of what is in the folder, \
             from the folder, and write the Dockerfile again"
        )
    }));
    // One whose program is named by its whole path has been said.
    let is_said = |name: &str| {
        let mut absent = needs.absent.iter();
        absent.any(|path| Path::new(path).starts_with(folder.join(name)))
    };
    let idle = needs.idle.iter().map(String::as_str);
    let idle: Vec<_> = idle.filter(|name| !is_said(name)).collect();
    if !idle.is_empty() {
        warnings.push(format!(
            "the image is without `{}`, as an environment of Python belongs to the machine that made it: where a script \
             runs its programs, name its python in the command, or make one in the Dockerfile",
            idle.join("`, `")
        ));
    }
    warnings.extend(needs.built.iter().map(|path| {
        format!(
            "what cargo built, `{path}`, stays out of the image: build it in a stage of the Dockerfile, or copy it out \
             of `target` and name it there"
        )
    }));
    warnings.extend(needs.missing.iter().map(|path| {
        format!(
            "the file names `{path}`, which the image does not have, and the server does not start without it: mount \
             it into the container at that path, or move it to a place in the folder that `.dockerignore` does not leave out"
        )
    }));
    if needs.has_modules {
        warnings.push(
            "`node_modules` stays out of the image: add `COPY package*.json ./` and `RUN npm ci --omit=dev` to the \
             Dockerfile, before `COPY . .`, and npm where the image lacks it"
                .to_owned(),
        );
    }
    let environment = needs.environments.first().or(needs.active.as_ref());
    if let Some(environment) = environment.filter(|_| !needs.has_requirements) {
        let pip = shell_word(&format!("{environment}/bin/pip"));
        warnings.push(format!(
            "there is no `requirements.txt`, so the image has no package of `{environment}`: make it with \
             `{pip} freeze > requirements.txt` (or `uv pip freeze`), and write the Dockerfile again"
        ));
    }
    warnings.extend(needs.local.iter().map(|(name, host)| {
        format!("the service `{name}` is at `{host}`, which in a container is the container itself: {HOST}")
    }));
    warnings
}

/// The host of a database, or the folder of its socket, where that is this machine's own.
fn local_host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    // In the place of a host, the path of a socket is encoded.
    let host = url.host_str().unwrap_or_default();
    let mut hosts = vec![host.replace("%2F", "/").replace("%2f", "/")];
    let asked = url.query_pairs();
    let asked = asked.filter(|(name, _)| matches!(&**name, "host" | "hostaddr"));
    hosts.extend(asked.map(|(_, host)| host.into_owned()));
    // The client takes a socket wherever one is named, and else the last host.
    let socket = hosts.iter().rfind(|host| host.starts_with('/'));
    match socket.or(hosts.last())?.as_str() {
        "" => Some("localhost".to_owned()),
        host if is_own_host(host) || host.starts_with('/') => Some(host.to_owned()),
        _ => None,
    }
}

/// Paths that a server can write to here, and in the container cannot.
fn outside(deployment: &Deployment) -> Vec<String> {
    let config = &deployment.config;
    let mut warnings = Vec::new();
    let files = config.storage.artifacts.as_ref();
    let files = files.filter(|place| place.url.scheme() == "file");
    let is_in_volume = |path: &str| Path::new(path).starts_with("/data");
    if let Some(place) = files.filter(|place| !is_in_volume(place.url.path())) {
        warnings.push(format!(
            "`FARCALL_ARTIFACTS_URL` is `{}`, a folder that the container does not have: leave it out, and files are in \
             the volume; or name one below /data, or a bucket",
            place.url
        ));
    }
    let audit = config.audit.as_ref().and_then(|audit| audit.file.as_ref());
    // A relative one begins at the folder that it works in: that of the programs, or the volume.
    let is_kept = |file: &PathBuf| {
        file.starts_with("/data")
            || file.is_relative() && matches!(deployment.build, Build::Package { .. })
    };
    if let Some(file) = audit.filter(|file| !is_kept(file)) {
        warnings.push(format!(
            "`FARCALL_AUDIT` is `{}`, where the container cannot write: say stdout, or a path such as /data/audit.jsonl",
            file.display()
        ));
    }
    warnings
}
