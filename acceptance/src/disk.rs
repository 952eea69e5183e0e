//! Small disks: real file systems in memory, in a place where a test may mount what it likes.

use std::{
    any::type_name_of_val,
    env,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::scratch;

/// Names the file in which a test says that it has run in a place of its own.
const WITNESS: &str = "FARCALL_TEST_WITNESS";

/// What a page of memory takes.
const PAGE: usize = 4_096;

/// Runs `test` where mounts are its own and gone with it: in another process, which runs the test that
/// calls this and nothing else. `test` has to be an async block in the function of that test.
pub fn with_own_mounts<T: Future<Output = ()>>(target_tmp: &str, test: T) {
    if let Some(witness) = env::var_os(WITNESS) {
        fs::write(witness, "").unwrap();
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        return runtime.enable_all().build().unwrap().block_on(test);
    }
    let folder = scratch(target_tmp);
    let witness = folder.path().join("witness");
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    let ended = unshare
        .arg(env::current_exe().unwrap())
        .args(["--exact", name_of(&test), "--nocapture"])
        .env(WITNESS, &witness)
        .output()
        .unwrap_or_else(|error| panic!("`unshare` of util-linux cannot be run: {error}"));
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        witness.exists(),
        "this test mounts small disks, in a mount namespace of its own; run it as root, or where user \
         namespaces are allowed:\n{said}"
    );
    assert!(ended.status.success(), "{said}");
}

/// The name of the test whose async block this is, as the test runner knows it.
fn name_of<T>(block: &T) -> &'static str {
    let name = type_name_of_val(block);
    let name = name.trim_end_matches("::{{closure}}");
    name.split_once("::").map_or(name, |(_, name)| name)
}

/// A small disk; it is taken off when this is dropped.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

/// What fills a disk; the room is there again when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Filler(PathBuf);

impl SmallDisk {
    /// Mounts an empty disk of `bytes` at `folder`, which is made.
    pub fn mount(folder: &Path, bytes: u64) -> Self {
        fs::create_dir(folder).unwrap();
        let size = std::ffi::CString::new(format!("size={bytes},mode=0700")).unwrap();
        let mounted = mount("none", folder, "tmpfs", MountFlags::empty(), &*size);
        mounted.unwrap_or_else(|error| {
            panic!(
                "a tmpfs cannot be mounted at `{}`: {error}",
                folder.display()
            )
        });
        Self(folder.to_owned())
    }

    /// How many bytes are free.
    pub fn free(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.0).unwrap();
        disk.f_bavail * disk.f_frsize
    }

    /// Fills it until `left` bytes are free; to the last byte with 0.
    pub fn fill(&self, left: u64) -> Filler {
        let filler = Filler(self.0.join("filler"));
        let mut file = File::create(&filler.0).unwrap();
        while left == 0 || self.free() > left {
            match file.write_all(&[0x5a; PAGE]) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                Err(error) => panic!("the disk cannot be filled: {error}"),
            }
        }
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever has a file open on it keeps it until then.
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

impl Filler {
    /// Takes what has become free since.
    pub fn fill_up(&self) {
        let mut file = OpenOptions::new().append(true).open(&self.0).unwrap();
        while file.write_all(&[0x5a; PAGE]).is_ok() {}
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
