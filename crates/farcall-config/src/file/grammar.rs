//! Every key that a `farcall.toml` can have.
//!
//! The reader takes nothing that is not listed here, and both the JSON Schema and the reference are
//! written from it: none of the three can drift from the others.

use crate::variables::Variable;

/// A table with keys of its own.
#[derive(Debug)]
pub struct Section {
    /// What it is called.
    pub name: &'static str,
    /// What it is, one sentence.
    pub about: &'static str,
    /// Its keys; several sections share groups of them.
    pub groups: &'static [&'static [Key]],
}

/// A key of a section.
#[derive(Debug)]
pub struct Key {
    /// How it is written.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// Whether it can be left out.
    pub need: Need,
    /// What it says, one sentence.
    pub about: &'static str,
    /// The variable that wins over it, where there is one.
    pub variable: Option<&'static Variable>,
}

/// Whether a key can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It cannot.
    Required,
    /// It can, and then nothing stands for it.
    Optional,
    /// It can, and then this stands for it, as a person would write it.
    Default(&'static str),
}

/// What a key takes.
#[derive(Debug)]
pub enum Shape {
    /// Any value: it is handed on as JSON.
    Any,
    /// Yes or no.
    Boolean,
    /// One of a few words, each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// A whole number with a unit, such as `30s`; `no_time` where `0s` can be meant.
    Duration {
        /// Whether it may be no time at all.
        no_time: bool,
    },
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// Text on one line, for people and for models.
    Line,
    /// Several of one shape.
    List(&'static Shape),
    /// A table from names to values of one shape.
    Map(&'static Shape),
    /// At least one of one shape, as a list.
    NonEmpty(&'static Shape),
    /// A number.
    Number,
    /// Any one of these, which differ in their TOML types or in their words.
    OneOf(&'static [Shape]),
    /// A path, which begins at the folder of the file.
    Path,
    /// A regular expression, in the syntax of the `regex` crate.
    Pattern,
    /// Text for people and for models, on as many lines as it needs.
    Prose,
    /// Text in which `${NAME}` is a variable of the environment or of `.env`.
    Secret,
    /// A table with keys of its own.
    Section(&'static Section),
    /// A size in bytes, with or without a unit, such as `64MiB`.
    Size,
    /// Text in which `{name}` is a parameter, and `{{` and `}}` are braces.
    Template,
    /// Any text.
    Text,
}

impl Section {
    /// Its keys, in the order of the reference.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + Clone {
        self.groups.iter().copied().flatten()
    }

    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }

    /// The sections below it in the order of the reference, itself first; each once.
    pub fn all(&'static self) -> Vec<&'static Self> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect(&'static self, found: &mut Vec<&'static Self>) {
        if found.iter().any(|known| known.name == self.name) {
            return;
        }
        found.push(self);
        for key in self.keys() {
            for section in key.shape.sections() {
                section.collect(found);
            }
        }
    }
}

impl Shape {
    /// The sections that a value of this shape can be, or hold.
    pub fn sections(&self) -> Vec<&'static Section> {
        match self {
            Self::Section(section) => vec![*section],
            Self::List(inner) | Self::Map(inner) | Self::NonEmpty(inner) => inner.sections(),
            Self::OneOf(shapes) => shapes.iter().flat_map(Self::sections).collect(),
            _ => Vec::new(),
        }
    }

    /// What it is, after "takes": `a duration`.
    pub fn noun(&self) -> String {
        match self {
            Self::Any => "any value".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Choice(words) => {
                let words: Vec<_> = words
                    .iter()
                    .map(|(word, _)| format!("`\"{word}\"`"))
                    .collect();
                words.join(", ")
            }
            Self::Duration { .. } => "a duration".to_owned(),
            Self::Integer(i64::MIN, i64::MAX) => "a whole number".to_owned(),
            // The largest numbers are those of the machine, and nobody means them.
            Self::Integer(from, to) if *to >= i64::from(u32::MAX) => {
                format!("a whole number, {from} or more")
            }
            Self::Integer(from, to) => format!("a whole number from {from} to {to}"),
            Self::Line => "a line of text".to_owned(),
            Self::List(inner) | Self::NonEmpty(inner) => format!("a list of {}", inner.plural()),
            Self::Map(inner) => format!("a table of {}", inner.plural()),
            Self::Number => "a number".to_owned(),
            Self::OneOf(shapes) => {
                let nouns: Vec<_> = shapes.iter().map(Self::noun).collect();
                nouns.join(", or ")
            }
            Self::Path => "a path".to_owned(),
            Self::Pattern => "a regular expression".to_owned(),
            Self::Prose | Self::Secret | Self::Template | Self::Text => "a text".to_owned(),
            Self::Section(section) => format!("a table with the keys of `{}`", section.name),
            Self::Size => "a size".to_owned(),
        }
    }

    fn plural(&self) -> String {
        match self {
            Self::Line | Self::Prose | Self::Secret | Self::Template | Self::Text => {
                "texts".to_owned()
            }
            Self::Path => "paths".to_owned(),
            Self::Section(section) => format!("tables with the keys of `{}`", section.name),
            other => format!("values, each {}", other.noun()),
        }
    }

    /// How it is written, after "write".
    pub fn example(&self) -> String {
        match self {
            Self::Any => "a value".to_owned(),
            Self::Boolean => "true or false without quotes".to_owned(),
            Self::Choice(_) => format!("one of {}", self.noun()),
            Self::Duration { .. } => {
                "a whole number and ms, s, m, h or d as text, for example \"30s\"".to_owned()
            }
            Self::Integer(from, _) => {
                let number = (*from).max(1);
                format!("{} without quotes, such as {number}", self.noun())
            }
            Self::Line | Self::Prose => "text in quotes that says something".to_owned(),
            Self::List(inner) | Self::NonEmpty(inner) => {
                format!("[…] with {}", inner.plural())
            }
            Self::Map(_) => "{ name = … }, or a line `key.name = …` for each".to_owned(),
            Self::Number => "a number without quotes, for example 0.5".to_owned(),
            Self::OneOf(_) => self.noun(),
            Self::Path => "a path in quotes, for example \"data\"".to_owned(),
            Self::Pattern => {
                "a regular expression in single quotes, for example '^[a-z]+$'".to_owned()
            }
            Self::Secret => "text in quotes, for example \"${NAME}\"".to_owned(),
            Self::Section(section) => {
                let key = section.keys().next().map_or("key", |key| key.name);
                format!("{{ {key} = … }}")
            }
            Self::Size => {
                "a whole number and B, KiB, MiB or GiB as text, for example \"64MiB\"".to_owned()
            }
            Self::Template => "text in quotes, for example \"{name}\"".to_owned(),
            Self::Text => "text in quotes".to_owned(),
        }
    }
}

impl Key {
    pub(super) const fn required(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            shape,
            need: Need::Required,
            about,
            variable: None,
        }
    }

    pub(super) const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            shape,
            need: Need::Optional,
            about,
            variable: None,
        }
    }

    pub(super) const fn with(
        name: &'static str,
        shape: Shape,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            shape,
            need: Need::Default(default),
            about,
            variable: None,
        }
    }
}

/// How shapes are written in declarations, without the noise of the enum.
pub(in crate::file) mod shapes {
    use super::Shape;

    pub(in crate::file) const DURATION: Shape = Shape::Duration { no_time: false };
    pub(in crate::file) const COUNT: Shape = Shape::Integer(0, i64::MAX);
    pub(in crate::file) const POSITIVE: Shape = Shape::Integer(1, u32::MAX as i64);
    pub(in crate::file) const TEXTS: Shape = Shape::List(&Shape::Text);
}
