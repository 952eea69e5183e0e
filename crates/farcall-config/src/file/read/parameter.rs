//! What callers say: `params`.

mod fit;
mod kind;

use std::ops::Range;

use farcall_core::job::IDEMPOTENCY_KEY;
use serde_json::Value;
use toml::Spanned;

use self::fit::misfit;
use super::{Reading, table::Table, template::is_name};
use crate::file::{
    Kind, Parameter, Piece, Presence,
    grammar::{Key, Section, Shape},
    hidden::hidden_within,
    nearest::suggestion,
};

/// The longest name of a parameter.
const LONGEST_NAME: usize = 64;

pub(super) static PARAMETER: Section = Section {
    name: "parameter",
    about: "What callers may say, judged before anything runs.",
    groups: &[
        &[
            Key::required(
                "type",
                Shape::Choice(&[
                    ("string", "text"),
                    ("integer", "a whole number"),
                    ("number", "a number"),
                    ("boolean", "yes or no"),
                    ("array", "several values of one type"),
                    ("file", "a file beneath `root`"),
                ]),
                "What values it takes.",
            ),
            Key::required(
                "description",
                Shape::Prose,
                "What an agent chooses its value by.",
            ),
        ],
        kind::KEYS,
        &[
            Key::optional(
                "items",
                Shape::Section(&kind::ITEMS),
                "What an array holds.",
            ),
            Key::optional(
                "min_items",
                crate::file::grammar::shapes::COUNT,
                "The least number of values of an array.",
            ),
            Key::optional(
                "max_items",
                crate::file::grammar::shapes::COUNT,
                "The greatest number of values of an array.",
            ),
            Key::optional(
                "default",
                Shape::Any,
                "What stands for it where callers leave it out.",
            ),
            Key::with(
                "optional",
                Shape::Boolean,
                "false",
                "Whether callers may leave it out without a default; what names it is left out then.",
            ),
            Key::optional(
                "flag",
                Shape::Text,
                "The option before its value, as an argument of its own, such as `--days`; of a boolean it is all there is.",
            ),
            Key::with(
                "allow_leading_dash",
                Shape::Boolean,
                "false",
                "Whether its text may begin with `-` although the program could take it for an option.",
            ),
            Key::optional("examples", Shape::List(&Shape::Any), "Values to look at."),
        ],
    ],
};

/// Where `params` is said.
pub(super) const PARAMS: Key = Key::optional(
    "params",
    Shape::Map(const { &Shape::Section(&PARAMETER) }),
    "Parameters by their names, in the order in which clients show them.",
);

/// The parameters of a tool or a job; those that are wrong are known by their names.
pub(super) struct Parameters<'a> {
    declared: Vec<(Spanned<&'a str>, Option<Parameter>)>,
}

impl<'a> Parameters<'a> {
    pub(super) fn read(reading: &Reading<'_>, table: &Table<'a>, is_job: bool) -> Self {
        let tables = table.tables("params").into_iter();
        let declared = tables.map(|(name, table)| {
            let is_named = name_fits(reading, &name, is_job);
            let parameter = parameter(reading, name.get_ref(), &table);
            (name, parameter.filter(|_| is_named))
        });
        Self {
            declared: declared.collect(),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Spanned<&'a str>> {
        self.declared.iter().map(|(name, _)| name)
    }

    /// The one of this name, where it is there and right.
    pub(super) fn named(&self, name: &str) -> Option<&Parameter> {
        let declared = self
            .declared
            .iter()
            .find(|(known, _)| *known.get_ref() == name);
        declared?.1.as_ref()
    }

    /// Notes a name that is none of them.
    pub(super) fn judge_name(&self, reading: &Reading<'_>, name: &str, at: &Range<usize>) {
        let names = self.declared.iter().map(|(name, _)| *name.get_ref());
        if names.clone().any(|known| known == name) {
            return;
        }
        let hint = if self.declared.is_empty() {
            format!("declare it: params.{name} = {{ type = \"string\", description = \"…\" }}")
        } else {
            suggestion(name, names)
        };
        reading.fault(at, format!("there is no parameter `{name}`"), hint);
    }

    /// Judges the placeholders of one argument.
    pub(super) fn judge_element(&self, reading: &Reading<'_>, pieces: &[Piece], at: &Range<usize>) {
        for name in placeholders(pieces) {
            self.judge_name(reading, name, at);
            let Some(parameter) = self.named(name).filter(|_| pieces.len() > 1) else {
                continue;
            };
            let why = match parameter.kind {
                Kind::Array { .. } => "is an array, and becomes an argument for each value",
                Kind::Boolean => "is a boolean, which is its flag or nothing",
                _ if parameter.flag.is_some() => "has a flag, which is an argument of its own",
                _ => continue,
            };
            let hint = format!("make \"{{{name}}}\" an element of its own");
            reading.fault(at, format!("`{name}` {why}"), hint);
        }
    }

    /// All of them, where all are right.
    pub(super) fn whole(self) -> Option<Vec<Parameter>> {
        self.declared
            .into_iter()
            .map(|(_, parameter)| parameter)
            .collect()
    }
}

/// The parameters that a text names.
pub(super) fn placeholders(pieces: &[Piece]) -> impl Iterator<Item = &str> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Parameter(name) => Some(&**name),
        Piece::Text(_) => None,
    })
}

