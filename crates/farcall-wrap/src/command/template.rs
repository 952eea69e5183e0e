//! From values to the arguments of a program: one placeholder is one element, whatever its value.
//!
//! No value is split, and no shell sees any. What could still turn a value into an option is its
//! first character: a text of the caller's that would begin an element with `-` is refused, unless
//!
//! - `--` stands before the element,
//! - the element begins with a text of the template,
//! - the `flag` of its parameter ends with `=`, so that both are one element (`--name=value`),
//! - the text is one of the declaration's own choices, or
//! - its parameter has `allow_leading_dash`.
//!
//! A `flag` that is an element of its own does not help: `--name` `--other` is two options for many
//! programs (Python's `argparse` among them). A negative number behind such a flag passes, as it
//! can be nothing but a number; without one it is refused, because `-9` is an option of some.

use std::{ffi::OsString, os::unix::ffi::OsStrExt};

use farcall_config::file::{Element, Kind, Parameter, Piece};
use farcall_core::problem::Problem;

use crate::{
    parameter::{Given, MAX_TEXT, Parameters, Values},
    text::shown,
};

/// The arguments of a program, with placeholders.
#[derive(Clone, Debug)]
pub struct Template {
    elements: Vec<Element>,
    parameters: Parameters,
}

impl Template {
    /// The template of these elements, whose placeholders are of these parameters.
    ///
    /// # Errors
    /// A sentence about the first element that could not be filled in for some value.
    pub fn new(elements: &[Element], parameters: &Parameters) -> Result<Self, String> {
        for element in elements {
            check(element, parameters)?;
        }
        Ok(Self {
            elements: elements.to_vec(),
            parameters: parameters.clone(),
        })
    }

    /// The arguments for these values.
    ///
    /// # Errors
    /// A problem for the caller, where a value would be taken for an option or is too long.
    pub fn fill(&self, values: &Values) -> Result<Vec<OsString>, Problem> {
        let mut arguments = Vec::with_capacity(self.elements.len());
        for element in &self.elements {
            self.fill_element(element, values, &mut arguments)?;
        }
        Ok(arguments)
    }

    fn fill_element(
        &self,
        element: &Element,
        values: &Values,
        arguments: &mut Vec<OsString>,
    ) -> Result<(), Problem> {
        let mut names = names(element);
        let (first, second) = (names.next(), names.next());
        let is_there = |name: &str| values.given(name).is_some();
        if !self::names(element).all(is_there) {
            return Ok(());
        }
        let (Some(name), None) = (first, second) else {
            let joined = Joined::of(element, |name| values.given(name));
            arguments.push(self.guarded(element, joined, false)?);
            return Ok(());
        };
        let flag = self
            .parameters
            .named(name)
            .and_then(|parameter| parameter.flag.as_deref());
        match (values.given(name), flag) {
            (Some(Given::Boolean(is_set)), Some(flag)) => {
                arguments.extend(is_set.then(|| flag.into()));
                Ok(())
            }
            (Some(Given::Several(several)), flag) => several
                .iter()
                .try_for_each(|given| self.fill_one(element, given, flag, arguments)),
            (Some(given), flag) => self.fill_one(element, given, flag, arguments),
            (None, _) => Ok(()),
        }
    }

    /// The element for one value of its only placeholder, behind its flag.
    fn fill_one(
        &self,
        element: &Element,
        given: &Given,
        flag: Option<&str>,
        arguments: &mut Vec<OsString>,
    ) -> Result<(), Problem> {
        let joined = Joined::of(element, |_| Some(given));
        match flag {
            Some(flag) if flag.ends_with('=') => {
                let mut whole = Joined::text(flag);
                whole.text.push(joined.text);
                arguments.push(self.guarded(element, whole, true)?);
            }
            Some(flag) => {
                let argument = self.guarded(element, joined, true)?;
                arguments.extend([flag.into(), argument]);
            }
            None => arguments.push(self.guarded(element, joined, false)?),
        }
        Ok(())
    }

