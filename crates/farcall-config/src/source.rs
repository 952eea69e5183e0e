//! Where values come from, nearest first.

use std::{collections::HashMap, fmt, path::Path};

use secrecy::{ExposeSecret, SecretString};

use crate::{
    ConfigError, Fault,
    file::Settings,
    variables::{self, Variable},
};

/// Flags, environment, `.env` and `farcall.toml`, in this order.
#[derive(Clone, Default)]
pub struct Source {
    values: HashMap<String, String>,
    own_authenticator: bool,
    named_callers: bool,
}

/// The names alone: any value may be a secret, also of a variable that nobody here has heard of.
impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

impl Source {
    /// The environment of this process, and `.env` in `folder` for what it does not set.
    ///
    /// # Errors
    /// [`ConfigError`] where `.env` is there and cannot be read.
    pub fn from_environment(folder: &Path) -> Result<Self, ConfigError> {
        let mut source = Self::from_folder(folder)?;
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    source.values.insert(name, value);
                }
                // Ignored, a secret that nobody can read would leave the server open.
                Err(_) if variables::ALL.iter().any(|variable| variable.name == name) => {
                    let fault = format!("`{name}` is no text in UTF-8");
                    return Err(ConfigError(vec![Fault::new(
                        fault,
                        "set it again, or unset it",
                    )]));
                }
                Err(_) => {}
            }
        }
        Ok(source)
    }

    /// `.env` in `folder`, where there is one, and nothing of the environment: what a server has that a
    /// service manager starts.
    ///
    /// # Errors
    /// [`ConfigError`] where `.env` is there and cannot be read.
    pub fn from_folder(folder: &Path) -> Result<Self, ConfigError> {
        let path = folder.join(".env");
        let mut source = Self::default();
        if !path.exists() {
            return Ok(source);
        }
        let unreadable = |error: &dyn fmt::Display| {
            // The text of a parse error quotes the line, which may hold a secret.
            let _ = error;
            ConfigError(vec![Fault::new(
                "`.env` cannot be read",
                "write one NAME=value a line",
            )])
        };
        let lines = dotenvy::from_path_iter(&path).map_err(|error| unreadable(&error))?;
        for line in lines {
            let (name, value) = line.map_err(|error| unreadable(&error))?;
            source.values.insert(name, value);
        }
        Ok(source)
    }

    /// Values given by name, for tests and for embedding.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            values: pairs.into_iter().map(owned).collect(),
            own_authenticator: false,
            named_callers: false,
        }
    }

    /// Sets what a flag said, over everything else.
    pub fn set(&mut self, variable: &Variable, value: impl Into<String>) {
        self.values.insert(variable.name.to_owned(), value.into());
    }

    /// Sets what holds where nobody said anything else.
    pub fn set_default(&mut self, variable: &Variable, value: impl Into<String>) {
        self.values
            .entry(variable.name.to_owned())
            .or_insert_with(|| value.into());
    }

    /// Sets what a `farcall.toml` says, below everything that was said elsewhere.
    pub fn set_file(&mut self, settings: &Settings) {
        for (variable, value) in &settings.0 {
            // The port of a hosted runtime is the environment's word as well.
            let is_given =
                *variable == variables::MCP_PORT && self.filled(&variables::PORT).is_some();
            if !is_given {
                self.set_default(variable, value.expose_secret());
            }
        }
    }

    /// Takes over what `other` says under `name`, and returns it where that is something else than before.
    pub fn take(&mut self, name: &str, other: &Self) -> Option<String> {
        let value = other.named(name)?;
        let before = self.values.insert(name.to_owned(), value.to_owned());
        (before.as_deref() != Some(value)).then(|| value.to_owned())
    }

    /// Says that the program brings an authenticator of its own.
    pub fn set_own_authenticator(&mut self) {
        self.own_authenticator = true;
    }

    pub(crate) fn has_own_authenticator(&self) -> bool {
        self.own_authenticator
    }

    /// Says that there are callers with tokens of their own in the store.
    pub fn set_named_callers(&mut self) {
        self.named_callers = true;
    }

    pub(crate) fn has_named_callers(&self) -> bool {
        self.named_callers
    }

    /// The variables that have another value in `other`.
    pub fn differing<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = &'static Variable> + 'a {
        let variables = variables::ALL.iter();
        variables.filter(|variable| self.filled(variable) != other.filled(variable))
    }

    pub(crate) fn get(&self, variable: &Variable) -> Option<&str> {
        self.values.get(variable.name).map(String::as_str)
    }

    /// The value of a variable that somebody else named, which may be a secret.
    pub fn named(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The names of everything that is set, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The value where it is set and not blank.
    pub fn filled(&self, variable: &Variable) -> Option<&str> {
        self.get(variable)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// What is set under other programs' names, which begin like this; all of it may be secret.
    pub(crate) fn beginning_with(&self, prefixes: &[&str]) -> Vec<(String, SecretString)> {
        let theirs = self
            .values
            .iter()
            .filter(|(name, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)));
        theirs
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect()
    }

    /// Whether `variable` says something.
    pub fn is_set(&self, variable: &Variable) -> bool {
        self.filled(variable).is_some()
    }

    /// A comma-separated list.
    pub(crate) fn list(&self, variable: &Variable) -> Vec<String> {
        let entries = self.filled(variable).unwrap_or_default().split(',');
        entries
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A switch: on by `1` or `true`.
    pub(crate) fn is_on(&self, variable: &Variable) -> bool {
        matches!(self.filled(variable), Some("1" | "true"))
    }

    /// A switch that is on unless it is turned off, by `0` or `false`.
    pub(crate) fn is_not_off(&self, variable: &Variable) -> bool {
        !matches!(self.filled(variable), Some("0" | "false"))
    }
}