fn name_fits(reading: &Reading<'_>, name: &Spanned<&str>, is_job: bool) -> bool {
    let text = *name.get_ref();
    let (reason, hint) = if text.len() > LONGEST_NAME {
        (
            format!("the name of a parameter has {} characters", text.len()),
            "64 are allowed",
        )
    } else if !is_name(text) {
        (
            format!("`{}` is no name of a parameter", text.escape_debug()),
            "use letters, digits and `_`, no digit first",
        )
    } else if is_job && text == IDEMPOTENCY_KEY {
        (
            format!("`{text}` is a parameter that every job has"),
            "give it another name",
        )
    } else {
        return true;
    };
    reading.fault(&name.span(), reason, hint);
    false
}

fn parameter(reading: &Reading<'_>, name: &str, table: &Table<'_>) -> Option<Parameter> {
    let description = table.text("description");
    let kind = kind::read(reading, name, table);
    let presence = presence(reading, name, table, kind.as_ref());
    let examples = table.anys("examples");
    for example in &examples {
        judge_value(reading, "an example", name, kind.as_ref(), example);
    }
    let flag = flag(reading, table, kind.as_ref());
    let allow_leading_dash = table.boolean("allow_leading_dash").unwrap_or(false);
    Some(Parameter {
        name: name.to_owned(),
        description: (*description?.get_ref()).to_owned(),
        kind: kind?,
        presence,
        flag,
        allow_leading_dash,
        examples: examples.into_iter().map(Spanned::into_inner).collect(),
    })
}

fn presence(reading: &Reading<'_>, name: &str, table: &Table<'_>, kind: Option<&Kind>) -> Presence {
    let is_optional = table.boolean("optional").unwrap_or(false);
    match table.any("default") {
        Some(value) => {
            judge_value(reading, "the default", name, kind, &value);
            if is_optional {
                reading.fault(
                    table.key_span("optional"),
                    format!("`{name}` is optional by its default already"),
                    "remove `optional`, or the default",
                );
            }
            Presence::Default(value.into_inner())
        }
        None if is_optional => Presence::Optional,
        None => Presence::Required,
    }
}

/// Judges a value that the author chose as one that a caller chose.
fn judge_value(
    reading: &Reading<'_>,
    what: &str,
    name: &str,
    kind: Option<&Kind>,
    value: &Spanned<Value>,
) {
    let Some(kind) = kind else { return };
    if let Some(reason) = misfit(kind, value.get_ref()) {
        let message = format!("{what} of `{name}` {reason}");
        reading.fault(&value.span(), message, "write one that a caller could say");
    } else if let Some(sign) = hidden_within(value.get_ref()) {
        let message = format!(
            "{what} of `{name}` holds U+{:04X}, which a person who reads it does not see and a model does",
            u32::from(sign)
        );
        reading.fault(
            &value.span(),
            message,
            "remove it; texts for models hold visible characters only",
        );
    }
}

fn flag(reading: &Reading<'_>, table: &Table<'_>, kind: Option<&Kind>) -> Option<String> {
    let flag = table.text("flag")?;
    let (text, at) = (*flag.get_ref(), flag.span());
    let is_option = text.starts_with('-') && !text.trim_start_matches('-').is_empty();
    if !is_option || text.contains(|sign: char| sign.is_whitespace() || sign.is_control()) {
        reading.fault(
            &at,
            format!("`{}` is no option", text.escape_debug()),
            "write it as the program knows it, for example \"--days\"; its value comes by itself",
        );
    } else if text.ends_with('=') && matches!(kind, Some(Kind::Boolean)) {
        reading.fault(
            &at,
            format!("`{text}` waits for a value, and a boolean has none"),
            "remove the `=`",
        );
    }
    Some(text.to_owned())
}