    /// The element, unless it is one that the template did not mean.
    fn guarded(
        &self,
        element: &Element,
        joined: Joined<'_>,
        has_flag: bool,
    ) -> Result<OsString, Problem> {
        let Joined { text, begins_with } = joined;
        if let Some((name, given)) = begins_with
            && text.as_bytes().starts_with(b"-")
            && !element.is_operand
            && !self.may_begin_with_a_dash(name, given, has_flag)
        {
            let received = shown(&text.to_string_lossy());
            let fault = if given.to_text().is_empty() {
                "is empty with `-` behind it"
            } else {
                "begins with `-`"
            };
            return Err(Problem::user(format!(
                "`{name}` {fault}, so the program could take it for an option, received `{received}`"
            ))
            .hint("send one that begins with another character, such as `./` before a path"));
        }
        // The system counts the byte that ends it, too.
        if text.len() >= MAX_TEXT {
            let name = names(element).next().unwrap_or_default();
            return Err(Problem::user(format!(
                "`{name}` makes an argument of {} bytes, a program takes at most {}",
                text.len(),
                MAX_TEXT - 1
            ))
            .hint("send less, or name a file"));
        }
        Ok(text)
    }

    fn may_begin_with_a_dash(&self, name: &str, given: &Given, has_flag: bool) -> bool {
        let parameter = self.parameters.named(name);
        parameter.is_some_and(|parameter| parameter.allow_leading_dash)
            || match given {
                Given::Choice(_) => true,
                Given::Integer(_) | Given::Number(_) => has_flag,
                _ => false,
            }
    }
}

/// An element that is put together, and which value it begins with; behind an empty one, what the author
/// wrote in the middle stands at the beginning.
struct Joined<'a> {
    text: OsString,
    begins_with: Option<(&'a str, &'a Given)>,
}

impl<'a> Joined<'a> {
    fn text(text: &str) -> Self {
        Self {
            text: text.into(),
            begins_with: None,
        }
    }

    fn of(element: &'a Element, value: impl Fn(&str) -> Option<&'a Given>) -> Self {
        let mut joined = Self::text("");
        for piece in &element.pieces {
            match piece {
                Piece::Text(text) => joined.text.push(text),
                Piece::Parameter(name) => {
                    let Some(given) = value(name) else { continue };
                    let text = given.to_text();
                    if joined.text.is_empty() {
                        joined.begins_with = Some((name, given));
                    }
                    joined.text.push(text);
                }
            }
        }
        joined
    }
}

fn names(element: &Element) -> impl Iterator<Item = &str> {
    element.pieces.iter().filter_map(|piece| match piece {
        Piece::Parameter(name) => Some(name.as_str()),
        Piece::Text(_) => None,
    })
}

fn check(element: &Element, parameters: &Parameters) -> Result<(), String> {
    let is_alone = names(element).count() == 1;
    for name in names(element) {
        let Some(Parameter { kind, flag, .. }) = parameters.named(name) else {
            return Err(format!(
                "there is no parameter `{name}`; declare it, or write `{{{{` for a brace"
            ));
        };
        let is_list = matches!(kind, Kind::Array { .. });
        if (is_list || flag.is_some()) && !is_alone {
            return Err(format!(
                "`{name}` {} and so is the only placeholder of its argument; give the others arguments of their own",
                if is_list {
                    "has several values"
                } else {
                    "has a flag"
                }
            ));
        }
        if *kind == Kind::Boolean && flag.is_some() && element.pieces.len() > 1 {
            return Err(format!(
                "`{name}` is its flag or nothing; leave out the text around it, or its flag"
            ));
        }
    }
    let has_nul = |piece: &Piece| matches!(piece, Piece::Text(text) if text.contains('\0'));
    if element.pieces.iter().any(has_nul) {
        return Err("an argument has a NUL character, which no program can be given".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
