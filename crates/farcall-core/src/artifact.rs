//! What a job leaves behind: files with a name, a size and a checksum.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// A file that a job wrote, complete and on disk.
///
/// It may be a stage's value or a pipeline's result. Callers only ever see it as a
/// URL, and only after the job has succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Artifact {
    /// File name without any folder, for example `animation.gif`.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Media type, for example `image/gif`.
    pub media_type: String,
    /// Where the bytes are, relative to the artifact store; never written into a value, because
    /// values reach callers.
    #[serde(skip)]
    pub location: String,
}

impl Artifact {
    /// The description of bytes that a sink has put at `location`.
    pub fn new(
        name: impl Into<String>,
        media_type: impl Into<String>,
        size: u64,
        sha256: impl Into<String>,
        location: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            size,
            sha256: sha256.into(),
            media_type: media_type.into(),
            location: location.into(),
        }
    }
}

/// Takes the bytes of one artifact; nothing is visible before [`finish`](Self::finish).
pub trait ArtifactSink: Write + Send {
    /// Makes the bytes durable and returns their description.
    ///
    /// # Errors
    /// A [`Problem`] with the code `storage_full` or `internal` when they cannot be kept.
    fn finish(self: Box<Self>) -> Result<Artifact, Problem>;
}

/// The media type of a file by its extension, `application/octet-stream` where unknown.
///
/// The list is short on purpose: it holds no type that a browser would run.
pub fn media_type_of(file_name: &str) -> &'static str {
    let extension = file_name.rsplit_once('.').map_or("", |(_, end)| end);
    match extension.to_ascii_lowercase().as_str() {
        "avif" => "image/avif",
        "csv" => "text/csv",
        "flac" => "audio/flac",
        "gif" => "image/gif",
        "gz" => "application/gzip",
        "jpeg" | "jpg" => "image/jpeg",
        "json" => "application/json",
        "log" | "md" | "txt" => "text/plain; charset=utf-8",
        "mkv" => "video/x-matroska",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "ogg" => "audio/ogg",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "tar" => "application/x-tar",
        "wav" => "audio/wav",
        "webm" => "video/webm",
        "webp" => "image/webp",
        "zip" => "application/zip",
        "zst" => "application/zstd",
        _ => "application/octet-stream",
    }
}

/// Bytes as lower-case hexadecimal digits, two for each.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;

    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
