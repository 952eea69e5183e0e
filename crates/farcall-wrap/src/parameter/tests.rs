use std::{fs, os::unix::fs::symlink, path::Path};

use farcall_config::file::Format;
use farcall_core::{problem::ErrorCode, schema::CheckedSchema};
use serde_json::json;

use super::*;

pub(crate) fn parameter(name: &str, kind: Kind) -> Parameter {
    Parameter {
        name: name.to_owned(),
        description: format!("The {name}."),
        kind,
        presence: Presence::Required,
        flag: None,
        allow_leading_dash: false,
        examples: Vec::new(),
    }
}

pub(crate) fn string() -> Kind {
    Kind::String {
        pattern: None,
        choices: Vec::new(),
        format: None,
        min_length: None,
        max_length: None,
    }
}

fn read_one(kind: Kind, value: Value) -> Result<Given, String> {
    let parameters = Parameters::new(&[parameter("x", kind)]);
    let arguments = JsonObject::from_iter([("x".to_owned(), value)]);
    match parameters.read(&arguments) {
        Ok(values) => Ok(values.given("x").unwrap().clone()),
        Err(problem) => {
            assert_eq!(problem.code(), ErrorCode::UserError);
            Err(problem.public_message())
        }
    }
}

#[test]
fn the_schema_says_all_that_it_can() {
    let scene = Parameter {
        examples: vec![json!("lake")],
        ..parameter(
            "scene",
            Kind::String {
                pattern: Some("^[a-z]+$".to_owned()),
                choices: Vec::new(),
                format: None,
                min_length: Some(1),
                max_length: Some(9),
            },
        )
    };
    let frames = Parameter {
        presence: Presence::Default(json!(24)),
        ..parameter(
            "frames",
            Kind::Integer {
                minimum: Some(1),
                maximum: Some(100),
            },
        )
    };
    let tags = Parameter {
        presence: Presence::Optional,
        ..parameter(
            "tags",
            Kind::Array {
                items: Box::new(Kind::String {
                    pattern: None,
                    choices: vec!["a".to_owned(), "b".to_owned()],
                    format: Some(Format::Url),
                    min_length: None,
                    max_length: None,
                }),
                min_items: Some(1),
                max_items: None,
            },
        )
    };
    let video = parameter(
        "video",
        Kind::File {
            root: "/videos".into(),
        },
    );
    let schema = Parameters::new(&[scene, frames, tags, video]).schema();
    assert_eq!(
        Value::Object(schema.clone()),
        json!({
            "type": "object",
            "properties": {
                "scene": {
                    "description": "The scene.", "type": "string", "pattern": "^[a-z]+$",
                    "minLength": 1, "maxLength": 9, "examples": ["lake"],
                },
                "frames": {
                    "description": "The frames.", "type": "integer", "minimum": 1, "maximum": 100,
                    "default": 24,
                },
                "tags": {
                    "description": "The tags.", "type": "array", "minItems": 1,
                    "items": {"type": "string", "enum": ["a", "b"], "format": "uri"},
                },
                "video": {"description": "The video.", "type": "string", "minLength": 1},
            },
            "required": ["scene", "video"],
            "additionalProperties": false,
        })
    );
    CheckedSchema::compile(&schema).unwrap();
}

#[test]
fn what_is_left_out_is_its_default_or_nothing() {
    let with = |name: &str, presence| Parameter {
        presence,
        ..parameter(name, string())
    };
    let parameters = Parameters::new(&[
        with("a", Presence::Default(json!("x"))),
        with("b", Presence::Optional),
    ]);
    let values = parameters.read(&JsonObject::new()).unwrap();
    assert_eq!(values.given("a"), Some(&Given::Text("x".to_owned())));
    assert_eq!(values.given("b"), None);
    assert_eq!(Value::Object(values.to_json()), json!({"a": "x"}));
}

#[test]
fn texts_have_no_nul_and_an_end() {
    assert!(
        read_one(string(), json!("a\0b"))
            .unwrap_err()
            .contains("`x` has a NUL")
    );
    let longest = "x".repeat(MAX_TEXT);
    assert_eq!(read_one(string(), json!(longest)), Ok(Given::Text(longest)));
    let fault = read_one(string(), json!("x".repeat(MAX_TEXT + 1))).unwrap_err();
    assert!(
        fault.contains("131073 bytes") && fault.len() < 200,
        "{fault}"
    );
}

