//! What is deployed, read as a server reads it that a service manager starts: it has `.env` and `farcall.toml`,
//! and nothing of this shell but what the files say.

use std::{
    env,
    path::{self, Path, PathBuf},
};

use farcall_config::{Source, variables};

use super::{Deployment, deployment::called, ignored, package, project};
use crate::{
    Failure,
    subject::{Configured, Reader, Subject},
};

/// Who reads here.
const READER: Reader = Reader {
    verb: "deploy …",
    has_faults: "has faults for a service, which has `.env` and no shell",
};

/// How the variables of a cloud begin, for buckets whose URL begins like this.
const CLOUDS: [(&str, &str); 3] = [("az:", "AZURE_"), ("gs:", "GOOGLE_"), ("s3:", "AWS_")];

/// What is in the name of a variable of a cloud that holds a secret.
const SECRETS: [&str; 6] = ["CREDENTIAL", "KEY", "PASSWORD", "SAS", "SECRET", "TOKEN"];

/// What an image says by itself, so that nothing of outside is passed on.
const IN_IMAGE: [&str; 5] = [
    variables::MCP_HOST.name,
    variables::MCP_PORT.name,
    variables::PORT.name,
    variables::FARCALL_DATA_DIR.name,
    variables::FARCALL_ALLOW_UNAUTHENTICATED.name,
];

/// Whether no server reads a variable: the path of programs, which an image has of its own, and what is for clients, for
/// the build of an image and for compose.
fn is_of_others(name: &str) -> bool {
    const OTHERS: [&str; 3] = ["FARCALL", variables::FARCALL_TOKEN.name, "PATH"];
    OTHERS.contains(&name) || name.starts_with("COMPOSE_")
}

/// What containers are given in any case, where `.env` or the shell says it.
const PASSED: [&str; 4] = [
    variables::PUBLIC_BASE_URL.name,
    variables::MCP_BEARER_TOKEN.name,
    variables::FARCALL_ALLOWED_HOSTS.name,
    variables::FARCALL_TRUSTED_PROXIES.name,
];

/// What is deployed, and sentences about what only this shell knows and no file may hold.
///
/// # Errors
/// Everything for which the server would not start as a service.
pub(super) async fn read(subject: Subject<'_>) -> Result<(Deployment, Vec<String>), Failure> {
    let here = env::current_dir().map_err(|error| {
        Failure::failed(format!("the working directory cannot be found: {error}"))
    })?;
    let usage = |error: farcall_config::ConfigError| Failure::usage(error.to_string());
    let shell = Source::from_environment(&here).map_err(usage)?;
    let mut service = Source::from_folder(&here).map_err(usage)?;
    let mut passed: Vec<_> = service.names().map(str::to_owned).collect();
    let (environment, mut left_out) = of_shell(&shell, &mut service, subject);

    let program = env::current_exe().map_err(|error| {
        Failure::failed(format!("the path of this program cannot be found: {error}"))
    })?;
    let Configured {
        project: declared,
        config,
    } = subject.read(&mut service, &READER).await?;
    let secret_files = secret_files(&shell, &here);
    let (name, arguments, build) = match (subject, declared) {
        (Subject::App(app), _) => {
            let build = package::build(&here, &program);
            (app.identity.name.clone(), vec!["serve".to_owned()], build)
        }
        (Subject::File(file), declared) => {
            let declared = declared.ok_or_else(|| Failure::failed("the file was not read"))?;
            let mut arguments = vec!["serve".to_owned()];
            if file != Path::new("farcall.toml") {
                let file = path::absolute(file).unwrap_or_else(|_| file.to_owned());
                arguments.extend(["--config".to_owned(), utf8(&file)?]);
            }
            let own = ignored::own(&here, &config, &secret_files);
            let build = project::build(&declared, file, &here, &own);
            (declared.server.name, arguments, build)
        }
    };
    left_out.extend(of_cloud(&shell, &service));
    if config.http.port == 0 {
        return Err(Failure::usage(
            "`MCP_PORT` is `0`, so the port is another one each time, and nothing can be put in front of it",
        )
        .hint("set a port, such as MCP_PORT=8900"));
    }
    passed.extend(PASSED.map(str::to_owned));
    passed.extend(environment.iter().map(|(name, _)| name.clone()));
    passed.retain(|name| !IN_IMAGE.contains(&name.as_str()) && !is_of_others(name));
    passed.sort_unstable();
    passed.dedup();
    let command = match subject {
        Subject::App(_) => called(&program),
        Subject::File(_) => "farcall".to_owned(),
    };
    let deployment = Deployment {
        name,
        command: format!("{command} deploy"),
        file: match subject {
            Subject::File(file) if file != Path::new("farcall.toml") => Some(utf8(file)?),
            _ => None,
        },
        home: utf8(&home())?,
        folder: utf8(&here)?,
        program: utf8(&program)?,
        arguments,
        environment,
        passed,
        secret_files,
        build,
        routes: match subject {
            Subject::App(app) => app.routes.paths().map(str::to_owned).collect(),
            Subject::File(_) => Vec::new(),
        },
        config,
    };
    Ok((deployment, left_out))
}

