//! What mounted servers list: names that clients do not take, signs that nobody sees, pages without an end, and what
//! the file allows of it.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::{
    harness::{Project, Server},
    reload::names,
};

/// A server that lists `offers`, in the place of a file.
fn alone(offers: &Value) -> Project {
    let project = Project::new("").typed(&["--", "python3", "listing.py"]);
    fs::write(project.path("offers.json"), offers.to_string()).unwrap();
    project
}

/// The same in a file that says `more` about it.
fn declared(offers: &Value, more: &str) -> Project {
    let toml = format!("[mount.list]\ncommand = [\"python3\", \"listing.py\"]\n{more}\n");
    let project = Project::new(&toml);
    fs::write(project.path("offers.json"), offers.to_string()).unwrap();
    project
}

fn tool(name: &str) -> Value {
    json!({"name": name, "description": "Do it.", "inputSchema": {"type": "object"}})
}

/// One page of a list.
fn page(key: &str, items: &[Value]) -> Value {
    json!([{key: items}])
}

/// What the server was asked for when this tool of ours was called.
async fn own_name(server: &Server, tool: &str) -> Value {
    server.value(tool, json!({})).await["params"]["name"].clone()
}

fn says(server: &Server, sentences: &[&str]) {
    let talk = server.talk();
    for sentence in sentences {
        assert!(talk.contains(sentence), "{sentence}\n{talk}");
    }
}

/// With some that no client takes, or no agent could call.
fn odd() -> Value {
    let long = "x".repeat(70);
    let tools = [
        tool("files.read"),
        tool("files/read"),
        tool("files_read"),
        tool(&long),
        json!({"name": "no_schema", "description": "A."}),
        json!({"name": "a_text", "description": "A.", "inputSchema": {"type": "string"}}),
        json!({"name": "broken", "description": "A.", "inputSchema": {"type": "object", "properties": 1}}),
        json!({"name": "hidden\u{200b}", "description": "A.", "inputSchema": {"type": "object"}}),
        tool(""),
        tool("files.read"),
    ];
    let prompts = [
        json!({"name": "say.it"}),
        json!({"name": "say_it"}),
        json!({"name": "say_it"}),
    ];
    json!({"tools/list": page("tools", &tools), "prompts/list": page("prompts", &prompts)})
}

#[tokio::test]
async fn without_a_file_what_does_not_fit_is_renamed_or_left_out() {
    let server = alone(&odd()).serve().await;
    let long = "x".repeat(64);
    let expected = ["files_read_2", "files_read_3", "files_read", &long];
    assert_eq!(names(&server).await, expected);
    for (name, own) in [
        ("files_read_2", "files.read"),
        ("files_read_3", "files/read"),
        ("files_read", "files_read"),
        (&long, &"x".repeat(70)),
    ] {
        assert_eq!(own_name(&server, name).await, own);
    }
    let listed = server.result_of("prompts/list", "", json!({})).await;
    assert_eq!(
        listed["prompts"],
        json!([{"name": "say_it_2"}, {"name": "say_it"}])
    );
    let params = json!({"name": "say_it_2", "arguments": {}});
    let written = server.result_of("prompts/get", "say_it_2", params).await;
    assert_eq!(written["messages"][0]["content"]["text"], "say.it");
    says(
        &server,
        &[
            "its tool `files.read` is called `files_read_2` here: `.` is not allowed in a name",
            "its tool `no_schema` is left out: it has no input schema",
            "its tool `a_text` is left out: the input schema is not of type `object`",
            "its tool `broken` is left out: the input schema is invalid",
            "its tool `hidden\\u{200b}` is left out: it hides U+200B",
            "its tool `` is left out: the name is empty",
            "its second tool `files.read` is left out",
            "the prompt `say.it` is called `say_it_2` here",
            "the prompt `say_it` is left out: there is one of this name before it",
        ],
    );
}

