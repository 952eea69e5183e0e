//! Whatever stands in a file, it is judged and nothing panics.

use proptest::prelude::*;

use super::*;

/// Lines as somebody might write them who knows every key, and no value.
fn line() -> impl Strategy<Value = String> {
    let keys: Vec<_> = FILE
        .all()
        .into_iter()
        .flat_map(Section::keys)
        .map(|key| key.name)
        .collect();
    let key = prop::sample::select(keys);
    let value = prop::sample::select(vec![
        "1",
        "-1",
        "1.5",
        "nan",
        "true",
        "\"\"",
        "\"x\"",
        "\"{x}\"",
        "\"{\"",
        "\"}}\"",
        "\"${X}\"",
        "\"${\"",
        "\"1s\"",
        "\"ffprobe\"",
        "[]",
        "[\"ffprobe\", \"{x}\"]",
        "[\"sh\", \"-c\", \"{x}\"]",
        "[[1]]",
        "{}",
        "{ x = {} }",
        "{ type = \"array\", items = { type = \"file\" } }",
        "{ x = { type = \"string\", description = \"x\" } }",
        "1979-05-27",
        "'''\n'''",
        "\"/{x}/..\"",
        "99999999999999999999",
        "\"\\u0000\"",
    ]);
    let header = prop::sample::select(vec![
        "[server]",
        "[tool.x]",
        "[job.x]",
        "[service.x]",
        "[mount.x]",
        "[tool.x.params.x]",
        "[job.x.request]",
        "[[tool]]",
        "[tool.\"\u{202e}\"]",
        "[mount.x.jobs.x]",
        "[job.x.request.upstream]",
        "[service.x.openapi]",
        "[",
    ]);
    prop_oneof![
        4 => (key, value).prop_map(|(key, value)| format!("{key} = {value}\n")),
        1 => header.prop_map(|header| format!("{header}\n")),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let source = Source::default();
        let _ = read_bytes(&bytes, Path::new("/nowhere"), &source);
    }

    #[test]
    fn any_text_is_judged(text in "[\\[\\]{}=\"'#.,\\\\a-c0-9 \n\u{e9}\u{202e}]{0,120}") {
        let source = Source::default();
        let _ = read_bytes(text.as_bytes(), Path::new("/nowhere"), &source);
    }

    #[test]
    fn any_soup_of_keys_is_judged(lines in prop::collection::vec(line(), 0..30)) {
        let source = Source::default();
        if let Err((faults, _)) = read_bytes(lines.concat().as_bytes(), Path::new("/nowhere"), &source) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(!fault.message.is_empty() && !fault.hint.is_empty());
            }
        }
    }
}