/// Takes over what only the shell says and is no secret; and says what was left out for being one.
fn of_shell(
    shell: &Source,
    service: &mut Source,
    subject: Subject<'_>,
) -> (Vec<(String, String)>, Vec<String>) {
    let (mut taken, mut left_out) = (Vec::new(), Vec::new());
    for variable in shell.differing(service).collect::<Vec<_>>() {
        let name = variable.name;
        // A server does not read it.
        if *variable == variables::FARCALL_TOKEN {
            continue;
        }
        if variables::SECRET.contains(variable) {
            left_out.push(only_in_shell(name));
        } else if let Some(value) = service.take(name, shell) {
            taken.push((name.to_owned(), value));
        }
    }
    // The programs of a farcall.toml are found there, and a service manager's own is a short one.
    if let Subject::File(_) = subject {
        let path = service.take("PATH", shell);
        taken.extend(path.map(|path| ("PATH".to_owned(), path)));
    }
    (taken, left_out)
}

/// What only the shell says of the cloud that the server's bucket is in.
fn of_cloud<'a>(shell: &'a Source, service: &'a Source) -> impl Iterator<Item = String> + 'a {
    let place = service.filled(&variables::FARCALL_ARTIFACTS_URL);
    let cloud = place.and_then(|place| {
        let of = |(scheme, _): &&(&str, &str)| place.starts_with(scheme);
        CLOUDS.iter().find(of).map(|(_, cloud)| *cloud)
    });
    let is_missing = |name: &&str| {
        cloud.is_some_and(|cloud| name.starts_with(cloud))
            && !service.names().any(|known| known == *name)
    };
    let mut names: Vec<_> = shell.names().filter(is_missing).collect();
    names.sort_unstable();
    names.into_iter().map(|name| {
        if is_secret(name) {
            only_in_shell(name)
        } else {
            format!(
                "`{name}` is set in this shell only: where the bucket needs it, put it into `.env`"
            )
        }
    })
}

/// Variables of a cloud that name a file with a secret, whoever says so; most hold the secret itself.
fn secret_files(shell: &Source, here: &Path) -> Vec<(String, String)> {
    let is_of_cloud = |name: &str| CLOUDS.iter().any(|(_, cloud)| name.starts_with(cloud));
    let names = shell.names();
    let files = names
        .filter(|name| is_of_cloud(name) && is_secret(name))
        .filter_map(|name| Some((name, shell.named(name)?)))
        .filter(|(_, path)| here.join(path).is_file());
    let mut files: Vec<_> = files
        .map(|(name, path)| (name.to_owned(), path.to_owned()))
        .collect();
    files.sort_unstable();
    files
}

fn is_secret(name: &str) -> bool {
    SECRETS.iter().any(|word| name.contains(word))
}

fn only_in_shell(name: &str) -> String {
    format!(
        "`{name}` is set in this shell only, and a secret is written into no file here; put it into `.env`, mode 0600"
    )
}

/// The home of the user; where the environment does not say it, no path is below it.
fn home() -> PathBuf {
    env::var_os("HOME").map_or_else(|| "/nonexistent".into(), PathBuf::from)
}

fn utf8(path: &Path) -> Result<String, Failure> {
    let text = path
        .to_str()
        .filter(|text| !text.chars().any(char::is_control));
    text.map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!(
            "the path `{}` holds what no configuration file can say",
            path.display().to_string().escape_debug()
        ))
        .hint("use a folder whose name is text in UTF-8, without control characters")
    })
}
