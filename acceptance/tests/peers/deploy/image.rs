//! The image, built from the Dockerfile that the example carries and run by podman: alive by its HEALTHCHECK, smoked from
//! outside, without root, and replaced in the middle of a job.
//!
//! The two images that it begins with cannot be fetched everywhere, so they are made with debootstrap under their names;
//! in that of Rust a script stands in the place of cargo, which puts the program there that these tests have been built
//! with. So what is not tried is the compiler's own step, with its caches.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use farcall_acceptance::scratch;
use farcall_testpg::free_port;

use super::{EXAMPLE, content};
use crate::peer::{binary, folder, repository};

/// How much the image may have besides the program, in bytes: Debian's part, and certificates.
const MOST_BESIDES: u64 = 100_000_000;

/// Judges what it is called with, and that no secret and no build came into the image; then it has compiled.
const CARGO: &str = "#!/bin/sh\nset -eu\n\
[ \"$*\" = 'build --release --locked --package example-mcp-server --bin example-mcp-server' ]\n\
[ -e Cargo.lock ] && [ -e examples/example-mcp-server/Cargo.toml ]\n\
[ -z \"$(find . -name .env -o -name .farcall -o -name Dockerfile -o -name canary)\" ]\n\
mkdir -p target/release\ncp /opt/example-mcp-server target/release/\n";

/// The files of a build in a workspace, with what has to stay out.
fn context(place: &Path) {
    let example = place.join(EXAMPLE);
    for folder in ["", "/.farcall", "/target"] {
        fs::create_dir_all(example.join(folder.trim_start_matches('/'))).unwrap();
    }
    fs::create_dir(place.join("target")).unwrap();
    for file in [
        "Cargo.toml",
        "Dockerfile",
        "Dockerfile.dockerignore",
        ".dockerignore",
    ] {
        fs::copy(repository().join(EXAMPLE).join(file), example.join(file)).unwrap();
    }
    fs::copy(repository().join("Cargo.lock"), place.join("Cargo.lock")).unwrap();
    for canary in [
        "target/canary",
        &format!("{EXAMPLE}/target/canary"),
        &format!("{EXAMPLE}/.farcall/canary"),
    ] {
        fs::write(place.join(canary), "").unwrap();
    }
    fs::write(example.join(".env"), "MCP_BEARER_TOKEN=canary\n").unwrap();
}

