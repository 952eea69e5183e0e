//! Secrets are in `.env` and in the environment, for nobody else to read, and in no repository.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use farcall_config::{Source, variables};

use super::{
    super::{
        command,
        finding::{Chart, Finding},
    },
    Machine, staged, values,
};
use crate::client::one_line;

const CHECK: &str = "secrets";

/// How much of a repository is searched: this many files, and so much of each.
const MOST_FILES: usize = 20_000;
const LARGEST: u64 = 1 << 20;

/// How long it is searched.
const SEARCH: Duration = Duration::from_secs(10);

/// How long git may take for one answer.
const GIT: Duration = Duration::from_secs(5);

pub(super) async fn look(machine: &Machine, chart: &mut Chart) {
    if let Some(finding) = mode() {
        chart.add(finding);
    }
    for finding in repository(machine).await {
        chart.add(finding);
    }
    if let Some(finding) = only_in_shell(&machine.source) {
        chart.add(finding);
    }
}

/// Who may read `.env`.
fn mode() -> Option<Finding> {
    let found = fs::metadata(".env").ok()?;
    let mode = found.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        Finding::broken(
            CHECK,
            format!("`.env` has mode {mode:04o}, so others of this machine may read what is in it"),
        )
        .cause("it was made without a thought of them")
        .remedy("chmod 600 .env")
    })
}

