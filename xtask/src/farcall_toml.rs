//! The reference of `farcall.toml`, from the keys that its reader knows.

use std::fmt::Write as _;

use farcall_config::{
    file::{
        grammar,
        grammar::{Key, Need, Section, Shape},
    },
    variables::Variable,
};

const HEAD: &str = "\
A `farcall.toml` declares programs, HTTP services and existing MCP servers as tools and jobs.
`farcall init` begins one, `farcall check` judges it, `farcall schema` explains it to editors.

- A flag wins over the environment, the environment over `.env`, `.env` over this file, this file over
  the default.
- Relative paths begin at the folder of the file.
- A duration is a whole number and `ms`, `s`, `m`, `h` or `d`, as text: `\"30s\"`. A size is a whole number
  and `B`, `KiB`, `MiB` or `GiB`, as text: `\"64MiB\"`; without a unit it is bytes.
- In a command, a path and a query, `{name}` is what the caller says for the parameter `name`; braces
  themselves are `{{` and `}}`. In a command it is always one argument, and no shell sees it. What stands after an
  argument `--` cannot be taken for an option.
- In `env`, in headers and in secrets, `${NAME}` is a variable of the environment or of `.env`, which must be
  set; `$${` is `${` itself.
- A program is found when the file is read: in `PATH`, or by its path. It runs in a folder of its own unless
  `working_dir` names another; there, the first argument that is the name of a file beside the
  `farcall.toml`, such as a script, becomes an absolute path.
- On Unix, a file that others than its user can write is refused: whoever writes it runs programs.
";

/// The page, `generated` being the line that says so.
pub(crate) fn page(generated: &str) -> String {
    let mut text = format!("# farcall.toml\n\n{generated}\n{HEAD}");
    for section in grammar().all().into_iter().skip(1) {
        let _ = write!(
            text,
            "\n## {}\n\n{}\n\n| key | takes | default | |\n| --- | --- | --- | --- |\n",
            title(section),
            section.about
        );
        for key in section.keys() {
            let _ = writeln!(text, "{}", row(key));
        }
    }
    text
}

/// A section as it is written in the file, where it stands by itself.
fn title(section: &Section) -> String {
    let name = section.name;
    match grammar().key(name).map(|key| &key.shape) {
        Some(Shape::Map(_)) => format!("`[{name}.NAME]`"),
        Some(_) => format!("`[{name}]`"),
        None => format!("`{name}`"),
    }
}

fn row(key: &Key) -> String {
    let default = match key.need {
        Need::Required => "required".to_owned(),
        Need::Optional => String::new(),
        Need::Default(text) if key.variable.is_some_and(Variable::defaults_in_words) => {
            text.to_owned()
        }
        Need::Default(text) => format!("`{text}`"),
    };
    let mut about = key.about.to_owned();
    if let Some(meanings) = meanings(&key.shape) {
        let _ = write!(about, " {meanings}.");
    }
    if let Some(variable) = key.variable {
        let _ = write!(about, " `{}` wins over it.", variable.name);
    }
    let cells = [format!("`{}`", key.name), takes(&key.shape), default, about];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    format!("| {} |", cells.join(" | "))
}

fn takes(shape: &Shape) -> String {
    match shape {
        Shape::Choice(_) => "one of these words".to_owned(),
        Shape::OneOf(shapes) => shapes.iter().map(takes).collect::<Vec<_>>().join(", or "),
        other => other.noun(),
    }
}

/// What each word of a choice means.
fn meanings(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Choice(words) => {
            let words = words
                .iter()
                .map(|(word, about)| format!("`\"{word}\"`: {about}"));
            Some(words.collect::<Vec<_>>().join("; "))
        }
        Shape::List(inner) | Shape::NonEmpty(inner) => meanings(inner),
        Shape::OneOf(shapes) => shapes.iter().find_map(meanings),
        _ => None,
    }
}
