//! What travels through a client between two rounds of a call (MRTR, SEP-2322).
//!
//! The client brings back what it was given, or whatever it likes: so it is signed, bound to the
//! caller and to the very request, and old after an hour.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use farcall_core::{
    context::Recollection, principal::Principal, problem::Demand, question::Question,
};
use rmcp::{
    ErrorData,
    model::{
        ClientCapabilities, InputRequests, InputRequiredResult, InputResponses, RequestStateCodec,
        RequestStateError, SealOptions,
    },
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How long a client may take to answer.
pub(super) const ANSWER_TIME: Duration = Duration::from_hours(1);

/// The keys that what travels is signed with: one signs, and others are accepted beside it, because
/// while a key is changed, some servers have the one and some the other. Clones share them.
#[derive(Clone)]
pub struct StateKeys(Arc<RwLock<Arc<Codecs>>>);

struct Codecs {
    signing: RequestStateCodec,
    others: Vec<RequestStateCodec>,
}

/// Signs and checks what travels.
pub(crate) struct Rounds(StateKeys);

/// The request that a state belongs to.
pub(crate) struct Binding(Vec<u8>);

impl Binding {
    /// For a request that has only one round.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Binds to the caller, the method, the name of the tool or prompt, and its arguments.
    pub(crate) fn new(caller: &Principal, method: &str, name: &str, arguments: &Value) -> Self {
        let mut hash = Sha256::new();
        for part in [caller.id(), method, name, &arguments.to_string()] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().to_vec())
    }
}

impl StateKeys {
    /// Signs with `signing`, and opens what the `others` have signed as well.
    pub fn new(signing: [u8; 32], others: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self(Arc::new(RwLock::new(Codecs::new(signing, others))))
    }

    /// From now on it is these, here and in every clone; what is left out opens nothing any more.
    pub fn exchange(&self, signing: [u8; 32], others: impl IntoIterator<Item = [u8; 32]>) {
        let next = Codecs::new(signing, others);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Those of this moment.
    fn current(&self) -> Arc<Codecs> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Rounds {
    pub(crate) fn new(keys: StateKeys) -> Self {
        Self(keys)
    }

    /// What the caller brought along; answers that are no objects are dropped, and ones to
    /// questions that are never asked change nothing.
    ///
    /// # Errors
    /// -32602 where the state is not one that this server gave for this request.
    pub(crate) fn open(
        &self,
        state: Option<&str>,
        responses: Option<InputResponses>,
        binding: &Binding,
    ) -> Result<Recollection, ErrorData> {
        let mut recollection = match state {
            None => Recollection::default(),
            Some(state) => self.opened(state, binding).map_err(|error| {
                tracing::warn!(%error, "a request state is refused");
                ErrorData::invalid_params(
                    "`requestState` was not issued by this server for this request, or is too old; call again without it",
                    None,
                )
            })?,
        };
        let answers: BTreeMap<_, _> = responses
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, answer)| answer.is_object())
            .collect();
        recollection.answers.extend(answers);
        Ok(recollection)
    }

    /// What a state holds that one of the keys has signed.
    fn opened(&self, state: &str, binding: &Binding) -> Result<Recollection, RequestStateError> {
        let keys = self.0.current();
        let opened = keys.signing.open_json_with(state, &binding.0);
        opened.or_else(|error| {
            let others = keys.others.iter();
            let mut opened = others.map(|key| key.open_json_with(state, &binding.0));
            opened.find_map(Result::ok).ok_or(error)
        })
    }

    /// The protocol's form of what a call demands of its client.
    ///
    /// # Errors
    /// -32021 for a capability that the client lacks, -32603 where a question does not fit the protocol.
    pub(crate) fn demand(
        &self,
        demand: &Demand,
        recollection: &Recollection,
        binding: &Binding,
    ) -> Result<InputRequiredResult, ErrorData> {
        let questions = match demand {
            Demand::Answers(questions) => questions,
            Demand::Capability(asking) => return Err(lacking(*asking)),
        };
        let requests = requests(questions)?;
        let options = SealOptions::new()
            .associated_data(&binding.0)
            .ttl(ANSWER_TIME);
        let keys = self.0.current();
        let state = keys.signing.seal_json_with(recollection, &options);
        let state = state.map_err(|error| internal("a request state cannot be sealed", &error))?;
        Ok(InputRequiredResult::new(Some(requests), Some(state)))
    }
}

impl Codecs {
    fn new(signing: [u8; 32], others: impl IntoIterator<Item = [u8; 32]>) -> Arc<Self> {
        Arc::new(Self {
            signing: codec(signing),
            others: others.into_iter().map(codec).collect(),
        })
    }
}

/// A key is as long as the tag, which is what the SDK asks for.
#[expect(
    deprecated,
    reason = "the checked constructor could only fail for a shorter key"
)]
fn codec(key: [u8; 32]) -> RequestStateCodec {
    RequestStateCodec::new(key)
}

/// Questions as the protocol puts them.
///
/// # Errors
/// -32603 where a question does not fit the protocol.
pub(super) fn requests(questions: &[(String, Question)]) -> Result<InputRequests, ErrorData> {
    let requests = questions.iter().map(|(key, question)| {
        let request = json!({"method": question.method(), "params": question.params()});
        Ok((key.clone(), serde_json::from_value(request)?))
    });
    let requests: Result<_, serde_json::Error> = requests.collect();
    requests.map_err(|error| internal("a question does not fit the protocol", &error))
}

fn lacking(asking: farcall_core::question::Asking) -> ErrorData {
    use farcall_core::question::Asking;

    let name = match asking {
        Asking::Person => "elicitation",
        Asking::Model => "sampling",
        Asking::Roots => "roots",
    };
    match serde_json::from_value::<ClientCapabilities>(json!({name: {}})) {
        Ok(required) => ErrorData::missing_required_client_capability(required),
        Err(error) => internal("a capability cannot be named", &error),
    }
}

fn internal(sentence: &'static str, error: &dyn std::fmt::Display) -> ErrorData {
    tracing::error!(%error, sentence);
    ErrorData::internal_error(sentence, None)
}
