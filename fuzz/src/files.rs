//! What stands in files of the operator.

use farcall_config::fuzzing;

/// A file is read or its faults are told, each with a place that is there.
pub(crate) fn farcall_toml(data: &[u8]) {
    let Err(faults) = fuzzing::farcall_toml(data) else {
        return;
    };
    assert!(!faults.faults.is_empty(), "it is refused without a reason");
    let lines = data.split(|byte| *byte == b'\n').count();
    for finding in faults.faults.iter().chain(&faults.warnings) {
        assert!(!finding.message.is_empty() && !finding.hint.is_empty());
        if let Some(place) = &finding.place {
            assert!((1..=lines).contains(&place.line), "{place:?}");
            assert!(place.column >= 1 && place.length >= 1, "{place:?}");
        }
    }
}

/// A time or a size is read or is none.
pub(crate) fn units(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        fuzzing::units(text);
    }
}
