//! `farcall.py`, by which a Python program reports its progress.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
};

use crate::{Failure, terminal::talk};

/// The file that is written.
pub(super) const FILE: &str = "farcall.py";

const TEXT: &str = include_str!("farcall.py");

/// Puts it beside a program, unless there is one.
///
/// # Errors
/// A [`Failure`] where it cannot be written.
pub(super) fn put_beside(program: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(FILE);
    match file.and_then(|mut file| file.write_all(TEXT.as_bytes())) {
        Ok(()) => {
            talk(&format!(
                "`{FILE}` is written: `{program}` can import it to report progress (optional)"
            ));
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Failure::failed(format!(
            "`{FILE}` cannot be written: {error}"
        ))),
    }
}
