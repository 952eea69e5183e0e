//! What a check has found, and all of what was found.

use serde::Serialize;

use crate::terminal::{print, printable};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// It is as it should be.
    Ok,
    /// It could not be looked at, or shows nothing.
    Unverified,
    /// It works, and may not be what was meant.
    Warning,
    /// Something does not work because of it, or is open that should not be.
    Broken,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unverified => "unverified",
            Self::Warning => "warning",
            Self::Broken => "broken",
        }
    }
}

/// What one check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at, always the same words.
    pub(super) check: &'static str,
    pub(super) level: Level,
    /// What is the case, one sentence.
    #[serde(rename = "finding")]
    pub(super) said: String,
    /// Why that is so, where it is not what it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, said: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, said)
    }

    pub(super) fn unverified(check: &'static str, said: impl Into<String>) -> Self {
        Self::new(check, Level::Unverified, said)
    }

    pub(super) fn warning(check: &'static str, said: impl Into<String>) -> Self {
        Self::new(check, Level::Warning, said)
    }

    pub(super) fn broken(check: &'static str, said: impl Into<String>) -> Self {
        Self::new(check, Level::Broken, said)
    }

    fn new(check: &'static str, level: Level, said: impl Into<String>) -> Self {
        Self {
            check,
            level,
            said: said.into(),
            cause: None,
            remedy: None,
        }
    }

    #[must_use]
    pub(super) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    #[must_use]
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// As people read it: the verdict on one line, cause and remedy below it.
    fn lines(&self) -> Vec<String> {
        let level = self.level.word();
        let rest = [("cause", &self.cause), ("remedy", &self.remedy)];
        let rest = rest.into_iter().filter_map(|(what, text)| {
            let text = text.as_ref()?;
            Some(format!("            {what}: {}", printable(text)))
        });
        let first = format!("{level:<10}  {}: {}", self.check, printable(&self.said));
        std::iter::once(first).chain(rest).collect()
    }
}

/// All that was found so far, in the order of the hops.
#[derive(Debug, Default)]
pub(super) struct Chart {
    pub(super) findings: Vec<Finding>,
    /// Whether each is printed as soon as it is there.
    is_shown: bool,
    /// Whether the configuration itself is wrong, so that nothing behind it could be looked at.
    pub(super) is_misconfigured: bool,
}

impl Chart {
    pub(super) fn new(is_shown: bool) -> Self {
        Self {
            is_shown,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        if self.is_shown {
            finding.lines().iter().all(|line| print(line));
        }
        self.findings.push(finding);
    }

    pub(super) fn count(&self, level: Level) -> usize {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.level == level).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_and_remedy_stand_below_the_finding_and_nothing_of_it_moves_the_cursor() {
        let finding = Finding::broken("port", "nobody\u{1b}[2J listens")
            .cause("it is not running")
            .remedy("start it");
        assert_eq!(
            finding.lines(),
            [
                "broken      port: nobody\\u{1b}[2J listens",
                "            cause: it is not running",
                "            remedy: start it",
            ]
        );
    }
}