#[tokio::test]
async fn with_a_file_the_same_is_a_fault_that_the_file_can_put_right() {
    let (status, said) = declared(&odd(), "").refused().await;
    assert_eq!(status, 2);
    for sentence in [
        "its tool `files.read` cannot be passed on: `.` is not allowed in a name",
        "its tool `no_schema` cannot be passed on: it has no input schema",
        "its tool `hidden\\u{200b}` cannot be passed on: it hides U+200B",
        "or leave it out with `allow`",
    ] {
        assert!(said.contains(sentence), "{sentence}\n{said}");
    }
    let more = "allow = [\"files.read\"]\ntools.\"files.read\" = { name = \"read\" }";
    let server = declared(&odd(), more).serve().await;
    assert_eq!(names(&server).await, ["read"]);
    assert_eq!(own_name(&server, "read").await, "files.read");
}

#[tokio::test]
async fn what_stands_for_something_is_passed_on_as_it_is_or_not_at_all() {
    // A joiner that emoji have: seen, but hidden where it stands alone.
    let family = "\u{1f468}\u{200d}\u{1f467}";
    let schema = json!({
        "type": "object",
        "description": "Wh\u{200b}om.",
        "properties": {"title": {"description": "T\u{202e}o.", "enum": ["a\nb", "é"]}},
    });
    let clean = json!({
        "type": "object",
        "description": "Whom.",
        "properties": {"title": {"description": "To.", "enum": ["a\nb", "é"]}},
    });
    let greet = json!({"name": "greet", "title": "Gr\u{200b}eet", "description": "Greet\u{feff}.", "inputSchema": schema});
    let mut of_family = tool("of_family");
    of_family["inputSchema"]["properties"] = json!({"who": {"const": family}});
    let resources = [
        json!({"uri": "a://\u{200b}", "name": "hidden"}),
        json!({"uri": "a://b", "name": "seen", "description": "B\u{200b}."}),
    ];
    let templates = [json!({"uriTemplate": "a://\u{ad}{x}", "name": "hidden"})];
    let prompts = [json!({"name": "ask", "arguments": [{"name": "w\u{200b}"}]})];
    let offers = json!({
        "tools/list": page("tools", &[greet, of_family]),
        "resources/list": page("resources", &resources),
        "resources/templates/list": page("resourceTemplates", &templates),
        "prompts/list": page("prompts", &prompts),
    });
    let server = alone(&offers).serve().await;
    let tools = server.tools().await;
    assert_eq!(tools.len(), 1);
    assert_eq!(
        (&tools[0]["title"], &tools[0]["description"]),
        (&json!("Greet"), &json!("Greet."))
    );
    assert_eq!(tools[0]["inputSchema"], clean);
    let told = server.value("greet", json!({"title": "a\nb"})).await;
    assert_eq!(told["params"]["arguments"], json!({"title": "a\nb"}));
    let listed = server.result_of("resources/list", "", json!({})).await;
    assert_eq!(
        listed["resources"],
        json!([{"uri": "a://b", "name": "seen", "description": "B."}])
    );
    says(
        &server,
        &[
            "its tool `of_family` is left out: it hides U+200D in a name, a URI or a value",
            "the resource `a://\\u{200b}` is left out: it hides U+200B",
            "the resource template `a://\\u{ad}{x}` is left out: it hides U+00AD",
            "the prompt `ask` is left out: it hides U+200B",
        ],
    );
    let (_, said) = declared(&offers, "").refused().await;
    assert!(
        said.contains("its tool `of_family` cannot be passed on: it hides U+200D"),
        "{said}"
    );
}

#[tokio::test]
async fn a_list_ends_where_its_server_says_nothing_new() {
    let paged = |pages: &[(&str, Option<&str>)]| {
        let page = |(name, cursor): &(&str, Option<&str>)| {
            let mut page = json!({"tools": [tool(name)]});
            if let Some(cursor) = cursor {
                page["nextCursor"] = json!(cursor);
            }
            page
        };
        json!({"tools/list": pages.iter().map(page).collect::<Vec<_>>()})
    };
    for (pages, expected, asked) in [
        (&[("a", Some(""))][..], &["a"][..], 1),
        // It does not look at cursors.
        (&[("a", Some("1"))], &["a"], 2),
        (&[("a", Some("1")), ("b", Some("1"))], &["a", "b"], 2),
        (
            &[("a", Some("1")), ("b", Some("2")), ("a", Some("1"))],
            &["a", "b"],
            3,
        ),
        (
            &[("a", Some("1")), ("b", Some("2")), ("c", None)],
            &["a", "b", "c"],
            3,
        ),
    ] {
        let server = declared(&paged(pages), "").serve().await;
        assert_eq!(names(&server).await, expected);
        let told = server.value("a", json!({})).await;
        assert_eq!(told["asked"]["tools/list"], asked, "{pages:?}");
        assert!(!server.talk().contains("left out"), "{}", server.talk());
    }
}

