//! Both smoke tests of the example server, the guide's and the command line's, print what is written of them.

use crate::{
    example::{BARE, BEARER, EVERY_ACCESS, example},
    peer::{PYTHONS, Peer, repository},
};

const SCRIPT: &str = "examples/example-mcp-server/smoke_test.py";

/// The guide's lines, with its server's address and its job's id.
const GUIDE: &str = "\
tools: ['add', 'echo', 'start_render', 'get_render_status', 'get_render_result']
add(2,3) -> {'sum': 5.0}
start_render -> {'job_id': '2669ffa4...', 'state': 'queued'}
status -> running 1/3 [1/3] preparing assets
status -> running 2/3 [2/3] rendering frames
status -> running 3/3 [3/3] encoding output
status -> succeeded 3/3 done
result -> {'ready': True, 'url': 'http://127.0.0.1:8900/files/2669ffa4...'}
OK ✅
";

#[tokio::test]
async fn the_smoke_test_prints_the_guides_lines_with_either_sdk_and_any_credentials() {
    for access in &EVERY_ACCESS {
        let example = example(access).await;
        for python in &PYTHONS {
            let case = format!("{}, {}", python.name, access.name);
            let said = Peer::python(python, SCRIPT)
                .argument(example.server.url())
                // Enough for every stage to last longer than the client's pause.
                .arguments(&["--frames", "60"])
                .environment(access.client)
                .content(&case)
                .await;
            let said = said.replace(example.server.origin(), "http://127.0.0.1:8900");
            assert_tells(&said.replace(id(&said), "2669ffa4"), GUIDE, &case);
        }
        example.server.stop().await;
    }
}

#[tokio::test]
async fn the_smoke_test_ends_in_one_sentence_where_the_token_is_missing() {
    let example = example(&BEARER).await;
    for python in &PYTHONS {
        let ended = Peer::python(python, SCRIPT)
            .argument(example.server.url())
            .run()
            .await;
        assert_eq!(ended.code, Some(1), "{}", python.name);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains("401"), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("EXAMPLE_MCP_TOKEN"),
            "{}",
            ended.stderr
        );
    }
}

/// The lines of README.md, with its server's address and its job's id.
const OURS: &str = r#"tools: ["add", "echo", "start_render", "get_render_status", "get_render_result"]
add(2,3) -> {"sum":5.0}
start_render -> {"job_id":"2669ffa4…","state":"queued",…}
status -> running 1/3 [1/3] preparing assets
status -> running 2/3 [2/3] rendering frames
status -> running 3/3 [3/3] encoding output
status -> succeeded 3/3 done
result -> {"ready":true,"url":"http://127.0.0.1:8900/files/2669ffa4…",…}
OK ✅
"#;

#[tokio::test]
async fn farcall_smoke_prints_the_lines_of_the_readme_over_both_versions() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    // The page shows standard error as well, as a terminal does.
    let readme = readme.replace("again over 2025-11-25: fine\n", "");
    assert!(readme.contains(OURS), "README.md shows other lines");
    for access in [&BARE, &BEARER] {
        let example = example(access).await;
        let ended = Peer::own("farcall")
            .arguments(&["smoke", &example.server.url()])
            .environment(access.server)
            .run()
            .await;
        assert_eq!(ended.code, Some(0), "{}: {}", access.name, ended.stderr);
        assert_eq!(ended.stderr, "again over 2025-11-25: fine\n");
        let said = ended
            .stdout
            .replace(example.server.origin(), "http://127.0.0.1:8900");
        let (_, rest) = said.split_once(r#"{"job_id":""#).unwrap();
        let said = said.replace(rest.split_once('…').unwrap().0, "2669ffa4");
        assert_tells(&said, OURS, access.name);
        example.server.stop().await;
    }
}

/// Sees that `said` is what was `expected`. A stage may be over before it is asked about; none is told twice, or in
/// another order.
fn assert_tells(said: &str, expected: &str, case: &str) {
    let is_told = |line: &&str| said.lines().any(|own| own == *line);
    let expected = expected.lines();
    let expected = expected.filter(|line| !line.starts_with("status -> running") || is_told(line));
    assert!(expected.eq(said.lines()), "{case}:\n{said}");
}

/// The first eight characters of the job's id, as the script shows them.
fn id(said: &str) -> &str {
    let (_, rest) = said.split_once("{'job_id': '").unwrap();
    let (id, _) = rest.split_once("...").unwrap();
    assert!(id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    id
}
