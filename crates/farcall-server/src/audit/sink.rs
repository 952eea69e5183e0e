//! What the lines are written to.

use std::{
    fs::{File, Metadata, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use super::AuditPlace;

/// What nobody but the user of the server may do with the file.
const OF_OTHERS: u32 = 0o077;

/// A file, or standard output.
pub(super) struct Sink {
    place: Box<dyn Write + Send>,
    /// Whether the last line in it was cut off: by a full disk, or with the machine that wrote it.
    is_torn: bool,
}

/// Opens a place for lines at its end. A file that others may read or write is taken from them.
///
/// # Errors
/// What the system says where it cannot be opened, looked at, or taken from others.
pub(super) fn open(place: &AuditPlace) -> io::Result<Sink> {
    match place {
        AuditPlace::File(path) => {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)?;
            let about = file.metadata()?;
            if about.is_file() && about.permissions().mode() & OF_OTHERS != 0 {
                file.set_permissions(Permissions::from_mode(0o600))?;
            }
            Ok(Sink {
                is_torn: is_torn(path, &about)?,
                place: Box::new(file),
            })
        }
        AuditPlace::Stdout => Ok(Sink {
            place: Box::new(io::stdout()),
            is_torn: false,
        }),
    }
}

/// Whether a file does not end in a whole line. What is no file, such as a pipe, cannot be looked at.
fn is_torn(path: &Path, about: &Metadata) -> io::Result<bool> {
    if !about.is_file() || about.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    File::open(path)?.read_exact_at(&mut last, about.len() - 1)?;
    Ok(last != *b"\n")
}

impl Sink {
    /// Writes the beginning of `bytes`, and says how many of them; a line that was cut off before ends first.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_torn {
            self.place.write_all(b"\n")?;
            self.is_torn = false;
        }
        let written = self.place.write(bytes)?;
        // Each line goes at once, also where standard output would keep it.
        self.place.flush()?;
        Ok(written)
    }
}