/// What is added to Debian for the image of Rust, in the folder `rust`; where the program is in it.
async fn compiler(path: &Path) -> PathBuf {
    let rust = path.join("rust");
    for folder in ["opt", "usr/local/bin", "etc/ssl/certs"] {
        fs::create_dir_all(rust.join(folder)).unwrap();
    }
    fs::write(rust.join("usr/local/bin/cargo"), CARGO).unwrap();
    fs::set_permissions(
        rust.join("usr/local/bin/cargo"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    fs::copy(
        "/etc/ssl/certs/ca-certificates.crt",
        rust.join("etc/ssl/certs/ca-certificates.crt"),
    )
    .unwrap();
    let program = rust.join("opt/example-mcp-server");
    content(
        "strip",
        path,
        &[
            "-o",
            program.to_str().unwrap(),
            binary("example-mcp-server").to_str().unwrap(),
        ],
        &[],
    )
    .await;
    program
}

#[tokio::test]
async fn the_examples_image_is_small_alive_without_root_and_keeps_its_jobs() {
    assert!(
        rustix::process::geteuid().is_root(),
        "podman runs as root here: run this as root"
    );
    let base = folder().join("debian");
    assert!(
        base.join("bin/sh").exists(),
        "`{}` is missing; run peers/install first",
        base.display()
    );
    let place = scratch(env!("CARGO_TARGET_TMPDIR"));
    let path = place.path();
    context(&path.join("workspace"));
    let program = compiler(path).await;

    let port = free_port();
    let farcall = binary("farcall");
    let (farcall, base) = (farcall.display(), base.display());
    let mut script = String::new();
    let _ = write!(
        script,
        r#"
tar --create --directory {base} . | podman import --quiet - docker.io/library/debian:bookworm-slim >&2
printf 'FROM debian:bookworm-slim\nCOPY . /\n' >of-rust
podman build --quiet --network none --tag docker.io/library/rust:1.94-slim-bookworm -f of-rust rust >&2
cd workspace/{EXAMPLE}
# This podman looks for the ignored files beside the context alone, so it is told.
podman build --quiet --format docker --network none --tag example-mcp --ignorefile Dockerfile.dockerignore -f Dockerfile ../.. >&2
start() {{
  podman run --detach --name server --init --stop-timeout 46 --network slirp4netns --publish 127.0.0.1:{port}:8900 \
    --env PUBLIC_BASE_URL=http://127.0.0.1:{port} --volume jobs:/data --cap-drop ALL --security-opt no-new-privileges example-mcp >/dev/null
  attempts=0
  until podman healthcheck run server >/dev/null 2>&1; do
    attempts=$((attempts + 1))
    [ $attempts -lt 300 ] || {{ podman logs server >&2; echo 'error: the container is not healthy' >&2; exit 1; }}
    sleep 0.2
  done
  echo healthy
}}
start
echo "user $(podman exec server id -u)"
echo "data $(podman exec server stat --format '%U %a' /data)"
{farcall} smoke http://127.0.0.1:{port}/mcp
"#
    );
    script.push_str(&recreated(port));
    script.push_str("echo \"bytes $(podman image inspect --format '{{.Size}}' example-mcp)\"\n");
    let script_path = path.join("script");
    fs::write(&script_path, script).unwrap();
    let wrapper = repository().join("acceptance/clients/with_containers.sh");
    let said = content(
        wrapper,
        path,
        &[path.to_str().unwrap(), script_path.to_str().unwrap()],
        &[],
    )
    .await;
    for line in [
        "healthy\n",
        "user 10001\n",
        "data farcall 700\n",
        "OK ✅\n",
        "recreated in the middle: running\n",
        "then: succeeded\n",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(said.matches("healthy\n").count(), 2, "{said}");
    let bytes = said.lines().find_map(|line| line.strip_prefix("bytes "));
    let bytes: u64 = bytes.unwrap().parse().unwrap();
    let of_program = fs::metadata(&program).unwrap().len();
    assert!(
        bytes < of_program + MOST_BESIDES,
        "{bytes} bytes, {of_program} of the program"
    );
}

/// Takes the place of cargo for the project: it has installed farcall.
const INSTALLER: &str = "#!/bin/sh\nset -eu\n[ \"$1 $2 $3 $4\" = 'install --locked --root /out' ]\n\
mkdir -p /out/bin\ncp /opt/farcall /out/bin/\n";

/// A file other than `farcall.toml`, a script that its owner alone may read and that writes, data and an audit log of a
/// server that ran here, and a folder of the source that is called as the data is.
fn project(place: &Path) {
    for folder in ["out", "state", "src/state", "src/target"] {
        fs::create_dir_all(place.join(folder)).unwrap();
    }
    for (file, text) in [
        (
            "farm.toml",
            "[server]\nname = \"farm\"\ndata_dir = \"state\"\naudit = \"audit.jsonl\"\n\
             [tool.hello]\ndescription = \"Greet.\"\ncommand = [\"./hello.sh\"]\nwritable = [\"out\"]\n",
        ),
        (
            "hello.sh",
            "#!/bin/sh\nset -e\necho hello >\"${0%/*}/out/said\"\necho hello from the image\n",
        ),
        ("state/canary", ""),
        ("audit.jsonl", ""),
        ("src/state/kept", ""),
        ("src/target/kept", ""),
        (".env", "MCP_HOST=127.0.0.1\nFARCALL_DATA_DIR=state\n"),
        (".envrc", "export MCP_BEARER_TOKEN=canary\n"),
    ] {
        fs::write(place.join(file), text).unwrap();
    }
    fs::set_permissions(place.join("hello.sh"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_projects_image_serves_its_file_and_holds_nothing_that_a_server_wrote() {
    let place = scratch(env!("CARGO_TARGET_TMPDIR"));
    let path = place.path();
    let farm = path.join("farm");
    project(&farm);
    super::deploy("farcall", &farm, &["docker", "--config", "farm.toml"]).await;
    let rust = path.join("rust");
    for folder in ["opt", "usr/local/bin"] {
        fs::create_dir_all(rust.join(folder)).unwrap();
    }
    for (file, text) in [("cargo", INSTALLER), ("apt-get", "#!/bin/sh\n")] {
        let file = rust.join("usr/local/bin").join(file);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let (stripped, farcall) = (rust.join("opt/farcall"), binary("farcall"));
    let words = ["-o", stripped.to_str().unwrap(), farcall.to_str().unwrap()];
    content("strip", path, &words, &[]).await;
    let (base, port, farcall) = (folder().join("debian"), free_port(), farcall.display());
    // The options of the header, but for the network, which podman has none of here.
    let header = fs::read_to_string(farm.join("Dockerfile")).unwrap();
    let (_, options) = header.split_once("--env-file .env ").unwrap();
    let (options, _) = options.split_once("-e PUBLIC_BASE_URL").unwrap();
    let options = options.replace("\\\n#", "");
    let script = format!(
        r#"
tar --create --directory {base} . | podman import --quiet - docker.io/library/plain >&2
printf 'FROM docker.io/library/plain\nCOPY . /\n' >of-rust
podman build --quiet --network none --tag docker.io/library/rust:1.94-slim-bookworm -f of-rust rust >&2
podman tag docker.io/library/rust:1.94-slim-bookworm docker.io/library/debian:bookworm-slim
cd farm
podman build --quiet --format docker --network none --tag farm . >&2
podman run --detach --name server --init --network slirp4netns --publish 127.0.0.1:{port}:8900 \
  --env-file .env {options} -e FARCALL_AUDIT=stdout farm >/dev/null
attempts=0
until curl -sf http://127.0.0.1:{port}/healthz >/dev/null; do
  attempts=$((attempts + 1))
  [ $attempts -lt 300 ] || {{ podman logs server >&2; echo 'error: nobody answers at the port' >&2; exit 1; }}
  sleep 0.2
done
{farcall} smoke http://127.0.0.1:{port}/mcp --tool hello
echo "image: $(podman exec server find . -mindepth 1 | sort | tr '\n' ' ')"
"#,
        base = base.display()
    );
    let file = path.join("script");
    fs::write(&file, script).unwrap();
    let wrapper = repository().join("acceptance/clients/with_containers.sh");
    let words = [path.to_str().unwrap(), file.to_str().unwrap()];
    let said = content(wrapper, path, &words, &[]).await;
    assert!(
        said.contains("OK ✅\n") && said.contains("hello from the image"),
        "{said}"
    );
    assert!(
        said.contains("image: ./farm.toml ./hello.sh ./out ./out/said ./src ./src/state ./src/state/kept ./src/target ./src/target/kept \n"),
        "{said}"
    );
}

/// The container is taken away in the middle of a job, and another one goes on with it.
fn recreated(port: u16) -> String {
    format!(
        r#"
call() {{
  curl -sf http://127.0.0.1:{port}/mcp -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' \
    -d "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"$1\",\"arguments\":$2}}}}"
}}
of() {{ sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }}
id=$(call start_render '{{"frames":240}}' | of job_id)
[ -n "$id" ]
state() {{ call get_render_status "{{\"job_id\":\"$id\"}}" | of state; }}
until [ "$(state)" = running ]; do sleep 0.1; done
podman rm --force --time 0 server >/dev/null
start
echo "recreated in the middle: $(state)"
until [ "$(state)" = succeeded ]; do sleep 0.5; done
echo "then: $(state)"
"#
    )
}