/// What git prints, or why it prints nothing, for people.
async fn git(arguments: &[&str]) -> Result<String, String> {
    match command::output("git", arguments, GIT).await {
        Ok(answer) if answer.is_success => Ok(answer.stdout),
        Ok(answer) => {
            let first = answer.stderr.lines().next().unwrap_or("it says nothing");
            Err(format!("git fails: {}", one_line(first)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("git is not installed".to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(format!(
            "git did not answer within {} seconds",
            GIT.as_secs()
        )),
        Err(error) => Err(format!("git cannot be started: {error}")),
    }
}

/// What is in git and must not be.
async fn repository(machine: &Machine) -> Vec<Finding> {
    const NO_REPOSITORY: &str = "this folder is in no repository of git";
    let why = match git(&["rev-parse", "--is-inside-work-tree"]).await {
        Ok(inside) if inside.trim_end() == "true" => None,
        Ok(_) => Some(NO_REPOSITORY.to_owned()),
        Err(why) if why.contains("not a git repository") => Some(NO_REPOSITORY.to_owned()),
        Err(why) => Some(why),
    };
    if let Some(why) = why {
        let said = format!("{why}, so it was not looked for secrets in one");
        return vec![Finding::unverified(CHECK, said)];
    }
    let mut findings = Vec::new();
    let unseen = |why: &str| {
        Finding::unverified(
            CHECK,
            format!("{why}, so files in git were not searched for secrets"),
        )
        .remedy("let git work here again: git status")
    };
    let data = machine.config.storage.data_dir.display().to_string();
    let mut tracked = match git(&["ls-files", "-z", "--", ".env"]).await {
        Ok(tracked) => tracked,
        Err(why) => return vec![unseen(&why)],
    };
    let of_data = git(&["ls-files", "-z", "--", &data]).await;
    if let Ok(more) = &of_data {
        tracked.push_str(more);
    }
    if let Some(first) = tracked.split('\0').find(|name| !name.is_empty()) {
        findings.push(
            Finding::broken(CHECK, format!("`{first}` is in git"))
                .cause("it was added before it was ignored; who can read the repository has what is in it")
                .remedy(format!(
                    "git rm --cached {first}, add it to .gitignore, and make every secret in it anew: the history keeps the old ones"
                )),
        );
    }
    match of_data {
        // It is of another place, and so in no repository of this one.
        Err(why) if !why.contains("outside repository") => {
            findings.push(unseen(&why));
            return findings;
        }
        Ok(_) | Err(_) => {}
    }
    for (name, is_there) in [
        (".env", Path::new(".env").exists()),
        (&data, Path::new(&data).exists()),
    ] {
        let asked = ["check-ignore", "-q", "--no-index", name];
        let ignored = command::output("git", &asked, GIT).await;
        // 0: it is ignored; 128: it lies outside of the repository.
        let is_seen = ignored.is_ok_and(|ignored| ignored.code == Some(1));
        if is_there && is_seen && !tracked.contains(name) {
            findings.push(
                Finding::warning(CHECK, format!("`{name}` is not ignored by git"))
                    .cause("the next `git add .` would commit it")
                    .remedy(format!("echo {name} >> .gitignore")),
            );
        }
    }
    match listed().await {
        Ok(listed) => findings.extend(leaks(listed, &machine.source, findings.is_empty()).await),
        Err(why) => findings.push(unseen(&why)),
    }
    findings
}

/// What git has here.
struct Listed {
    root: PathBuf,
    files: Vec<String>,
    /// Those of them that are staged otherwise than they lie here.
    differing: HashSet<String>,
}

async fn listed() -> Result<Listed, String> {
    let files = git(&["ls-files", "-z", "--full-name", ":/"]).await?;
    let root = git(&["rev-parse", "--show-toplevel"]).await?;
    let differing = git(&[
        "diff-files",
        "--name-only",
        "-z",
        "--no-relative",
        "--ignore-submodules=all",
    ]);
    let files = files.split('\0').filter(|name| !name.is_empty());
    Ok(Listed {
        root: PathBuf::from(root.trim_end_matches('\n')),
        files: files.map(str::to_owned).collect(),
        differing: staged::names(&differing.await?),
    })
}

/// Values of secrets that stand in files of git, as they lie here and as they are staged.
async fn leaks(listed: Listed, source: &Source, is_clean: bool) -> Vec<Finding> {
    let Listed {
        root,
        files,
        differing,
    } = listed;
    let all = files.len();
    let files: Vec<_> = files.into_iter().take(MOST_FILES).collect();
    let is_differing = |file: &&String| differing.contains(*file);
    let secrets = values::of(source);
    let as_staged: Vec<_> = files.iter().filter(is_differing).cloned().collect();
    let as_staged: Vec<_> = as_staged.iter().collect();
    let beside = (root.clone(), secrets.clone());
    // The values go on no command line, where others of the machine could see them.
    let searched =
        tokio::task::spawn_blocking(move || search(&beside.0, &files, &differing, &beside.1)).await;
    let Ok(searched) = searched else {
        let said = "files in git could not be searched for secrets";
        return vec![Finding::unverified(CHECK, said)];
    };
    if let Some((file, name)) = searched.found {
        return vec![leak(&file, name, "")];
    }
    let held = |text: &[u8]| held(text, &secrets);
    let staged = staged::search(&root, &as_staged, LARGEST, held).await;
    if let Some((file, name)) = staged.found {
        return vec![leak(&file, name, " as it is staged")];
    }
    let mut findings = Vec::new();
    let mut doubt = |said: String| findings.push(Finding::unverified(CHECK, said));
    let files = searched.files;
    if searched.is_late {
        doubt(format!(
            "no secret of the configuration is in the first {files} files of the {all} that git has here; the others were not searched within {} seconds",
            SEARCH.as_secs()
        ));
    } else if files < all {
        doubt(format!(
            "no secret of the configuration is in the first {files} files of the {all} that git has here; no more are searched"
        ));
    }
    if let Some(first) = searched.unread.first() {
        let count = searched.unread.len();
        doubt(format!(
            "{count} of the files that git has here could not be read, so they were not searched for secrets: `{}` is the first",
            one_line(first)
        ));
    }
    if staged.unread > 0 {
        doubt(format!(
            "{} of the files that differ from what is staged in git were not searched as they are staged",
            staged.unread
        ));
    }
    if is_clean && findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            format!("no secret of the configuration is in the {files} files that git has here, in the first MiB of each; their history was not searched"),
        ));
    }
    findings
}

fn leak(file: &str, name: &str, how: &str) -> Finding {
    let what = if name == variables::FARCALL_DATABASE_URL.name {
        "password in"
    } else {
        "value of"
    };
    Finding::broken(CHECK, format!("the {what} `{name}` stands in `{}`{how}, which is in git", one_line(file)))
        .cause("a secret was written into a file that is committed")
        .remedy(format!("take it out, make a new one, and keep that in `.env` or the environment alone; write ${{{name}}} where a file must name it"))
}

/// What came of a search.
#[derive(Default)]
struct Searched {
    /// A file, and the name of the secret in it.
    found: Option<(String, &'static str)>,
    /// How many were looked at.
    files: usize,
    /// Those of them that could not be read.
    unread: Vec<String>,
    /// Whether the time was over before the end.
    is_late: bool,
}

fn search(
    root: &Path,
    files: &[String],
    differing: &HashSet<String>,
    secrets: &[(&'static str, String)],
) -> Searched {
    let began = Instant::now();
    let mut searched = Searched::default();
    for file in files {
        if began.elapsed() >= SEARCH {
            searched.is_late = true;
            break;
        }
        match beginning(&root.join(file)) {
            Ok(text) => {
                if let Some(name) = held(&text, secrets) {
                    searched.found = Some((file.clone(), name));
                    break;
                }
            }
            // What is staged of it is looked at.
            Err(error) if error.kind() == io::ErrorKind::NotFound && differing.contains(file) => {}
            Err(_) => searched.unread.push(file.clone()),
        }
        searched.files += 1;
    }
    searched
}

/// The name of the secret that is in a text.
fn held(text: &[u8], secrets: &[(&'static str, String)]) -> Option<&'static str> {
    let has = |value: &str| {
        text.windows(value.len())
            .any(|window| window == value.as_bytes())
    };
    let found = secrets.iter().find(|(_, value)| has(value));
    found.map(|(name, _)| *name)
}

/// The beginning of a file; of a link where it leads, of a folder, as of another repository in this one, nothing.
fn beginning(file: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::symlink_metadata(file)?.file_type();
    let mut text = Vec::new();
    if kind.is_symlink() {
        text.extend_from_slice(fs::read_link(file)?.as_os_str().as_encoded_bytes());
    } else if kind.is_file() {
        fs::File::open(file)?.take(LARGEST).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// Secrets that a service would not have, because only this shell does.
fn only_in_shell(shell: &Source) -> Option<Finding> {
    let service = Source::from_folder(Path::new(".")).ok()?;
    let differing = shell.differing(&service);
    let names = differing.filter(|variable| {
        variables::SECRET.contains(variable)
            && std::env::var_os(variable.name).is_some()
            && **variable != variables::FARCALL_TOKEN
    });
    let names: Vec<_> = names
        .map(|variable| format!("`{}`", variable.name))
        .collect();
    (!names.is_empty()).then(|| {
        Finding::warning(
            CHECK,
            format!("{} is in this shell and not in `.env`", names.join(", ")),
        )
        .cause("a service manager starts the server without this shell")
        .remedy("put it into `.env`, mode 0600, before `deploy systemd`")
    })
}
