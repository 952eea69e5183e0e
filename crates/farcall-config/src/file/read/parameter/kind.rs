//! The type of a parameter, with its bounds.

use toml::Spanned;

use super::super::{Reading, command::folder, table::Table};
use crate::file::{
    Format, Kind,
    grammar::{Key, Section, Shape, shapes::COUNT},
};

/// The bounds of single values.
pub(super) const KEYS: &[Key] = &[
    Key::optional(
        "pattern",
        Shape::Pattern,
        "A regular expression that a string must match.",
    ),
    Key::optional(
        "enum",
        Shape::NonEmpty(&Shape::Line),
        "The only strings there are.",
    ),
    Key::optional(
        "format",
        Shape::Choice(&[
            ("date", "a day, RFC 3339"),
            ("date-time", "a moment, RFC 3339"),
            ("email", "an address of e-mail"),
            ("url", "an absolute URL of http or https"),
            ("uuid", "a UUID"),
        ]),
        "What a string must be besides.",
    ),
    Key::optional(
        "min_length",
        COUNT,
        "The least number of characters of a string.",
    ),
    Key::optional(
        "max_length",
        COUNT,
        "The greatest number of characters of a string.",
    ),
    Key::optional("minimum", Shape::Number, "The least integer or number."),
    Key::optional("maximum", Shape::Number, "The greatest integer or number."),
    Key::optional(
        "root",
        Shape::Path,
        "The folder of a file; no path leads out of it.",
    ),
];

pub(super) static ITEMS: Section = Section {
    name: "items",
    about: "The values of an array.",
    groups: &[
        &[Key::required(
            "type",
            Shape::Choice(&[
                ("string", "text"),
                ("integer", "a whole number"),
                ("number", "a number"),
                ("boolean", "yes or no"),
                ("file", "a file beneath `root`"),
            ]),
            "What values they are.",
        )],
        KEYS,
    ],
};

/// Which type each bound belongs to.
const OWNERS: &[(&str, &[&str])] = &[
    ("pattern", &["string"]),
    ("enum", &["string"]),
    ("format", &["string"]),
    ("min_length", &["string"]),
    ("max_length", &["string"]),
    ("minimum", &["integer", "number"]),
    ("maximum", &["integer", "number"]),
    ("root", &["file"]),
    ("items", &["array"]),
    ("min_items", &["array"]),
    ("max_items", &["array"]),
    ("allow_leading_dash", &["string", "array", "file"]),
];

/// Reads the type of the parameter `name`.
pub(super) fn read(reading: &Reading<'_>, name: &str, table: &Table<'_>) -> Option<Kind> {
    let ty = table.text("type");
    let items = table.table("items");
    let items = items.and_then(|items| single(reading, name, &items, items.text("type").as_ref()));
    let min_items: Option<u64> = table.count("min_items");
    let max_items: Option<u64> = table.count("max_items");
    in_order(
        reading,
        table,
        "min_items",
        "max_items",
        min_items,
        max_items,
    );
    let single = single(reading, name, table, ty.as_ref());
    let ty = ty?;
    if *ty.get_ref() != "array" {
        return single;
    }
    if !table.has("items") {
        let message = format!("`{name}` is an array of nothing");
        reading.fault(
            &ty.span(),
            message,
            "say what it holds: items = { type = \"string\" }",
        );
    }
    Some(Kind::Array {
        items: Box::new(items?),
        min_items,
        max_items,
    })
}

/// Reads the type of a single value. Every bound is read whatever the type is, so that all that is
/// wrong is told.
fn single(
    reading: &Reading<'_>,
    name: &str,
    table: &Table<'_>,
    ty: Option<&Spanned<&str>>,
) -> Option<Kind> {
    if let Some(ty) = ty {
        foreign(reading, name, ty.get_ref(), table);
    }
    let pattern = table
        .text("pattern")
        .map(|pattern| (*pattern.get_ref()).to_owned());
    let choices = table.strings("enum");
    let format = table
        .text("format")
        .map(Spanned::into_inner)
        .and_then(format);
    let (min_length, max_length) = (table.count("min_length"), table.count("max_length"));
    in_order(
        reading,
        table,
        "min_length",
        "max_length",
        min_length,
        max_length,
    );
    let (minimum, maximum) = (table.any("minimum"), table.any("maximum"));
    let bound = |bound: &Option<Spanned<serde_json::Value>>| bound.as_ref()?.get_ref().as_f64();
    in_order(
        reading,
        table,
        "minimum",
        "maximum",
        bound(&minimum),
        bound(&maximum),
    );
    let whole = |bound: Option<Spanned<serde_json::Value>>| {
        let bound = bound?;
        let number = bound.get_ref().as_i64();
        if number.is_none() {
            let message = format!(
                "`{name}` is a whole number, and `{}` is none",
                bound.get_ref()
            );
            reading.fault(
                &bound.span(),
                message,
                "write a whole number, or type = \"number\"",
            );
        }
        number
    };
    let root = table
        .text("root")
        .and_then(|path| folder(reading, "root", &path));
    Some(match *ty?.get_ref() {
        "string" => Kind::String {
            pattern,
            choices,
            format,
            min_length,
            max_length,
        },
        "integer" => Kind::Integer {
            minimum: whole(minimum),
            maximum: whole(maximum),
        },
        "number" => Kind::Number {
            minimum: bound(&minimum),
            maximum: bound(&maximum),
        },
        "boolean" => Kind::Boolean,
        "file" => {
            if !table.has("root") {
                let message = format!("`{name}` is a file of no folder");
                reading.fault(
                    table.key_span("type"),
                    message,
                    "say beneath which folder: root = \"…\"",
                );
            }
            Kind::File { root: root? }
        }
        _ => return None,
    })
}

/// Notes bounds that belong to another type.
fn foreign(reading: &Reading<'_>, name: &str, ty: &str, table: &Table<'_>) {
    for (key, owners) in OWNERS {
        if table.has(key) && !owners.contains(&ty) {
            let is_items = ty == "array" && table.has("items");
            let hint = if is_items {
                format!("write it into `items`: items = {{ …, {key} = … }}")
            } else {
                "remove it, or change the type".to_owned()
            };
            let owners = owners.join(" or ");
            let message =
                format!("`{key}` is for the type {owners}, and `{name}` is of the type {ty}");
            reading.fault(table.key_span(key), message, hint);
        }
    }
}

fn in_order<N: PartialOrd>(
    reading: &Reading<'_>,
    table: &Table<'_>,
    low: &str,
    high: &str,
    least: Option<N>,
    greatest: Option<N>,
) {
    if let (Some(least), Some(greatest)) = (least, greatest)
        && least > greatest
    {
        let message = format!("`{low}` is above `{high}`, so there is no value");
        reading.fault(table.key_span(high), message, "swap the two");
    }
}

fn format(text: &str) -> Option<Format> {
    Some(match text {
        "date" => Format::Date,
        "date-time" => Format::DateTime,
        "email" => Format::Email,
        "url" => Format::Url,
        "uuid" => Format::Uuid,
        _ => return None,
    })
}
