//! `completions`: a script by which a shell completes what is typed.

use std::{
    env,
    io::{self, Write as _},
    path::Path,
};

use clap_complete::Shell;

/// What `completions` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Where each shell looks for it:
  bash  farcall completions bash > ~/.local/share/bash-completion/completions/farcall
  zsh   farcall completions zsh > _farcall, in a folder of $fpath
  fish  farcall completions fish > ~/.config/fish/completions/farcall.fish")]
pub struct Flags {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn completions(flags: &Flags, mut command: clap::Command) {
    // A program is typed by the name of its file, whatever its server is called.
    let program = env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_stem);
    let name = program.map_or_else(
        || command.get_name().to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut command, name, &mut script);
    // Whoever has seen enough of it, such as `head`, is no failure.
    let _ = io::stdout().write_all(&script);
}
