//! The text format of Prometheus.

use std::{fmt::Write as _, time::Duration};

use crate::{families::Family, number::Histogram};

/// A text that grows.
#[derive(Default)]
pub(crate) struct Text(String);

impl Text {
    /// Begins a family; its series follow at once.
    pub(crate) fn family(&mut self, family: &Family) {
        let (name, help, kind) = (family.name, family.help, family.kind.as_str());
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A family that is one number.
    pub(crate) fn only(&mut self, family: &Family, value: u64) {
        self.family(family);
        self.value(family, &[], value);
    }

    /// A series of the family, whose labels have these values.
    pub(crate) fn value(&mut self, family: &Family, values: &[&str], value: u64) {
        self.series(family, "", values, None);
        let _ = writeln!(self.0, " {value}");
    }

    pub(crate) fn float(&mut self, family: &Family, values: &[&str], value: f64) {
        self.series(family, "", values, None);
        let _ = writeln!(self.0, " {value}");
    }

    pub(crate) fn seconds(&mut self, family: &Family, values: &[&str], time: Duration) {
        self.float(family, values, time.as_secs_f64());
    }

    pub(crate) fn histogram(&mut self, family: &Family, values: &[&str], histogram: &Histogram) {
        let (below, all) = histogram.cumulated();
        for (bound, count) in below {
            self.series(family, "_bucket", values, Some(&bound.to_string()));
            let _ = writeln!(self.0, " {count}");
        }
        self.series(family, "_bucket", values, Some("+Inf"));
        let _ = writeln!(self.0, " {all}");
        self.series(family, "_sum", values, None);
        let _ = writeln!(self.0, " {}", histogram.sum().as_secs_f64());
        self.series(family, "_count", values, None);
        let _ = writeln!(self.0, " {all}");
    }

    pub(crate) fn done(self) -> String {
        self.0
    }

    fn series(&mut self, family: &Family, suffix: &str, values: &[&str], bound: Option<&str>) {
        debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
        self.0.push_str(family.name);
        self.0.push_str(suffix);
        let labels = family.labels.iter().copied().zip(values.iter().copied());
        let mut opening = '{';
        for (label, value) in labels.chain(bound.map(|bound| ("le", bound))) {
            self.0.push(opening);
            opening = ',';
            self.0.push_str(label);
            self.0.push_str("=\"");
            self.escaped(value);
            self.0.push('"');
        }
        if opening == ',' {
            self.0.push('}');
        }
    }

    /// A value of a label, in which three characters are written in another way.
    fn escaped(&mut self, value: &str) {
        for character in value.chars() {
            match character {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                plain => self.0.push(plain),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::JOB_STAGE_SECONDS;

    #[test]
    fn what_a_label_says_cannot_end_it() {
        let mut text = Text::default();
        text.float(&JOB_STAGE_SECONDS, &["a\"b", "c\\d\ne"], 0.5);
        let name = JOB_STAGE_SECONDS.name;
        let line = format!("{name}{{kind=\"a\\\"b\",stage=\"c\\\\d\\ne\"}} 0.5\n");
        assert_eq!(text.done(), line);
    }
}
