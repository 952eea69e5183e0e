//! Each file is wrong in many ways, all of which are told at once.

use super::*;

macro_rules! wrong {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let file = include_str!(concat!("wrong/", stringify!($name), ".toml"));
            let report = Desk::new().report(file);
            insta::with_settings!({omit_expression => true}, {
                insta::assert_snapshot!(stringify!($name), report);
            });
        }
    )*};
}

wrong! {
    command danger entry job mount names parameter secrets sections server service syntax
}

#[test]
fn no_fault_shows_a_secret() {
    let report = Desk::new().report(include_str!("wrong/secrets.toml"));
    assert!(
        !report.contains("0123456789abcdef") && !report.contains("hunter2"),
        "{report}"
    );
}

#[test]
fn a_file_that_is_no_text_says_from_where_on() {
    let (faults, _) = Desk::new()
        .read(b"[server]\nname = \"\xff\"\n")
        .unwrap_err();
    let place = faults[0].place.clone().unwrap();
    assert_eq!((place.line, place.column), (2, 9));
}

#[test]
fn every_hidden_character_in_a_text_for_models_is_a_fault() {
    for sign in [
        "\\u001B",
        "\\u200B",
        "\\u202E",
        "\\u2066",
        "\\U000E0041",
        "\\uFEFF",
        "\\u0085",
    ] {
        for line in [
            format!("title = \"a{sign}b\""),
            format!("params.x = {{ type = \"string\", description = \"a{sign}b\" }}"),
            format!(
                "params.x = {{ type = \"string\", description = \"x\", enum = [\"a{sign}b\"] }}"
            ),
            format!(
                "params.x = {{ type = \"string\", description = \"x\", default = \"a{sign}b\" }}"
            ),
            format!("output_schema = {{ description = \"a{sign}b\" }}"),
            format!(
                "params.x = {{ type = \"string\", description = \"x\", pattern = \"a{sign}b\" }}"
            ),
            format!(
                "params.x = {{ type = \"string\", description = \"x\", examples = [\"a{sign}b\"] }}"
            ),
        ] {
            let file = format!(
                "[tool.a]\ndescription = \"A.\"\ncommand = [\"ffprobe\"]\nstdin = \"json\"\n{line}\n"
            );
            let report = Desk::new().report(&file);
            assert!(report.contains("holds U+"), "{file}{report}");
        }
    }
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let desk = Desk::new();
    let path = desk.folder.path().join("farcall.toml");
    let refused = |mode| {
        put(desk.folder.path(), "farcall.toml", mode);
        Project::read(&path, &desk.source)
            .map(drop)
            .map_err(|faults| faults.to_string())
    };
    assert_eq!(refused(0o644), Ok(()));
    let report = refused(0o646).unwrap_err();
    assert!(report.contains("can be written by every user"), "{report}");
    assert_eq!(refused(0o600), Ok(()));
    fs::set_permissions(desk.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let report = refused(0o644).unwrap_err();
    assert!(
        report.contains("the folder of the file can be written"),
        "{report}"
    );
}

#[test]
fn a_file_that_is_not_there_says_how_to_begin_one() {
    let desk = Desk::new();
    let faults = Project::read(&desk.folder.path().join("x.toml"), &desk.source).unwrap_err();
    assert!(faults.to_string().contains("farcall init"), "{faults}");
    let faults = Project::read(desk.folder.path(), &desk.source).unwrap_err();
    assert!(faults.to_string().contains("this is no file"), "{faults}");
}

#[test]
fn a_file_that_is_nothing_but_faults_is_judged_soon() {
    let lines: Vec<_> = (0..100_000).map(|number| format!("a{number}=1")).collect();
    let file = lines.join("\n");
    let (faults, _) = Desk::new().read(file.as_bytes()).unwrap_err();
    assert_eq!(faults.len(), MOST);
}
