//! Puts the questions of a running job to its caller, and waits for the answers.

use std::{sync::Arc, time::Duration};

use farcall_core::{
    id::JobId,
    job::StopReason,
    problem::{ErrorCode, Problem},
    question::{Answer, Askable, Question},
};
use farcall_store::{Fence, Hint, JobStore, StoreError};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{insist::insist, stop::Stop};

/// How long a caller may take to answer.
const ANSWER_TIME: Duration = Duration::from_hours(1);

/// The longest name of a question, in bytes.
const MAX_KEY: usize = 128;

/// Asks in the name of one attempt.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) fence: Fence,
    pub(crate) can_ask: Askable,
    /// How often the store is asked for answers that nobody announced.
    pub(crate) poll: Duration,
    pub(crate) work: Stop,
    pub(crate) hard_stop: CancellationToken,
}

impl Asker {
    /// The answers to `questions`, in their order; one that was answered in an earlier attempt is
    /// not put again.
    pub(crate) async fn put(
        self,
        questions: Vec<(String, Question)>,
    ) -> Result<Vec<Answer>, Problem> {
        self.check(&questions)?;
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        // Before it looks, so that no answer comes in between.
        let mut hints = self.store.hints();
        let _waiting = self.work.wait();
        let deadline = Instant::now() + ANSWER_TIME;
        loop {
            let ask = || self.store.ask(self.fence, &questions);
            let answers = insist(&self.hard_stop, ask).await;
            let mut answers = answers.map_err(StoreError::problem)?;
            if questions.iter().all(|(key, _)| answers.contains_key(key)) {
                let answered = questions.iter().filter_map(|(key, _)| answers.remove(key));
                return Ok(answered.map(Answer::new).collect());
            }
            tokio::select! {
                biased;
                () = self.work.token().cancelled() => return Err(self.stopped()),
                () = answered(&mut hints, self.fence.id) => {}
                () = tokio::time::sleep(self.poll) => {}
                () = tokio::time::sleep_until(deadline) => return Err(unanswered(&questions)),
            }
        }
    }

    fn check(&self, questions: &[(String, Question)]) -> Result<(), Problem> {
        for (index, (key, question)) in questions.iter().enumerate() {
            if !self.can_ask.allows(question.asking()) {
                let sentence = format!(
                    "this job asks its caller (`{key}`, with `{}`), which cannot be asked",
                    question.method()
                );
                return Err(Problem::user(sentence)
                    .hint("start it from a client that knows tasks and declares this capability")
                    .no_retry());
            }
            let is_twice = questions[..index].iter().any(|(other, _)| other == key);
            if is_twice || key.is_empty() || key.len() > MAX_KEY {
                let cause = format!(
                    "`{key}` is no key of a question: each needs one of its own, 1 to {MAX_KEY} bytes"
                );
                return Err(Problem::internal(cause).no_retry());
            }
        }
        Ok(())
    }

    fn stopped(&self) -> Problem {
        let reason = self.work.reason().unwrap_or(StopReason::Lost);
        Problem::new(ErrorCode::Cancelled, reason.to_string())
    }
}

fn unanswered(questions: &[(String, Question)]) -> Problem {
    let keys: Vec<_> = questions.iter().map(|(key, _)| key.as_str()).collect();
    let sentence = format!(
        "nobody answered `{}` within {} minutes",
        keys.join("`, `"),
        ANSWER_TIME.as_secs() / 60
    );
    Problem::new(ErrorCode::Timeout, sentence)
}

/// Returns when the job may have an answer.
async fn answered(hints: &mut Receiver<Hint>, job: JobId) {
    loop {
        match hints.recv().await {
            Ok(Hint::Answered(answered)) if answered == job => return,
            Ok(Hint::All) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // There is still the poll.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
