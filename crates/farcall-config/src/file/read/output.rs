//! What becomes of output: `output`, `output_schema` and `progress`.

use farcall_core::schema::CheckedSchema;
use regex::Regex;
use serde_json::Value;
use toml::Spanned;

use super::{Reading, table::Table};
use crate::file::{
    Output, Preset, ProgressPattern,
    grammar::{Key, Section, Shape},
    hidden::hidden_within,
    nearest::suggestion,
};

pub(super) const KEYS: &[Key] = &[
    Key::with(
        "output",
        Shape::Choice(&[
            ("text", "text for the caller"),
            ("json", "JSON for the caller"),
            (
                "status",
                "nothing for the caller, who learns only how it ended",
            ),
        ]),
        "text of a program, json of a service",
        "What becomes of what a program prints, or a service answers.",
    ),
    Key::optional(
        "output_schema",
        Shape::Map(&Shape::Any),
        "JSON Schema 2020-12 that the JSON must follow; clients see it.",
    ),
];

/// Where progress is said, of jobs.
pub(super) const PROGRESS: Key = Key::optional(
    "progress",
    Shape::OneOf(
        const {
            &[
                Shape::Choice(&[
                    ("tqdm", "tqdm's bar"),
                    ("ffmpeg", "ffmpeg's `time=` against its `Duration:`"),
                    ("percent", "`28 %`"),
                    ("n/m", "`17/60`"),
                ]),
                Shape::Section(&PROGRESS_SECTION),
            ]
        },
    ),
    "How lines of output tell how far a program is that does not tell by itself.",
);

static PROGRESS_SECTION: Section = Section {
    name: "progress",
    about: "How lines of output tell how far a program is.",
    groups: &[&[Key::required(
        "pattern",
        Shape::Pattern,
        "A regular expression with the named groups `fraction`, `percent`, `done` and `total`, `stage`, or `message`.",
    )]],
};

/// The groups that a pattern of progress can have.
const GROUPS: [&str; 6] = ["fraction", "percent", "done", "total", "stage", "message"];

/// Reads what becomes of output; `default` where the file does not say it.
pub(super) fn read(reading: &Reading<'_>, table: &Table<'_>, default: Output) -> Output {
    let word = table.text("output").map(Spanned::into_inner);
    let schema = table.object("output_schema");
    if let Some(schema) = &schema {
        if matches!(word, Some("text" | "status")) {
            let message = "`output_schema` describes JSON, and the output is none";
            reading.fault(
                table.key_span("output_schema"),
                message,
                "write output = \"json\", or remove it",
            );
        }
        let whole = Value::Object(schema.get_ref().clone());
        if let Some(sign) = hidden_within(&whole) {
            let message = format!(
                "`output_schema` holds U+{:04X}, which a person who reads it does not see and a model does",
                u32::from(sign)
            );
            let hint = "remove it; texts for models hold visible characters only";
            reading.fault(table.key_span("output_schema"), message, hint);
        }
        if let Err(reason) = CheckedSchema::compile(schema.get_ref()) {
            let message = format!("`output_schema` is no JSON Schema {reason}");
            reading.fault(
                table.key_span("output_schema"),
                message,
                "correct it; https://json-schema.org",
            );
        }
    }
    match (word, schema) {
        (None | Some("json"), Some(schema)) => Output::Json(Some(schema.into_inner())),
        (Some("json"), None) => Output::Json(None),
        (Some("status"), _) => Output::Status,
        (Some(_), _) => Output::Text,
        (None, None) => default,
    }
}

/// Reads how output tells how far a job is.
pub(super) fn progress(reading: &Reading<'_>, table: &Table<'_>) -> Option<ProgressPattern> {
    if table.is_table("progress") {
        let pattern = table.table("progress")?.text("pattern")?;
        judge_groups(reading, &pattern);
        return Some(ProgressPattern::Custom((*pattern.get_ref()).to_owned()));
    }
    Some(ProgressPattern::Preset(
        match *table.text("progress")?.get_ref() {
            "ffmpeg" => Preset::Ffmpeg,
            "percent" => Preset::Percent,
            "tqdm" => Preset::Tqdm,
            _ => Preset::Fraction,
        },
    ))
}

fn judge_groups(reading: &Reading<'_>, pattern: &Spanned<&str>) {
    let Ok(compiled) = Regex::new(pattern.get_ref()) else {
        return;
    };
    let groups: Vec<_> = compiled.capture_names().flatten().collect();
    for group in groups.iter().filter(|group| !GROUPS.contains(group)) {
        let message = format!("the group `{group}` tells nothing");
        reading.fault(&pattern.span(), message, suggestion(group, GROUPS));
    }
    let has = |name| groups.contains(&name);
    if groups.is_empty() {
        reading.fault(
            &pattern.span(),
            "the pattern has no named group, so that it tells nothing",
            "name what it finds, for example '(?<done>\\d+) of (?<total>\\d+)'",
        );
    } else if has("done") != has("total") {
        let message = "`done` and `total` tell something only together";
        reading.fault(
            &pattern.span(),
            message,
            "add the other one, or use `fraction` or `percent`",
        );
    }
}
