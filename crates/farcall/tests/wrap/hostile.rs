//! Whatever callers say, a program is given it as one argument, or not at all: no second argument,
//! no option, no shell, no variable, no file beyond its folder.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    corpus::{LENGTHS, REFUSED, TEXTS},
    harness::Project,
};

/// A tool with one placeholder, and what becomes of a text in it where it is taken.
struct Placeholder {
    tool: &'static str,
    command: &'static str,
    parameter: &'static str,
    /// Whether the caller sends a list of it, twice.
    is_list: bool,
    /// What stands before it in the same argument.
    prefix: &'static str,
    /// The arguments before it.
    before: &'static [&'static str],
    takes_dashes: bool,
}

const PLACEHOLDERS: &[Placeholder] = &[
    Placeholder {
        tool: "alone",
        command: r#""{x}""#,
        parameter: r#"type = "string""#,
        is_list: false,
        prefix: "",
        before: &[],
        takes_dashes: false,
    },
    Placeholder {
        tool: "joined",
        command: r#""--x={x}""#,
        parameter: r#"type = "string""#,
        is_list: false,
        prefix: "--x=",
        before: &[],
        takes_dashes: true,
    },
    Placeholder {
        tool: "operand",
        command: r#""--", "{x}""#,
        parameter: r#"type = "string""#,
        is_list: false,
        prefix: "",
        before: &["--"],
        takes_dashes: true,
    },
    Placeholder {
        tool: "flagged",
        command: r#""{x}""#,
        parameter: r#"type = "string", flag = "--x""#,
        is_list: false,
        prefix: "",
        before: &["--x"],
        takes_dashes: false,
    },
    Placeholder {
        tool: "allowed",
        command: r#""{x}""#,
        parameter: r#"type = "string", allow_leading_dash = true"#,
        is_list: false,
        prefix: "",
        before: &[],
        takes_dashes: true,
    },
    Placeholder {
        tool: "listed",
        command: r#""{x}""#,
        parameter: r#"type = "array", items = { type = "string" }"#,
        is_list: true,
        prefix: "",
        before: &[],
        takes_dashes: false,
    },
];

fn toml() -> String {
    let tools = PLACEHOLDERS.iter().map(|kind| {
        let Placeholder { tool, command, parameter, .. } = kind;
        format!(
            "[tool.{tool}]\ndescription = \"Say what it was given.\"\ncommand = [\"python3\", \"-IS\", \"probe.py\", {command}, \"end\"]\noutput = \"json\"\nparams.x = {{ {parameter}, description = \"Anything.\" }}\n\n"
        )
    });
    tools.collect()
}

