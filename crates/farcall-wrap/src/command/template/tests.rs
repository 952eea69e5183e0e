use farcall_config::file::Presence;
use farcall_core::JsonObject;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn string() -> Kind {
    Kind::String {
        pattern: None,
        choices: Vec::new(),
        format: None,
        min_length: None,
        max_length: None,
    }
}

fn optional(name: &str, kind: Kind) -> Parameter {
    Parameter {
        name: name.to_owned(),
        description: "It.".to_owned(),
        kind,
        presence: Presence::Optional,
        flag: None,
        allow_leading_dash: false,
        examples: Vec::new(),
    }
}

fn flagged(name: &str, flag: &str, kind: Kind) -> Parameter {
    Parameter {
        flag: Some(flag.to_owned()),
        ..optional(name, kind)
    }
}

fn several(items: Kind) -> Kind {
    Kind::Array {
        items: Box::new(items),
        min_items: None,
        max_items: None,
    }
}

/// `--out={x}` as the file has it; `--` makes operands of what follows.
fn elements(written: &[&str]) -> Vec<Element> {
    let mut is_operand = false;
    let element = |text: &&str| {
        let mut pieces = Vec::new();
        for (index, part) in text.split(['{', '}']).enumerate() {
            match (index % 2, part) {
                (0, "") => {}
                (0, text) => pieces.push(Piece::Text(text.to_owned())),
                (_, name) => pieces.push(Piece::Parameter(name.to_owned())),
            }
        }
        let element = Element { pieces, is_operand };
        is_operand |= *text == "--";
        element
    };
    written.iter().map(element).collect()
}

fn fill(
    written: &[&str],
    parameters: &[Parameter],
    arguments: Value,
) -> Result<Vec<String>, String> {
    let parameters = Parameters::new(parameters);
    let template = Template::new(&elements(written), &parameters)?;
    let Value::Object(arguments) = arguments else {
        panic!()
    };
    let values = parameters
        .read(&arguments)
        .map_err(|problem| problem.public_message())?;
    let filled = template
        .fill(&values)
        .map_err(|problem| problem.public_message())?;
    Ok(filled
        .into_iter()
        .map(|text| text.into_string().unwrap())
        .collect())
}

#[track_caller]
fn gives(written: &[&str], parameters: &[Parameter], arguments: Value, expected: &[&str]) {
    let filled = fill(written, parameters, arguments).unwrap();
    assert_eq!(filled, expected);
}

#[test]
fn a_placeholder_is_one_element_whatever_its_value() {
    let x = optional("x", string());
    for value in [
        "a b",
        "$(id)",
        "`id`",
        "; rm -rf /",
        "a\nb",
        "",
        "'\"",
        "*",
        "{x}",
        "--x".trim_start_matches('-'),
    ] {
        gives(
            &["run", "{x}"],
            std::slice::from_ref(&x),
            json!({"x": value}),
            &["run", value],
        );
        let joined = format!("--out={value}.txt");
        gives(
            &["--out={x}.txt"],
            std::slice::from_ref(&x),
            json!({"x": value}),
            &[&joined],
        );
    }
}

#[test]
fn what_is_left_out_takes_its_elements_along() {
    let parameters = [
        optional("a", string()),
        optional("b", string()),
        flagged("c", "--c", string()),
    ];
    let written = ["start", "{a}", "{a}-{b}", "x{b}", "{c}", "end"];
    gives(&written, &parameters, json!({}), &["start", "end"]);
    gives(
        &written,
        &parameters,
        json!({"b": "2"}),
        &["start", "x2", "end"],
    );
    let all = json!({"a": "1", "b": "2", "c": "3"});
    gives(
        &written,
        &parameters,
        all,
        &["start", "1", "1-2", "x2", "--c", "3", "end"],
    );
}

#[test]
fn a_boolean_is_its_flag_or_nothing() {
    let quiet = [flagged("quiet", "-q", Kind::Boolean)];
    gives(&["{quiet}"], &quiet, json!({"quiet": true}), &["-q"]);
    gives(&["{quiet}"], &quiet, json!({"quiet": false}), &[]);
    let plain = [optional("quiet", Kind::Boolean)];
    gives(
        &["--quiet={quiet}"],
        &plain,
        json!({"quiet": false}),
        &["--quiet=false"],
    );
}

#[test]
fn a_list_repeats_its_element() {
    let tags = |flag: Option<&str>| Parameter {
        flag: flag.map(str::to_owned),
        ..optional("tags", several(string()))
    };
    let both = || json!({"tags": ["a b", "c"]});
    gives(&["{tags}"], &[tags(None)], both(), &["a b", "c"]);
    gives(
        &["{tags}"],
        &[tags(Some("-t"))],
        both(),
        &["-t", "a b", "-t", "c"],
    );
    gives(
        &["{tags}"],
        &[tags(Some("--t="))],
        both(),
        &["--t=a b", "--t=c"],
    );
    gives(&["-D{tags}"], &[tags(None)], both(), &["-Da b", "-Dc"]);
    gives(&["{tags}"], &[tags(None)], json!({"tags": []}), &[]);
    gives(&["{tags}"], &[tags(Some("-t"))], json!({}), &[]);
}

#[test]
fn numbers_are_decimal() {
    let parameters = [
        optional(
            "n",
            Kind::Integer {
                minimum: None,
                maximum: None,
            },
        ),
        optional(
            "x",
            Kind::Number {
                minimum: None,
                maximum: None,
            },
        ),
    ];
    gives(
        &["{n}", "{x}"],
        &parameters,
        json!({"n": 7.0, "x": 0.5}),
        &["7", "0.5"],
    );
}

