//! Turns what is written in a variable into a value.

use crate::{Fault, Source, variables::Variable};

/// Reads variables one after the other, and keeps what is wrong with them.
pub(crate) struct Reader<'a> {
    pub(crate) source: &'a Source,
    pub(crate) faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    /// The value of `variable` where it is set and `parse` understands it.
    pub(crate) fn parsed<T>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Option<T>,
        what: &str,
        hint: &str,
    ) -> Option<T> {
        let text = self.source.filled(variable)?;
        let value = parse(text);
        if value.is_none() {
            let sentence = format!("`{}` is `{text}`, which is not {what}", variable.name);
            self.faults.push(Fault::new(sentence, hint));
        }
        value
    }
}
