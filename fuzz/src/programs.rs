//! What wrapped programs are given, and what they say.

use std::sync::LazyLock;

use farcall_config::{
    file::{Body, Entry, Preset, ProgressPattern},
    fuzzing::farcall_toml,
};
use farcall_core::JsonObject;
use farcall_wrap::{
    events::{Event, Events},
    fuzzing,
    progress::ProgressReader,
    text::clean,
};
use serde_json::{Value, json};

use crate::{choice, records, stand_in};

/// A value is one argument, or its part, whatever it is: a program is given what it would be given for values
/// of one letter, with the values in their place. Before `--` none of them begins with a dash.
pub(crate) fn argv(data: &[u8]) {
    let Some([template, a, b, c, d]) = records(data) else {
        return;
    };
    if stand_in::is_in(template) {
        return;
    }
    let command: Vec<_> = std::iter::once("/bin/cat")
        .chain(template.split('\n'))
        .collect();
    // One that the command does not name would be a fault of the file.
    let declared = [
        ("a", "type = \"string\""),
        ("b", "type = \"string\", flag = \"-b\""),
        ("c", "type = \"string\", flag = \"--c=\""),
        ("d", "type = \"string\""),
        ("l", "type = \"array\", items = { type = \"string\" }"),
    ]
    .iter()
    .filter(|(name, _)| template.contains(&format!("{{{name}}}")))
    .map(|(name, declared)| format!("params.{name} = {{ {declared}, description = \"A.\" }}\n"))
    .collect::<Vec<_>>()
    .concat();
    let file = format!(
        "[tool.t]\ndescription = \"T.\"\ncommand = {}\n{declared}",
        json!(command)
    );
    let Ok(project) = farcall_toml(file.as_bytes()) else {
        return;
    };
    let Some(Entry::Tool(tool)) = project.entries.first() else {
        return;
    };
    let Body::Command(command) = &tool.body else {
        return;
    };
    let filled = |[a, b, c, d]: [&str; 4]| {
        let said = json!({"a": a, "b": b, "c": c, "d": d, "l": [d, a, b, c]});
        let said = JsonObject::from_iter(said.as_object().cloned().unwrap_or_default());
        let filled = fuzzing::argv(command, &tool.parameters, &said).ok()?;
        filled
            .into_iter()
            .map(|argument| argument.into_string().ok())
            .collect::<Option<Vec<_>>>()
    };
    let values = [a, b, c, d];
    let letters = [0, 1, 2, 3].map(|number| stand_in::letter(number).to_string());
    let plain = filled(letters.each_ref().map(String::as_str));
    let Some(plain) = plain else {
        panic!("letters do not fit into a template that was taken");
    };
    let Some(filled) = filled(values) else {
        let is_harmless =
            |value: &&str| !value.is_empty() && !value.contains('\0') && !value.starts_with('-');
        assert!(
            !values.iter().all(is_harmless),
            "harmless values are refused"
        );
        return;
    };
    let expected: Vec<_> = plain
        .iter()
        .map(|plain| stand_in::replaced(plain, &values))
        .collect();
    assert_eq!(filled, expected);
    let options = plain
        .iter()
        .zip(&filled)
        .take_while(|(plain, _)| *plain != "--");
    for (plain, argument) in options {
        let is_meant = !plain.starts_with(|first: char| stand_in::is_in(&first.to_string()));
        assert!(
            is_meant || !argument.starts_with('-'),
            "{argument:?} is an option"
        );
    }
}

/// Events are the same however their bytes are cut, and none says what cannot be.
pub(crate) fn event(data: &[u8]) {
    let (at, data) = choice(data);
    let whole = Events::default().push(data);
    let (first, second) = data.split_at(at.min(data.len()));
    let mut events = Events::default();
    let mut pieces = events.push(first);
    pieces.extend(events.push(second));
    assert_eq!(whole, pieces);
    for event in whole.into_iter().flatten() {
        if let Event::Progress {
            fraction: Some(fraction),
            ..
        } = event
        {
            assert!((0.0..=1.0).contains(&fraction), "{fraction}");
        }
    }
}

/// Lines are the same however their bytes are cut, and hold nothing that misleads a reader.
pub(crate) fn output(data: &[u8]) {
    let (at, data) = choice(data);
    let (first, second) = data.split_at(at.min(data.len()));
    let whole = fuzzing::lines(&[data]);
    assert_eq!(whole, fuzzing::lines(&[first, second]));
    for line in whole {
        assert!(!line.contains(['\u{1b}', '\u{202e}', '\0']), "{line:?}");
        assert_eq!(clean(&line), line);
    }
}

/// No program is further than at its end.
pub(crate) fn progress(data: &[u8]) {
    static READERS: LazyLock<Vec<ProgressReader>> = LazyLock::new(|| {
        let presets = [
            Preset::Ffmpeg,
            Preset::Fraction,
            Preset::Percent,
            Preset::Tqdm,
        ];
        let readers = presets.map(|preset| ProgressReader::new(&ProgressPattern::Preset(preset)));
        readers.into_iter().flatten().collect()
    });
    let (preset, data) = choice(data);
    let mut reader = READERS[preset % 4].clone();
    for line in String::from_utf8_lossy(data).split(['\r', '\n']) {
        let reading = reader.read(line);
        if let Some(fraction) = reading.and_then(|reading| reading.fraction) {
            assert!((0.0..=1.0).contains(&fraction), "{fraction} of {line:?}");
        }
    }
}

/// Whatever comes over the shim's socket, it is the messages that are there as a whole, up to the first that is
/// none.
pub(crate) fn shim(data: &[u8]) {
    let (mut rest, mut expected) = (data, 0);
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some(message) = after.get(..length) else {
            break;
        };
        if serde_json::from_slice::<Value>(message).is_err() {
            break;
        }
        expected += 1;
        rest = &after[length..];
    }
    assert_eq!(fuzzing::messages(data), expected);
}
