//! Files without a fault, and what they become.

use std::collections::BTreeSet;

use super::*;
use crate::file::{Body, Command, Presence};

const EVERYTHING: &str = include_str!("everything.toml");

#[test]
fn everything_that_can_be_said_is_read() {
    let desk = Desk::new();
    let (project, warnings) = desk
        .read(EVERYTHING.as_bytes())
        .map_err(|_| desk.report(EVERYTHING))
        .unwrap();
    assert_eq!(warnings, []);
    insta::assert_snapshot!("everything", desk.shown(&format!("{project:#?}")));
}

#[test]
fn every_key_of_the_grammar_is_in_that_file_and_is_read() {
    let desk = Desk::new();
    let reading = Reading::new(EVERYTHING, desk.folder.path(), &desk.source);
    reading.project().unwrap();
    let asked = reading.asked.take();
    let known: BTreeSet<_> = FILE
        .all()
        .into_iter()
        .flat_map(|section| {
            section
                .keys()
                .map(|key| (section.name, key.name.to_owned()))
        })
        .collect();
    let ignored: Vec<_> = known.difference(&asked).collect();
    assert!(ignored.is_empty(), "nobody reads {ignored:?}");
    for (_, key) in &known {
        assert!(
            EVERYTHING.contains(key.as_str()),
            "`{key}` is not in everything.toml"
        );
    }
}

#[test]
fn an_empty_file_offers_nothing_under_the_name_of_its_folder() {
    let desk = Desk::new();
    let (project, _) = desk.read(b"").unwrap();
    let name = desk.folder.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(project.server.name, name);
    assert!(project.entries.is_empty() && project.mounts.is_empty());
}

#[test]
fn tools_and_jobs_keep_the_order_of_the_file() {
    let file: String = ["job.z", "tool.m", "job.a", "tool.b"]
        .map(|name| format!("[{name}]\ndescription = \"A.\"\ncommand = [\"ffprobe\"]\n"))
        .concat();
    let (project, _) = Desk::new().read(file.as_bytes()).unwrap();
    let names: Vec<_> = project
        .entries
        .iter()
        .map(|entry| match entry {
            Entry::Tool(tool) => tool.name.clone(),
            Entry::Job(job) => job.name.clone(),
        })
        .collect();
    assert_eq!(names, ["z", "m", "a", "b"]);
}

fn command(desk: &Desk, line: &str) -> Command {
    let file = format!(
        "[tool.a]\ndescription = \"A.\"\n{line}\nparams.p = {{ type = \"string\", optional = true, description = \"P.\" }}\n"
    );
    let (project, _) = desk
        .read(file.as_bytes())
        .map_err(|_| desk.report(&file))
        .unwrap();
    let Some(Entry::Tool(tool)) = project.entries.into_iter().next() else {
        panic!("a tool was declared");
    };
    assert_eq!(tool.parameters[0].presence, Presence::Optional);
    match tool.body {
        Body::Command(command) => command,
        Body::Request(_) => panic!("a command was declared"),
    }
}

#[test]
fn what_stands_after_a_separator_is_an_operand() {
    let command = command(
        &Desk::new(),
        r#"command = ["git", "log", "-n1", "--", "{p}", "x"]"#,
    );
    let operands: Vec<_> = command
        .arguments
        .iter()
        .map(|element| element.is_operand)
        .collect();
    assert_eq!(operands, [false, false, false, true, true]);
}

#[test]
fn the_script_of_an_interpreter_is_found_although_it_runs_elsewhere() {
    let desk = Desk::new();
    let first = |line: &str| {
        let command = command(&desk, line);
        format!("{:?}", command.arguments[0].pieces)
    };
    let absolute = desk.folder.path().join("render.py");
    let absolute = format!("[Text({:?})]", absolute.to_str().unwrap());
    assert_eq!(
        first(r#"command = ["python3", "render.py", "{p}"]"#),
        absolute
    );
    // Of a folder that the author chose, the program knows itself what is where.
    let chosen = "working_dir = \".\"\ncommand = [\"python3\", \"render.py\", \"{p}\"]";
    assert_eq!(first(chosen), "[Text(\"render.py\")]");
}

#[test]
fn braces_are_written_twice() {
    let command = command(&Desk::new(), r#"command = ["ffprobe", "{{\"a\": {p}}}"]"#);
    assert_eq!(
        format!("{:?}", command.arguments[0].pieces),
        r#"[Text("{\"a\": "), Parameter("p"), Text("}")]"#
    );
}

#[test]
fn secrets_cannot_be_printed() {
    let desk = Desk::new();
    let (project, _) = desk.read(EVERYTHING.as_bytes()).unwrap();
    let printed = format!("{project:?}");
    for secret in [
        "a-token-of-many-signs",
        "hunter2",
        "0123456789abcdef",
        "a-key",
    ] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

#[test]
fn the_schema_for_editors_admits_everything_and_nothing_that_is_unknown() {
    use farcall_core::schema::CheckedSchema;
    use toml::de::DeValue;

    let schema = crate::file::schema();
    let schema = CheckedSchema::compile(schema.as_object().unwrap()).unwrap();
    let judged = |file: &str| {
        let tree = DeTable::parse(file).unwrap().into_inner();
        schema.check(&value::json(&DeValue::Table(tree)))
    };
    assert_eq!(judged(EVERYTHING), Ok(()));
    for wrong in [
        "[server]\nprot = 1",
        "[server]\nport = \"1\"",
        "[tool.a]\ncommand = [\"x\"]",
        "[job.a]\ndescription = \"A.\"\ntimeout = \"1w\"",
        "[mount.a]\ncommand = []",
    ] {
        assert!(judged(wrong).is_err(), "{wrong}");
    }
}
