//! The example `wrap-a-script`: a real program with a package of PyPI, which nobody changed for the test.

use std::{fs, os::unix::fs::symlink, path::Path};

use farcall_acceptance::{Launch, Server, scratch, wait::until};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peer::{self, PYTHONS, Peer, binary, repository};

/// The example as its readme sets it up, but with a virtual environment that is there already.
fn example() -> TempDir {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let example = repository().join("examples/wrap-a-script");
    for file in ["farcall.py", "farcall.toml", "render.py"] {
        fs::copy(example.join(file), folder.path().join(file)).unwrap();
    }
    let environment = peer::folder().join(PYTHONS[0].name);
    symlink(environment, folder.path().join(".venv")).unwrap();
    folder
}

async fn serve(folder: &Path) -> Server {
    let launch = Launch::of(&binary("farcall"), folder).verb(&["serve"]);
    launch.start().await
}

/// What the film is, in the words of Pillow.
async fn looked_at(film: &Path) -> Value {
    const LOOK: &str = "import json, sys; from PIL import Image; film = Image.open(sys.argv[1]); \
        print(json.dumps([film.format, film.n_frames, film.size]))";
    let look = Peer::python_code(&PYTHONS[0], LOOK).argument(film);
    look.json("the film").await
}

#[tokio::test]
async fn the_script_renders_a_film_and_goes_on_after_a_kill() {
    let folder = example();
    let server = serve(folder.path()).await;
    let client = server.client();
    let scenes = client.call("scenes", json!({})).await;
    assert_eq!(scenes, json!({"scenes": ["dendrite", "dragon", "rabbit"]}));
    let order = json!({"scene": "dragon", "frames": 30});
    let started = client.call("start_render", order).await;
    let id = started["job_id"].as_str().unwrap().to_owned();
    until("some frames", async || {
        let status = json!({"job_id": id});
        let status = client.call("get_render_status", status).await;
        assert_eq!(status["error"], Value::Null, "{}", server.talk());
        let done = status["progress"].as_f64().unwrap_or_default();
        (status["stage"] == 2 && done > 0.1).then_some(())
    })
    .await;
    server.kill().await;

    let server = serve(folder.path()).await;
    let client = server.client();
    let seen = client.follow("get_render_status", &id).await;
    assert_eq!(
        seen.last().unwrap()["state"],
        "succeeded",
        "{seen:?}\n{}",
        server.talk()
    );
    let result = json!({"job_id": id});
    let result = client.call("get_render_result", result).await;
    let value = &result["result"];
    assert_eq!(
        (&value["scene"], &value["frames"]),
        (&json!("dragon"), &json!(30))
    );
    let drawn = value["drawn_by_this_run"].as_u64().unwrap();
    assert!(0 < drawn && drawn < 30, "{value}");
    let film = folder.path().join("fetched.gif");
    let bytes = client.download(result["url"].as_str().unwrap()).await;
    fs::write(&film, bytes).unwrap();
    assert_eq!(looked_at(&film).await, json!(["GIF", 30, [160, 160]]));
    server.stop().await;
}

#[test]
fn the_helper_beside_the_script_is_the_one_there_is() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let helper = read("python/farcall.py");
    assert_eq!(read("examples/wrap-a-script/farcall.py"), helper);
}

#[test]
fn the_package_of_the_script_is_the_one_it_is_tested_with() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let installed = read("peers/python/mcp1.txt");
    for needed in read("examples/wrap-a-script/requirements.txt").lines() {
        assert!(installed.lines().any(|line| line == needed), "{needed}");
    }
}
