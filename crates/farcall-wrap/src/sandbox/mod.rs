//! What keeps a program in its place.
//!
//! By default the kernel does (landlock(7)): a program reads and executes what the system has installed
//! and what lies beside itself, reads what the declaration names apart from what is the server's own
//! (`given.rs`), and writes beneath its working folder. It cannot signal processes that are not its own, nor look into them, and has no
//! privileges but over those files, even where the server is root. `bwrap` gives it less still:
//! no network, a temporary folder of its own, and no sight of other processes.

pub(crate) mod bubblewrap;
mod given;
#[cfg(target_os = "linux")]
pub(crate) mod landlock;
mod places;
#[cfg(target_os = "linux")]
pub(crate) mod privileges;

use std::path::PathBuf;

use farcall_config::file::Sandbox;

/// What there is on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    /// The version of landlock's interface that is used; `None` where the kernel has none.
    pub landlock: Option<u32>,
    /// Where bubblewrap is, or a sentence that says why it cannot be used.
    pub bubblewrap: Result<PathBuf, String>,
}

/// Looks at what there is; it starts a process for that and takes some milliseconds.
pub fn available() -> Available {
    #[cfg(target_os = "linux")]
    let landlock = landlock::version();
    #[cfg(not(target_os = "linux"))]
    let landlock = None;
    Available {
        landlock,
        bubblewrap: bubblewrap::find().and_then(|path| {
            bubblewrap::try_out(&path)?;
            Ok(path)
        }),
    }
}

impl Available {
    /// What a program that asks for `sandbox` would have to do without, as a sentence. For
    /// [`Sandbox::Default`] it is a warning; with the others the server must not start.
    pub fn missing(&self, sandbox: Sandbox) -> Option<String> {
        match sandbox {
            Sandbox::Off => None,
            Sandbox::Bwrap => self.bubblewrap.clone().err(),
            Sandbox::Default | Sandbox::Required => match self.landlock {
                None => Some(
                    "the kernel has no landlock, so programs read and write whatever their user may"
                        .to_owned(),
                ),
                Some(version @ 1..3) => Some(format!(
                    "landlock {version} of this kernel lets programs truncate files that they may not write; Linux 6.2 does not"
                )),
                Some(_) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(landlock: Option<u32>) -> Available {
        Available {
            landlock,
            bubblewrap: Err("there is no `bwrap`".to_owned()),
        }
    }

    #[test]
    fn what_is_missing_depends_on_what_is_asked_for() {
        let nothing = with(None);
        assert!(nothing.missing(Sandbox::Default).is_some());
        assert!(nothing.missing(Sandbox::Required).is_some());
        assert!(nothing.missing(Sandbox::Bwrap).is_some());
        assert_eq!(nothing.missing(Sandbox::Off), None);
        assert!(with(Some(2)).missing(Sandbox::Required).is_some());
        assert_eq!(with(Some(3)).missing(Sandbox::Required), None);
    }
}
