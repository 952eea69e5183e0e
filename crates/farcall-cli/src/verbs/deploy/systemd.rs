//! User services: the server, and the tunnel in front of it.

use std::path::Path;

use super::{Build, Deployment, Planned, template::fill};

const SERVER: &str = include_str!("templates/server.service");
const TUNNEL: &str = include_str!("templates/cloudflared.service");

/// The files for `deployment`.
pub(super) fn files(deployment: &Deployment) -> Vec<Planned> {
    let slug = deployment.slug();
    let title = deployment.title();
    let values = [
        ("title", title.as_str()),
        ("description", &title.replace('%', "%%")),
        ("command", &deployment.command),
        ("written", &deployment.written("systemd")),
        ("slug", &slug),
        ("upstream", &deployment.upstream()),
        ("folder", &directory(&deployment.folder, &deployment.home)),
        ("start", &start(deployment)),
        ("environment", &environment(deployment)),
        ("stop", &deployment.stops_within().to_string()),
        ("addresses", addresses(deployment)),
    ];
    vec![
        Planned::new(format!("deploy/{slug}.service"), fill(SERVER, &values)),
        Planned::new(
            format!("deploy/cloudflared-{slug}.service"),
            fill(TUNNEL, &values),
        ),
    ]
}

/// What may surprise whoever starts the service.
pub(super) fn warnings(deployment: &Deployment) -> Vec<String> {
    let mut warnings = Vec::new();
    if deployment.program.contains("/target/debug/") {
        warnings.push(format!(
            "the service runs `{}`, a debug build: build with --release, and call deploy from there",
            deployment.program
        ));
    }
    let unit = format!("{}.service", deployment.slug());
    let shadowed = UNITS.iter().map(|folder| Path::new(folder).join(&unit));
    warnings.extend(shadowed.filter(|path| path.exists()).take(1).map(|path| {
        format!(
            "`{}` is a unit of this machine, which `{unit}` would take the place of: give the server another name",
            path.display()
        )
    }));
    warnings
}

/// Where the units of all users are; those of one user come before them.
const UNITS: [&str; 4] = [
    "/etc/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user",
    "/lib/systemd/user",
];

/// Which families of addresses the service may use; the programs of a `farcall.toml` may need any.
fn addresses(deployment: &Deployment) -> &'static str {
    match deployment.build {
        Build::Project { .. } => "",
        _ => "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    }
}

/// The command line. A colon in front turns variables off, because a dollar in a path would be one.
fn start(deployment: &Deployment) -> String {
    let words = [&deployment.program]
        .into_iter()
        .chain(&deployment.arguments);
    let words: Vec<_> = words
        .map(|argument| word(argument, &deployment.home))
        .collect();
    let words = words.join(" ");
    // As the name of a program systemd refuses these, however they are escaped; as an argument it does not.
    if deployment.program.contains(['"', '\'', '\\']) {
        return format!(":/bin/sh -c 'exec \"$0\" \"$@\"' {words}");
    }
    let colon = if words.contains('$') { ":" } else { "" };
    format!("{colon}{words}")
}

fn environment(deployment: &Deployment) -> String {
    let lines = deployment.environment.iter();
    let lines = lines.map(|(name, value)| quoted(&format!("{name}={value}")));
    let lines: Vec<_> = lines.map(|said| format!("Environment={said}")).collect();
    lines.join("\n")
}

/// A path or an argument as a word of a command line.
fn word(text: &str, home: &str) -> String {
    match below(text, home) {
        Some(rest) => quoted_after("%h/", rest),
        None => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    quoted_after("", text)
}

/// `text`, escaped, behind what already is as a unit has it; in quotes unless every sign is a plain one.
fn quoted_after(before: &str, text: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-+=:,@%$".contains(sign);
    let mut escaped = String::from(before);
    for sign in text.chars() {
        match sign {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '%' => escaped.push_str("%%"),
            '\n' => escaped.push_str("\\n"),
            sign => escaped.push(sign),
        }
    }
    if !text.is_empty() && text.chars().all(is_plain) {
        escaped
    } else {
        format!("\"{escaped}\"")
    }
}

/// A path that is a whole value, where quotes would be a part of it.
fn directory(path: &str, home: &str) -> String {
    let mut directory = match below(path, home) {
        Some(rest) => format!("%h/{}", rest.replace('%', "%%")),
        None => path.replace('%', "%%"),
    };
    // A space at the end would be cut off, and a backslash would join the next line.
    if path.ends_with(|sign: char| sign == '\\' || sign.is_whitespace()) {
        directory.push('/');
    }
    directory
}

/// What is left of a path below the home of the user, which a unit calls `%h`.
fn below<'a>(path: &'a str, home: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(home.trim_end_matches('/'))?;
    rest.strip_prefix('/').filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_they_were_once_systemd_has_read_them() {
        for (text, written) in [
            ("/opt/farcall", "/opt/farcall"),
            ("/home/ann/a/b", "%h/a/b"),
            ("/home/anna/b", "/home/anna/b"),
            ("/home/ann/my \"50%\" $HOME", r#""%h/my \"50%%\" $HOME""#),
            ("/a b\\", r#""/a b\\""#),
            ("/it's;", "\"/it's;\""),
            ("", "\"\""),
        ] {
            assert_eq!(word(text, "/home/ann"), written);
        }
    }

    #[test]
    fn a_folder_ends_where_it_ended() {
        for (path, written) in [
            ("/home/ann/x y", "%h/x y"),
            ("/srv/100%", "/srv/100%%"),
            ("/srv/a\\", "/srv/a\\/"),
            ("/srv/a ", "/srv/a /"),
            ("/home/ann", "/home/ann"),
        ] {
            assert_eq!(directory(path, "/home/ann"), written);
        }
    }
}
