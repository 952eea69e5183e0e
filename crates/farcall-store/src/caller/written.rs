//! Rights as columns, and back.

use std::collections::BTreeSet;

use farcall_core::{allowance::ToolAllowance, principal::Scope};
use serde_json::json;

use super::{CallerName, Rights, TokenId};
use crate::StoreError;

/// The rights of a caller, in columns that every backend has.
pub(crate) struct WrittenRights {
    pub(crate) scopes: String,
    pub(crate) tools: Option<String>,
    pub(crate) max_open_jobs: Option<i64>,
}

impl WrittenRights {
    pub(crate) fn new(rights: &Rights) -> Result<Self, StoreError> {
        if rights.scopes.is_empty() {
            // Whoever may do nothing needs no token.
            return Err(StoreError::Refused {
                rule: "a caller has a scope".to_owned(),
            });
        }
        let scopes: Vec<_> = rights.scopes.iter().map(|scope| scope.as_str()).collect();
        let tools = rights.tools.as_ref();
        Ok(Self {
            scopes: json!(scopes).to_string(),
            tools: tools.map(|tools| json!(tools.entries().collect::<Vec<_>>()).to_string()),
            max_open_jobs: rights.max_open_jobs.map(i64::from),
        })
    }

    /// What the columns say; what they cannot say is refused, and not taken for more than was given.
    pub(crate) fn read(
        scopes: &str,
        tools: Option<&str>,
        max_open_jobs: Option<i64>,
    ) -> Result<Rights, StoreError> {
        let scopes: BTreeSet<_> = list(scopes)?
            .iter()
            .map(|name| Scope::parse(name).ok_or_else(|| corrupt("scope", name)))
            .collect::<Result<_, _>>()?;
        let tools = tools.map(|text| {
            let entries = list(text)?;
            let tools = ToolAllowance::new(entries.iter().map(String::as_str));
            tools.map_err(|_| corrupt("list of tools", text))
        });
        let max_open_jobs = max_open_jobs.map(|limit| {
            let limit = u32::try_from(limit);
            limit.map_err(|error| corrupt("number of jobs", &error.to_string()))
        });
        Ok(Rights {
            scopes,
            tools: tools.transpose()?,
            max_open_jobs: max_open_jobs.transpose()?,
        })
    }
}

pub(crate) fn name(text: &str) -> Result<CallerName, StoreError> {
    CallerName::parse(text).map_err(|_| corrupt("name of a caller", text))
}

pub(crate) fn token_id(text: &str) -> Result<TokenId, StoreError> {
    TokenId::parse(text).ok_or_else(|| corrupt("id of a token", text))
}

pub(crate) fn digest(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    let bytes = bytes.try_into();
    bytes.map_err(|_| corrupt("digest", "what does not have 32 bytes"))
}

/// What is said where one more token would be too many.
pub(crate) fn too_many_tokens() -> StoreError {
    StoreError::Refused {
        rule: format!("there are at most {} tokens", super::MAX_TOKENS),
    }
}

fn list(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|_| corrupt("list of names", text))
}

fn corrupt(what: &str, text: &str) -> StoreError {
    StoreError::Corrupt {
        what: format!("`{}` is no {what}", text.escape_debug()),
    }
}
