//! Tables of the file, from which keys are taken.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use farcall_core::JsonObject;
use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    FILE, Reading,
    value::{self, fits},
};
use crate::{
    file::{
        grammar::{Need, Section, Shape},
        nearest::{nearest, suggestion},
    },
    units,
};

/// A table of the file, read by its section.
pub(super) struct Table<'a> {
    reading: &'a Reading<'a>,
    section: &'static Section,
    /// What people call it, such as ``tool `probe` ``.
    pub(super) title: String,
    span: Range<usize>,
    entries: BTreeMap<&'a str, (Range<usize>, &'a Spanned<DeValue<'a>>)>,
}

impl<'a> Table<'a> {
    /// Notes unknown keys, and those that are missing.
    pub(super) fn open(
        reading: &'a Reading<'a>,
        section: &'static Section,
        title: String,
        span: Range<usize>,
        table: &'a DeTable<'a>,
    ) -> Self {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            if section.key(name).is_some() {
                entries.insert(name, (key.span(), value));
            } else if !reading.has_enough() {
                let message = format!("`{}` is no key of {title}", name.escape_debug());
                reading.fault(&key.span(), message, unknown(section, name));
            }
        }
        for key in section.keys() {
            if key.need == Need::Required && !entries.contains_key(key.name) {
                let hint = format!("add it: {} = {}", key.name, key.shape.placeholder());
                reading.fault(&span, format!("{title} has no `{}`", key.name), hint);
            }
        }
        Self {
            reading,
            section,
            title,
            span,
            entries,
        }
    }

    /// Where it begins in the file.
    pub(super) fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// Whether the file says anything under this key.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Whether the file says a table under this key.
    pub(super) fn is_table(&self, name: &str) -> bool {
        let entry = self.entries.get(name);
        entry.is_some_and(|(_, value)| value.get_ref().is_table())
    }

    /// Where this key stands, or the table where it does not.
    pub(super) fn key_span(&self, name: &str) -> &Range<usize> {
        self.entries.get(name).map_or(&self.span, |(span, _)| span)
    }

    /// Where the value of this key stands, or the table where it does not.
    pub(super) fn value_span(&self, name: &str) -> Range<usize> {
        let entry = self.entries.get(name);
        entry.map_or(self.span.clone(), |(_, value)| value.span())
    }

    /// The value of a key where it has the shape that the section says; a fault where it has another.
    fn take(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let key = self.section.key(name);
        debug_assert!(key.is_some(), "`{name}` is not in `{}`", self.section.name);
        #[cfg(test)]
        self.reading
            .asked
            .borrow_mut()
            .insert((self.section.name, name.to_owned()));
        let (_, value) = self.entries.get(name)?;
        fits(self.reading, name, &key?.shape, value).then_some(*value)
    }

    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        self.take(name)?.get_ref().as_bool()
    }

    pub(super) fn duration(&self, name: &str) -> Option<Duration> {
        units::duration(self.take(name)?.get_ref().as_str()?)
    }

    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        value::integer(self.take(name)?.get_ref())
    }

    /// A whole number that the section's bounds make one of this type.
    pub(super) fn count<N: TryFrom<i64>>(&self, name: &str) -> Option<N> {
        N::try_from(self.integer(name)?).ok()
    }

    pub(super) fn size(&self, name: &str) -> Option<u64> {
        value::size(self.take(name)?.get_ref())
    }

    pub(super) fn text(&self, name: &str) -> Option<Spanned<&'a str>> {
        value::text(self.take(name)?)
    }

    pub(super) fn texts(&self, name: &str) -> Vec<Spanned<&'a str>> {
        let list = self.take(name).and_then(|value| value.get_ref().as_array());
        list.into_iter().flatten().filter_map(value::text).collect()
    }

    /// The same, as owned texts.
    pub(super) fn strings(&self, name: &str) -> Vec<String> {
        let texts = self.texts(name).into_iter();
        texts.map(|text| (*text.get_ref()).to_owned()).collect()
    }

    /// A value of any shape, with its place.
    pub(super) fn any(&self, name: &str) -> Option<Spanned<Value>> {
        let value = self.take(name)?;
        Some(Spanned::new(value.span(), value::json(value.get_ref())))
    }

    /// Values of any shape.
    pub(super) fn anys(&self, name: &str) -> Vec<Spanned<Value>> {
        let list = self.take(name).and_then(|value| value.get_ref().as_array());
        let list = list.into_iter().flatten();
        list.map(|value| Spanned::new(value.span(), value::json(value.get_ref())))
            .collect()
    }

    /// A table of values of any shape.
    pub(super) fn object(&self, name: &str) -> Option<Spanned<JsonObject>> {
        let value = self.take(name)?;
        match value::json(value.get_ref()) {
            Value::Object(object) => Some(Spanned::new(value.span(), object)),
            _ => None,
        }
    }

    /// A table from names to texts, in the order of the file.
    pub(super) fn pairs(&self, name: &str) -> Vec<(Spanned<&'a str>, Spanned<&'a str>)> {
        let pairs = self.inner(name).into_iter();
        pairs
            .filter_map(|(key, value)| Some((key, value::text(value)?)))
            .collect()
    }

    /// A table from names to whole numbers, in the order of the file.
    pub(super) fn counts(&self, name: &str) -> Vec<(Spanned<&'a str>, i64)> {
        let pairs = self.inner(name).into_iter();
        pairs
            .filter_map(|(key, value)| Some((key, value::integer(value.get_ref())?)))
            .collect()
    }

    /// A table with keys of its own, where the value is one.
    pub(super) fn table(&self, name: &str) -> Option<Table<'a>> {
        let value = self.take(name)?;
        let section = self.section.key(name)?.shape.sections();
        let table = value.get_ref().as_table()?;
        let title = match self.section.name {
            "farcall.toml" => format!("`[{name}]`"),
            _ => format!("`{name}`"),
        };
        let span = self.key_span(name).clone();
        Some(Table::open(
            self.reading,
            section.first()?,
            title,
            span,
            table,
        ))
    }

    /// Tables with keys of their own by their names, in the order of the file.
    pub(super) fn tables(&self, name: &str) -> Vec<(Spanned<&'a str>, Table<'a>)> {
        let Some(section) = self
            .section
            .key(name)
            .and_then(|key| key.shape.sections().pop())
        else {
            return Vec::new();
        };
        let tables = self.inner(name).into_iter();
        tables
            .filter_map(|(key, value)| {
                let title = format!("{} `{}`", section.name, key.get_ref().escape_debug());
                let table = value.get_ref().as_table()?;
                let opened = Table::open(self.reading, section, title, key.span(), table);
                Some((key, opened))
            })
            .collect()
    }

    /// What stands in a table, in the order of the file.
    fn inner(&self, name: &str) -> Vec<(Spanned<&'a str>, &'a Spanned<DeValue<'a>>)> {
        let table = self.take(name).and_then(|value| value.get_ref().as_table());
        let mut pairs: Vec<_> = table
            .into_iter()
            .flat_map(DeTable::iter)
            .map(|(key, value)| (Spanned::new(key.span(), &**key.get_ref()), value))
            .collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        pairs
    }
}

/// What to do about a key that the section does not have.
fn unknown(section: &'static Section, name: &str) -> String {
    let names = section.keys().map(|key| key.name);
    let other = FILE
        .all()
        .into_iter()
        .find(|other| other.key(name).is_some());
    match other {
        Some(other) if nearest(name, names.clone()).is_none() => {
            format!(
                "it is a key of `{}`; move it there, or remove it",
                other.name
            )
        }
        _ => suggestion(name, names),
    }
}

impl Shape {
    /// What stands for a value in a hint.
    fn placeholder(&self) -> &'static str {
        match self {
            Self::List(_) | Self::NonEmpty(_) => "[\"…\"]",
            Self::Map(_) | Self::Section(_) => "{ … }",
            Self::Any | Self::Boolean | Self::Integer(..) | Self::Number => "…",
            _ => "\"…\"",
        }
    }
}