/// CVE-2025-68144, CVE-2026-27735: an argument of the caller's is no option.
#[test]
fn a_text_does_not_become_an_option() {
    let dash = || json!({"x": "--output=/tmp/x"});
    let plain = optional("x", string());
    for (written, parameter) in [
        ("{x}", plain.clone()),
        ("{x}.txt", plain.clone()),
        ("{x}", flagged("x", "--x", string())),
        ("{x}", optional("x", several(string()))),
    ] {
        let is_list = matches!(parameter.kind, Kind::Array { .. });
        let value = if is_list {
            json!({"x": ["a", "-r"]})
        } else {
            dash()
        };
        let fault = fill(&[written], &[parameter], value).unwrap_err();
        assert!(fault.contains("`x` begins with `-`"), "{fault}");
    }
    let behind_nothing = [optional("a", string()), plain];
    let fault = fill(&["{a}{x}"], &behind_nothing, json!({"a": "", "x": "-r"})).unwrap_err();
    assert!(fault.contains("`x` begins with `-`"), "{fault}");
    let together = fill(&["{a}{x}"], &behind_nothing, json!({"a": "-", "x": "r"}));
    assert!(together.unwrap_err().contains("`a` begins"));
    let fault = fill(&["{a}-{x}"], &behind_nothing, json!({"a": "", "x": "rf"})).unwrap_err();
    assert!(fault.contains("`a` is empty with `-` behind it"), "{fault}");
}

#[test]
fn a_dash_may_stand_where_it_can_do_nothing() {
    let x = || optional("x", string());
    let dash = || json!({"x": "-r"});
    gives(&["--", "{x}"], &[x()], dash(), &["--", "-r"]);
    gives(&["--out={x}"], &[x()], dash(), &["--out=-r"]);
    gives(
        &["{x}"],
        &[flagged("x", "--x=", string())],
        dash(),
        &["--x=-r"],
    );
    let allowed = Parameter {
        allow_leading_dash: true,
        ..x()
    };
    gives(&["{x}"], &[allowed], dash(), &["-r"]);
    let chosen = Kind::String {
        pattern: None,
        choices: vec!["-r".to_owned()],
        format: None,
        min_length: None,
        max_length: None,
    };
    gives(&["{x}"], &[optional("x", chosen)], dash(), &["-r"]);
    // Others than the one of ASCII begin no option.
    gives(&["{x}"], &[x()], json!({"x": "−r"}), &["−r"]);
}

#[test]
fn a_negative_number_needs_a_flag_before_it() {
    let kind = || Kind::Integer {
        minimum: None,
        maximum: None,
    };
    let minus = || json!({"n": -9});
    assert!(fill(&["{n}"], &[optional("n", kind())], minus()).is_err());
    gives(
        &["{n}"],
        &[flagged("n", "-n", kind())],
        minus(),
        &["-n", "-9"],
    );
    gives(
        &["--", "{n}"],
        &[optional("n", kind())],
        minus(),
        &["--", "-9"],
    );
    gives(&["{n}"], &[optional("n", kind())], json!({"n": 9}), &["9"]);
}

#[test]
fn an_element_is_no_longer_than_the_system_takes() {
    let x = [optional("x", string())];
    let longest = "x".repeat(MAX_TEXT - 1);
    gives(&["{x}"], &x, json!({"x": longest}), &[&longest]);
    for written in ["{x}x", "{x}{x}"] {
        let fault = fill(&[written], &x, json!({"x": longest})).unwrap_err();
        assert!(fault.contains("131071"), "{fault}");
    }
}

#[test]
fn a_template_that_some_value_would_not_fit_is_a_fault() {
    let parameters = [
        optional("a", string()),
        optional("l", several(string())),
        flagged("f", "-f", string()),
        flagged("b", "-b", Kind::Boolean),
    ];
    for (written, fault) in [
        ("{z}", "no parameter `z`"),
        ("{a}{l}", "several values"),
        ("{a}{f}", "has a flag"),
        ("x{b}", "its flag or nothing"),
        ("a\0", "NUL"),
    ] {
        let told = fill(&[written], &parameters, json!({})).unwrap_err();
        assert!(told.contains(fault), "{written}: {told}");
    }
}

proptest! {
    /// However many values there are and whatever they hold, each is one element, unchanged, and
    /// none begins with a dash before `--`.
    #[test]
    fn values_are_never_split_joined_or_changed(
        a in any::<String>(), b in any::<String>(), list in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let parameters = [
            optional("a", string()),
            optional("b", string()),
            optional("list", several(string())),
        ];
        let written = ["{a}", "--b={b}", "--", "{list}", "{a}"];
        let mut given = JsonObject::new();
        given.insert("a".to_owned(), a.clone().into());
        given.insert("b".to_owned(), b.clone().into());
        given.insert("list".to_owned(), list.clone().into());
        let has_nul = [&a, &b].into_iter().chain(&list).any(|text| text.contains('\0'));
        match fill(&written, &parameters, Value::Object(given)) {
            Ok(filled) => {
                prop_assert!(!has_nul && !a.starts_with('-'));
                let mut expected = vec![a.clone(), format!("--b={b}"), "--".to_owned()];
                expected.extend(list);
                expected.push(a);
                prop_assert_eq!(filled, expected);
            }
            Err(_) => prop_assert!(has_nul || a.starts_with('-')),
        }
    }
}