#[test]
fn a_choice_is_one_of_the_texts_of_the_declaration() {
    let kind = || Kind::String {
        pattern: None,
        choices: vec!["-v".to_owned(), "q".to_owned()],
        format: None,
        min_length: None,
        max_length: None,
    };
    assert_eq!(
        read_one(kind(), json!("-v")),
        Ok(Given::Choice("-v".to_owned()))
    );
    assert!(read_one(kind(), json!("-x")).is_err());
}

#[test]
fn whole_numbers_are_whole_and_fit() {
    let kind = || Kind::Integer {
        minimum: None,
        maximum: None,
    };
    assert_eq!(read_one(kind(), json!(3.0)), Ok(Given::Integer(3)));
    assert_eq!(
        read_one(kind(), json!(i64::MIN)),
        Ok(Given::Integer(i64::MIN))
    );
    for value in [json!(u64::MAX), json!(1e30), json!(3.5)] {
        assert!(read_one(kind(), value).unwrap_err().contains("64 bits"));
    }
    let number = read_one(
        Kind::Number {
            minimum: None,
            maximum: None,
        },
        json!(2.50),
    )
    .unwrap();
    assert_eq!(number.to_text(), "2.5");
}

#[test]
fn a_wrong_value_in_a_list_is_named_by_its_place() {
    let kind = Kind::Array {
        items: Box::new(string()),
        min_items: None,
        max_items: None,
    };
    let fault = read_one(kind, json!(["a", "\0"])).unwrap_err();
    assert!(fault.starts_with("`x` [1] has a NUL"), "{fault}");
}

/// A folder with files and links beside another one whose name begins the same.
fn folders() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let (root, evil) = (place.path().join("root"), place.path().join("root-evil"));
    for folder in [&root.join("sub"), &evil] {
        fs::create_dir_all(folder).unwrap();
    }
    for file in [
        root.join("a.txt"),
        root.join("-rf"),
        root.join("sub/b.txt"),
        evil.join("c.txt"),
    ] {
        fs::write(file, "x").unwrap();
    }
    for (target, link) in [
        ("a.txt", "inner"),
        ("../a.txt", "sub/up"),
        ("../root-evil/c.txt", "outer"),
        ("/etc/passwd", "absolute"),
        ("../root-evil", "door"),
        ("loop", "loop"),
        ("missing", "dangling"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    place
}

fn read_file(root: &Path, path: &str) -> Result<PathBuf, String> {
    match read_one(
        Kind::File {
            root: root.to_owned(),
        },
        json!(path),
    )? {
        Given::File(path) => Ok(path),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_told_by_the_path_that_it_really_has() {
    let place = folders();
    let root = place.path().join("root");
    for (path, real) in [
        ("a.txt", "a.txt"),
        ("./sub/../a.txt", "a.txt"),
        ("sub//b.txt", "sub/b.txt"),
        ("inner", "a.txt"),
        ("sub/up", "a.txt"),
        ("-rf", "-rf"),
    ] {
        assert_eq!(read_file(&root, path), Ok(root.join(real)), "{path}");
    }
}

/// CVE-2025-53109, CVE-2025-53110: neither a common beginning nor a link makes a file one of the
/// folder.
#[test]
fn no_name_leads_out_of_its_folder() {
    let place = folders();
    let root = place.path().join("root");
    let outside = place.path().join("root-evil/c.txt");
    for path in [
        "../root-evil/c.txt",
        "sub/../../root-evil/c.txt",
        "outer",
        "absolute",
        "door/c.txt",
        "/etc/passwd",
        outside.to_str().unwrap(),
        "loop",
        "dangling",
        "missing",
        "sub",
        ".",
        "..",
        "sub/",
        "a.txt/",
        "a.txt/x",
        "~/x",
        "file:///etc/passwd",
        "..\\a.txt",
        "%2e%2e/a.txt",
    ] {
        let fault = read_file(&root, path).unwrap_err();
        assert!(
            !fault.contains(root.to_str().unwrap()) || path.starts_with('/'),
            "{fault}"
        );
    }
}

#[test]
fn what_would_keep_a_reader_waiting_is_no_file() {
    let place = folders();
    let root = place.path().join("root");
    let fifo = root.join("fifo");
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    assert!(
        read_file(&root, "fifo")
            .unwrap_err()
            .contains("no plain file")
    );
}

#[test]
fn a_root_that_is_away_is_no_fault_of_the_caller_and_not_shown() {
    let fault = read_file(Path::new("/nowhere/at/all"), "a.txt").unwrap_err();
    assert!(
        fault.contains("cannot be read") && !fault.contains("nowhere"),
        "{fault}"
    );
}
