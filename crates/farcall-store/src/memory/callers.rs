//! Named callers and their tokens.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use farcall_core::clock::Timestamp;

use super::{MemoryStore, rules::must};
use crate::{
    Caller, CallerName, CallerStore, Callers, Edition, NewToken, Revoked, Rights, StoreError,
    Token, TokenId,
    caller::{
        MAX_TOKENS, REMEMBERED,
        written::{self, WrittenRights},
    },
    limits::milliseconds,
};

/// All callers, and how often they were changed.
#[derive(Debug, Default)]
pub(super) struct Named {
    callers: BTreeMap<CallerName, Caller>,
    changes: i64,
}

impl Named {
    fn tokens(&mut self) -> impl Iterator<Item = &mut Token> {
        self.callers
            .values_mut()
            .flat_map(|caller| &mut caller.tokens)
    }

    /// Keeps a token of the caller that is called `name`, and forgets what has been over for long.
    fn keep(
        &mut self,
        now: Timestamp,
        name: &CallerName,
        token: &NewToken,
    ) -> Result<(), StoreError> {
        let long_ago = Timestamp(now.0 - milliseconds(REMEMBERED));
        for caller in self.callers.values_mut() {
            let ended = |token: &Token| token.revoked_at.or(token.expires_at);
            caller
                .tokens
                .retain(|token| ended(token).is_none_or(|end| end > long_ago));
        }
        let live = self.tokens().filter(|token| !token.is_over(now)).count();
        if live >= MAX_TOKENS as usize {
            return Err(written::too_many_tokens());
        }
        let is_new = self.tokens().all(|known| known.id != token.id);
        must(is_new, "there is a token of this id")?;
        let end = token.lives_for.map(milliseconds);
        if let Some(caller) = self.callers.get_mut(name) {
            caller.tokens.push(Token {
                id: token.id.clone(),
                digest: token.digest,
                created_at: now,
                expires_at: end.map(|milliseconds| Timestamp(now.0.saturating_add(milliseconds))),
                revoked_at: None,
                last_used_at: None,
            });
            self.changes += 1;
        }
        Ok(())
    }
}

#[async_trait]
impl CallerStore for MemoryStore {
    async fn admit(
        &self,
        name: &CallerName,
        rights: &Rights,
        token: &NewToken,
    ) -> Result<bool, StoreError> {
        WrittenRights::new(rights)?;
        let (mut table, at) = self.table()?;
        let named = &mut table.named;
        let known = named.callers.get(name);
        if known.is_some_and(|known| known.tokens.iter().any(|token| !token.is_over(at.now))) {
            return Ok(false);
        }
        let caller = Caller {
            name: name.clone(),
            rights: rights.clone(),
            created_at: known.map_or(at.now, |known| known.created_at),
            tokens: known.map_or_else(Vec::new, |known| known.tokens.clone()),
        };
        named.callers.insert(name.clone(), caller);
        named.keep(at.now, name, token)?;
        Ok(true)
    }

    async fn rotate(
        &self,
        name: &CallerName,
        token: &NewToken,
        overlap: Duration,
    ) -> Result<bool, StoreError> {
        let (mut table, at) = self.table()?;
        let Some(caller) = table.named.callers.get_mut(name) else {
            return Ok(false);
        };
        let end = Timestamp(at.now.0.saturating_add(milliseconds(overlap)));
        for known in caller
            .tokens
            .iter_mut()
            .filter(|known| !known.is_over(at.now))
        {
            if overlap.is_zero() {
                known.revoked_at = Some(at.now);
            } else {
                known.expires_at = Some(known.expires_at.map_or(end, |known| known.min(end)));
            }
        }
        table.named.keep(at.now, name, token)?;
        Ok(true)
    }

    async fn revoke(&self, which: &Revoked) -> Result<u64, StoreError> {
        let (mut table, at) = self.table()?;
        let mut ended = 0;
        for caller in table.named.callers.values_mut() {
            let is_all = matches!(which, Revoked::Caller(name) if *name == caller.name);
            for token in caller
                .tokens
                .iter_mut()
                .filter(|token| !token.is_over(at.now))
            {
                if is_all || matches!(which, Revoked::Token(id) if *id == token.id) {
                    token.revoked_at = Some(at.now);
                    ended += 1;
                }
            }
        }
        table.named.changes += i64::from(ended > 0);
        Ok(ended)
    }

    async fn callers(&self) -> Result<Callers, StoreError> {
        let (table, at) = self.table()?;
        Ok(Callers {
            edition: Edition {
                number: table.named.changes,
                read_at: at.now,
            },
            callers: table.named.callers.values().cloned().collect(),
        })
    }

    async fn callers_edition(&self) -> Result<Edition, StoreError> {
        Ok(self.callers().await?.edition)
    }

    async fn used(&self, token: &TokenId) -> Result<(), StoreError> {
        let (mut table, at) = self.table()?;
        let mut tokens = table.named.tokens();
        if let Some(token) = tokens.find(|known| known.id == *token) {
            token.last_used_at = token.last_used_at.max(Some(at.now));
        }
        Ok(())
    }
}
