//! Which files a program needs, wherever it comes from.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// What the system has installed, for all; no user's files, and nothing of services.
pub(super) const SYSTEM: &[&str] = &[
    "/bin",
    "/etc",
    "/gnu/store",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/opt",
    "/sbin",
    "/sys",
    "/usr",
    "/var/cache/fontconfig",
    // Where names, graphics drivers and certificates are on some systems.
    "/etc/resolv.conf",
    "/run/current-system",
    "/run/opengl-driver",
    "/run/systemd/resolve",
];

/// Devices that hold nothing of anybody's.
const DEVICES: &[&str] = &[
    "/dev/dri",
    "/dev/full",
    "/dev/kfd",
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
];

/// Beside an executable in a folder `bin`: what belongs to the same installation, as of a virtual
/// environment, a toolchain or an interpreter of a user's own.
const NEIGHBOURS: &[&str] = &["bin", "include", "lib", "lib64", "libexec", "pyvenv.cfg"];

/// Beside an executable in a folder `shims`: what a manager of versions (pyenv, rbenv, asdf) runs in its
/// place.
const MANAGED: &[&str] = &[
    "installs", "lib", "libexec", "plugins", "pyenv.d", "rbenv.d", "shims", "version", "versions",
];

/// The devices above that there are, and those of NVIDIA.
pub(super) fn devices() -> Vec<PathBuf> {
    let mut devices: Vec<_> = DEVICES.iter().map(PathBuf::from).collect();
    for entry in fs::read_dir("/dev").into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"nvidia") {
            devices.push(entry.path());
        }
    }
    devices.retain(|device| device.exists());
    devices
}

/// The program, and its installation, both where its path leads and where its link does.
pub(super) fn beside(program: &Path) -> Vec<PathBuf> {
    let mut places = vec![program.to_owned()];
    let resolved = fs::canonicalize(program).ok();
    for path in resolved.as_deref().into_iter().chain([program]) {
        let Some(folder) = path.parent() else {
            continue;
        };
        let neighbours = match folder.file_name().and_then(OsStr::to_str) {
            Some("bin") => NEIGHBOURS,
            Some("shims") => MANAGED,
            _ => continue,
        };
        if let Some(installation) = folder.parent() {
            places.extend(neighbours.iter().map(|name| installation.join(name)));
        }
    }
    places.extend(resolved);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_not_beside_a_program_in_it() {
        let places = beside(Path::new("/home/ada/render.sh"));
        assert_eq!(places, [Path::new("/home/ada/render.sh")]);
        let places = beside(Path::new("/home/ada/bin/render"));
        assert!(places.contains(&PathBuf::from("/home/ada/lib")));
        assert!(!places.contains(&PathBuf::from("/home/ada")));
    }

    #[test]
    fn what_a_shim_runs_is_beside_it() {
        let places = beside(Path::new("/home/ada/.pyenv/shims/python3"));
        for needed in ["libexec", "version", "versions"] {
            let needed = Path::new("/home/ada/.pyenv").join(needed);
            assert!(places.contains(&needed), "{needed:?}");
        }
    }
}
