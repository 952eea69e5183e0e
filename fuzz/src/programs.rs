//! What wrapped programs say.

use farcall_config::file::{Preset, ProgressPattern};
use farcall_wrap::{
    events::{Event, Events},
    fuzzing,
    progress::ProgressReader,
    text::clean,
};

use crate::choice;

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
    let (preset, data) = choice(data);
    let preset = match preset % 4 {
        0 => Preset::Ffmpeg,
        1 => Preset::Fraction,
        2 => Preset::Percent,
        _ => Preset::Tqdm,
    };
    let Ok(mut reader) = ProgressReader::new(&ProgressPattern::Preset(preset)) else {
        panic!("a preset is no pattern");
    };
    for line in String::from_utf8_lossy(data).split(['\r', '\n']) {
        let reading = reader.read(line);
        if let Some(fraction) = reading.and_then(|reading| reading.fraction) {
            assert!((0.0..=1.0).contains(&fraction), "{fraction} of {line:?}");
        }
    }
}

/// Whatever comes over the shim's socket, it is messages up to somewhere.
pub(crate) fn shim(data: &[u8]) {
    let messages = fuzzing::messages(data);
    // The shortest message has a length and one digit.
    assert!(messages * 5 <= data.len());
}
