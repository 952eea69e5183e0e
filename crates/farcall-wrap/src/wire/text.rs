//! Text of the operating system.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// Any bytes; written as text where they are, as they nearly always are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Utf8(String),
    Bytes(Vec<u8>),
}

impl Text {
    pub(crate) fn as_os_str(&self) -> &OsStr {
        match self {
            Self::Utf8(text) => OsStr::new(text),
            Self::Bytes(bytes) => OsStr::from_bytes(bytes),
        }
    }

    pub(crate) fn as_path(&self) -> &Path {
        Path::new(self.as_os_str())
    }
}

impl From<OsString> for Text {
    fn from(text: OsString) -> Self {
        match text.into_string() {
            Ok(text) => Self::Utf8(text),
            Err(text) => Self::Bytes(text.into_vec()),
        }
    }
}

impl From<PathBuf> for Text {
    fn from(path: PathBuf) -> Self {
        path.into_os_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_travel_too() {
        for bytes in [b"plain".as_slice(), b"\xff\xfe", b"", "ä\n\0".as_bytes()] {
            let text = Text::from(OsStr::from_bytes(bytes).to_owned());
            let json = serde_json::to_string(&text).unwrap();
            let back: Text = serde_json::from_str(&json).unwrap();
            assert_eq!(back.as_os_str().as_bytes(), bytes);
        }
    }
}