fn hexed(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

impl Placeholder {
    /// The arguments that `text` must become; none where it must be refused.
    fn expected(&self, text: &str) -> Option<Vec<String>> {
        let is_option = text.starts_with('-') && !self.takes_dashes;
        let is_long = self.prefix.len() + text.len() >= 131_072;
        if text.contains('\0') || is_option || is_long {
            return None;
        }
        let mut one: Vec<_> = self.before.iter().map(|text| hexed(text)).collect();
        one.push(hexed(&format!("{}{text}", self.prefix)));
        let mut all = one.clone();
        if self.is_list {
            all.extend(one);
        }
        all.push(hexed("end"));
        Some(all)
    }
}

#[tokio::test]
async fn every_text_is_one_argument_or_none() {
    let project = Project::new(&toml());
    let server = project.serve().await;
    let long: Vec<_> = LENGTHS.iter().map(|length| "x".repeat(*length)).collect();
    let texts = TEXTS.iter().copied();
    let texts = texts.chain(long.iter().map(|text| ("long", text.as_str())));
    let texts: Vec<_> = texts.collect();
    let (mut entries, mut refused, mut environments) = (0, 0, BTreeSet::new());
    for kind in PLACEHOLDERS {
        for (class, text) in &texts {
            let shown: String = text.chars().take(40).collect();
            let what = format!("{class}: {shown:?} in `{}`", kind.tool);
            // Two of the longest would be more than the body of a request may have.
            let given = if kind.is_list {
                json!([text, text])
            } else {
                json!(text)
            };
            let answer = server.call(kind.tool, json!({"x": given})).await;
            entries += 1;
            let Some(expected) = kind.expected(text) else {
                let (error, code) = answer.failure();
                assert!(
                    error.contains("`x`") && error.len() < 600,
                    "{what}: {error}"
                );
                assert_eq!(code, "user_error", "{what}");
                refused += 1;
                continue;
            };
            assert!(!answer.is_error, "{what}: {}", answer.text);
            assert_eq!(answer.structured["arguments"], json!(expected), "{what}");
            let mut environment = answer.structured["environment"].clone();
            let folder = answer.structured["folder"].as_str().unwrap();
            assert_eq!(environment[hexed("TMPDIR")], hexed(folder), "{what}");
            environment[hexed("TMPDIR")] = Value::Null;
            environments.insert(environment.to_string());
            assert_eq!(answer.structured["files"], json!([]), "{what}");
        }
    }
    assert!(
        entries >= 600 && refused >= 75,
        "{entries} entries, {refused} refused"
    );
    assert_eq!(
        environments.len(),
        1,
        "no value changes the environment: {environments:?}"
    );
    server.stop().await;
}

/// CVE-2025-53109, CVE-2025-53110, CVE-2025-68143: neither a name nor a link leads out of the folder.
#[tokio::test]
async fn every_name_of_a_file_is_one_beneath_its_folder_or_none() {
    let toml = r#"
[tool.file]
description = "Say what it was given."
command = ["python3", "-IS", "probe.py", "{x}"]
output = "json"
params.x = { type = "file", root = "videos", description = "A file." }
"#;
    let project = Project::new(toml);
    for folder in ["videos/sub", "videos-evil"] {
        std::fs::create_dir_all(project.path(folder)).unwrap();
    }
    for file in [
        "videos/a.txt",
        "videos/-rf",
        "videos/sub/b c.txt",
        "videos-evil/c.txt",
    ] {
        std::fs::write(project.path(file), "x").unwrap();
    }
    for (target, link) in [
        ("../videos-evil/c.txt", "out"),
        ("/etc", "etc"),
        ("sub", "inner"),
    ] {
        std::os::unix::fs::symlink(target, project.path("videos").join(link)).unwrap();
    }
    let server = project.serve().await;
    let root = project.path("videos");
    for (given, real) in [
        ("a.txt", "a.txt"),
        ("./a.txt", "a.txt"),
        ("sub/../a.txt", "a.txt"),
        ("-rf", "-rf"),
        ("inner/b c.txt", "sub/b c.txt"),
    ] {
        let seen = server.value("file", json!({"x": given})).await;
        let expected = hexed(root.join(real).to_str().unwrap());
        assert_eq!(seen["arguments"], json!([expected]), "{given}");
    }
    let absolute = project.path("videos-evil/c.txt");
    let names = [
        "../videos-evil/c.txt",
        "../farcall.toml",
        "out",
        "etc/passwd",
        "/etc/passwd",
        absolute.to_str().unwrap(),
        "sub",
        ".",
        "..",
        "",
        "missing",
        "a.txt/",
        "a.txt\0",
        "sub/../../videos-evil/c.txt",
        "inner/../../farcall.toml",
        "$(id)",
        "*",
        "~/x",
        "%2e%2e/farcall.toml",
        "file:///etc/passwd",
        "..\\farcall.toml",
        "../videos/../farcall.toml",
    ];
    let texts = TEXTS
        .iter()
        .map(|(_, text)| *text)
        .filter(|text| *text != "-rf");
    for given in names.into_iter().chain(texts) {
        let (error, code) = server.call("file", json!({"x": given})).await.failure();
        assert_eq!(code, "user_error", "{given}: {error}");
    }
    server.stop().await;
}

/// What is not of a parameter's kind never becomes an argument, and says which parameter it is.
#[tokio::test]
async fn every_value_of_another_kind_is_refused() {
    let tools = REFUSED.iter().map(|kind| {
        format!(
            "[tool.{}]\ndescription = \"Say what it was given.\"\ncommand = [\"python3\", \"-IS\", \"probe.py\", \"{{x}}\"]\noutput = \"json\"\nparams.x = {{ {}, description = \"Anything.\" }}\n\n",
            kind.tool, kind.parameter
        )
    });
    let server = Project::new(&tools.collect::<String>()).serve().await;
    let mut entries = 0;
    for kind in REFUSED {
        for (class, value) in kind.values {
            let what = format!("{class}: {value} in `{}`", kind.tool);
            let given: Value = serde_json::from_str(value).unwrap();
            let (error, code) = server.call(kind.tool, json!({"x": given})).await.failure();
            assert!(error.contains("`x") && error.len() < 600, "{what}: {error}");
            assert_eq!(code, "user_error", "{what}");
            entries += 1;
        }
        // A name that nobody declared is not passed on, either.
        let (error, _) = server
            .call(kind.tool, json!({"x": null, "--y": "z"}))
            .await
            .failure();
        assert!(error.contains("`--y`") || error.contains("`x`"), "{error}");
    }
    assert!(entries >= 85, "{entries}");
    server.stop().await;
}
