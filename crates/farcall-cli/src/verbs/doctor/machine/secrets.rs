//! Secrets are in `.env` and in the environment, for nobody else to read, and in no repository.

use std::{
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
    Machine,
};
use crate::client::one_line;

const CHECK: &str = "secrets";

/// Values that are shorter than this are found everywhere, and are no secrets.
const SECRET: usize = 8;

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
    match git(&["ls-files", "-z", "--", &data]).await {
        Ok(more) => tracked.push_str(&more),
        // It is of another place, and so in no repository of this one.
        Err(why) if why.contains("outside repository") => {}
        Err(why) => return vec![unseen(&why)],
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
    let listed = match git(&["ls-files", "-z", "--full-name", ":/"]).await {
        Ok(files) => git(&["rev-parse", "--show-toplevel"])
            .await
            .map(|root| (files, root)),
        Err(why) => Err(why),
    };
    let (files, root) = match listed {
        Ok(listed) => listed,
        Err(why) => {
            findings.push(unseen(&why));
            return findings;
        }
    };
    let root = PathBuf::from(root.trim_end_matches('\n'));
    let files: Vec<_> = files.split('\0').filter(|name| !name.is_empty()).collect();
    let all = files.len();
    let files = files.into_iter().take(MOST_FILES).map(str::to_owned);
    let files: Vec<_> = files.collect();
    let secrets = values(&machine.source);
    // The values go on no command line, where others of the machine could see them.
    let searched = tokio::task::spawn_blocking(move || search(&root, &files, &secrets)).await;
    match searched {
        Ok(Searched::Found { file, name }) => findings.push(
            Finding::broken(CHECK, format!("the value of `{name}` stands in `{file}`, which is in git"))
                .cause("a secret was written into a file that is committed")
                .remedy(format!("take it out, make a new one, and keep that in `.env` or the environment alone; write ${{{name}}} where a file must name it")),
        ),
        Ok(Searched::Clean(files)) if files < all => findings.push(Finding::unverified(
            CHECK,
            format!("no secret of the configuration is in the first {files} files of the {all} that git has here; no more are searched"),
        )),
        Ok(Searched::Clean(files)) if findings.is_empty() => findings.push(Finding::ok(
            CHECK,
            format!("no secret of the configuration is in the {files} files that git has here, in the first MiB of each; their history was not searched"),
        )),
        Ok(Searched::Clean(_)) => {}
        Ok(Searched::Late(files)) => findings.push(Finding::unverified(
            CHECK,
            format!("no secret of the configuration is in the first {files} files of the {all} that git has here; the others were not searched within {} seconds", SEARCH.as_secs()),
        )),
        Err(_) => findings.push(Finding::unverified(CHECK, "files in git could not be searched for secrets")),
    }
    findings
}

/// What came of a search.
enum Searched {
    Found {
        file: String,
        name: &'static str,
    },
    /// Nothing is in so many files, which are all.
    Clean(usize),
    /// Nothing is in so many files, and then the time was over.
    Late(usize),
}

fn search(root: &Path, files: &[String], secrets: &[(&'static str, String)]) -> Searched {
    let began = Instant::now();
    for (done, file) in files.iter().enumerate() {
        if began.elapsed() >= SEARCH {
            return Searched::Late(done);
        }
        if let Some(name) = held(&root.join(file), secrets) {
            let file = file.clone();
            return Searched::Found { file, name };
        }
    }
    Searched::Clean(files.len())
}

/// The secrets that are set, by the names of their variables.
fn values(source: &Source) -> Vec<(&'static str, String)> {
    let secret = variables::SECRET.iter();
    let set =
        secret.filter_map(|variable| Some((variable.name, source.filled(variable)?.to_owned())));
    set.filter(|(_, value)| value.len() >= SECRET).collect()
}

/// The name of the secret that is in a file.
fn held(file: &Path, secrets: &[(&'static str, String)]) -> Option<&'static str> {
    let text = beginning(file).ok()?;
    let has = |value: &str| {
        text.windows(value.len())
            .any(|window| window == value.as_bytes())
    };
    let found = secrets.iter().find(|(_, value)| has(value));
    found.map(|(name, _)| *name)
}

fn beginning(file: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if fs::symlink_metadata(file)?.is_file() {
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