#[tokio::test]
async fn prompts_and_resources_are_passed_on_as_far_as_the_file_allows() {
    let offers = json!({
        "tools/list": page("tools", &[tool("do"), tool("undo")]),
        "resources/list": page("resources", &[json!({"uri": "a:1", "name": "1"}), json!({"uri": "a:2", "name": "2"})]),
        "resources/templates/list": page("resourceTemplates", &[json!({"uriTemplate": "a:{x}", "name": "x"}), json!({"uriTemplate": "b:{x}", "name": "x"})]),
        "prompts/list": page("prompts", &[json!({"name": "yes"}), json!({"name": "no"})]),
    });
    let more =
        "allow = [\"do\"]\nallow_prompts = [\"yes\"]\nallow_resources = [\"a:1\", \"b:{x}\"]";
    let server = declared(&offers, more).serve().await;
    assert_eq!(names(&server).await, ["do"]);
    let listed = async |method: &str, key: &str, known_by: &str| {
        let listed = server.result_of(method, "", json!({})).await;
        let listed = listed[key].as_array().unwrap().iter();
        listed.map(|one| one[known_by].clone()).collect::<Value>()
    };
    assert_eq!(
        listed("prompts/list", "prompts", "name").await,
        json!(["yes"])
    );
    assert_eq!(
        listed("resources/list", "resources", "uri").await,
        json!(["a:1"])
    );
    let templates = listed(
        "resources/templates/list",
        "resourceTemplates",
        "uriTemplate",
    )
    .await;
    assert_eq!(templates, json!(["b:{x}"]));
    for (method, name, params, is_there) in [
        ("resources/read", "a:1", json!({"uri": "a:1"}), true),
        ("resources/read", "a:2", json!({"uri": "a:2"}), false),
        ("resources/read", "b:2", json!({"uri": "b:2"}), true),
        ("prompts/get", "no", json!({"name": "no"}), false),
    ] {
        let answer = server.request(method, name, params).send().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(answer["result"].is_object(), is_there, "{answer}");
    }

    let more = "allow_prompts = [\"maybe\"]\nallow_resources = [\"c:1\"]";
    let (_, said) = declared(&offers, more).refused().await;
    for sentence in [
        "its `allow_prompts` names the prompt `maybe`, which it does not have; it has no, yes",
        "its `allow_resources` names the resource `c:1`, which it does not have; it has a:1",
    ] {
        assert!(said.contains(sentence), "{sentence}\n{said}");
    }
}

/// A runner such as `npx` writes to the home of its user, so nothing keeps it in its place.
#[tokio::test]
async fn a_sandbox_that_nobody_has_turned_off_is_missed_aloud() {
    const MISSED: &str = "run without a sandbox";
    let runner = |typed: &[&str], toml: &str| {
        let project = Project::new(toml).typed(typed);
        let script = "#!/bin/sh\nexec python3 mcp_server.py\n";
        fs::write(project.path("npx"), script).unwrap();
        fs::set_permissions(project.path("npx"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(project.path(".env"), "A=b\n").unwrap();
        project
    };
    let project = runner(&["--", "./npx"], "");
    let server = project.serve().await;
    let seen = server
        .value("reach", json!({"actions": ["read=.env"]}))
        .await;
    assert_eq!(seen, json!({"read=.env": "ok"}));
    let talk = server.talk();
    let warning = talk.lines().find(|line| line.contains(MISSED)).unwrap();
    for word in [
        "WARN",
        "npx` and what it fetches",
        "/.env`",
        "/.farcall`",
        "`--sandbox off`",
    ] {
        assert!(warning.contains(word), "{word}: {warning}");
    }

    let file = "[mount.a]\ncommand = [\"./npx\"]\nsandbox = \"off\"\n";
    for project in [
        runner(&["--sandbox", "off", "--", "./npx"], ""),
        runner(&["--sandbox", "default", "--", "./npx"], ""),
        runner(&[], file),
    ] {
        let server = project.serve().await;
        assert!(!server.talk().contains(MISSED), "{}", server.talk());
    }
}
