//! `farcall::testing`.

use farcall::{
    App, Job, JobContext, Pipeline, Principal, Problem, TokenVerifier, async_trait, json,
    prelude::data, testing,
};
use tokio::sync::watch;

use crate::harness::{TOKEN, calculator};

#[test]
fn errors_carry_what_the_tool_answered() {
    testing::block_on(async {
        let server = testing::Server::start(calculator()).await.unwrap();
        let refused = server.call("shout", json!({"text": ""})).await.unwrap_err();
        assert_eq!(refused.message, "there is nothing to say");
        assert_eq!(refused.payload, json!({"error": "there is nothing to say"}));

        let unknown = server.call("whisper", json!({})).await.unwrap_err();
        assert_eq!(unknown.payload, json!(null));
        assert!(unknown.message.contains("whisper"), "{}", unknown.message);

        let list = server.call("add", json!([1, 2])).await.unwrap_err();
        assert!(list.message.contains("JSON object"));
        server.stop().await;
    });
}

#[test]
fn a_text_is_a_text() {
    testing::block_on(async {
        let server = testing::Server::start(calculator()).await.unwrap();
        let answer = server.call("shout", json!({"text": "fire"})).await.unwrap();
        assert_eq!(answer, json!("FIRE"));
    });
}

#[test]
fn what_was_registered_wrongly_is_an_error() {
    testing::block_on(async {
        let twice = calculator()
            .add_job(press_job("add", None))
            .add_job(press_job("add", None));
        let failure = testing::Server::start(twice).await.err().unwrap();
        assert!(failure.message.contains("start_add"), "{failure}");
    });
}

#[test]
fn the_token_is_asked_for_and_sent() {
    testing::block_on(async {
        let server = testing::Server::with_token(calculator(), TOKEN)
            .await
            .unwrap();
        assert!(server.call("add", json!({"a": 1, "b": 1})).await.is_ok());
        for stranger in [server.stranger(), server.caller("another-token").unwrap()] {
            let refused = stranger
                .call("add", json!({"a": 1, "b": 1}))
                .await
                .unwrap_err();
            assert!(refused.message.contains("401"), "{}", refused.message);
        }
    });
}

#[test]
fn callers_have_their_own_jobs_and_files() {
    testing::block_on(async {
        let app = App::new("press")
            .add_job(press_job("press", None))
            .token_verifier(Anyone);
        let server = testing::Server::start(app).await.unwrap();
        let (alice, bob) = (
            server.caller("alice").unwrap(),
            server.caller("bob").unwrap(),
        );
        let outcome = alice.run_job("press", json!({"text": "a"})).await.unwrap();
        let link = outcome.url().unwrap();
        let (path, _) = link.split_once('?').expect("the link is not signed");
        assert!(alice.download(path).await.is_ok());
        assert!(
            bob.download(path)
                .await
                .unwrap_err()
                .message
                .contains("404")
        );
        // A link is for whoever has it.
        assert!(bob.download(link).await.is_ok());
        let unknown = bob.finish_job("press", &outcome.job_id).await.unwrap_err();
        assert_eq!(unknown.code(), Some("unknown_job"));
    });
}

#[test]
fn a_job_goes_on_after_a_restart() {
    testing::block_on(async {
        let (begun, mut has_begun) = watch::channel(0);
        let app = |stuck| App::new("press").add_job(press_job("press", stuck));
        let server = testing::Server::start(app(Some(begun))).await.unwrap();
        let job_id = server
            .start_job("press", json!({"text": "a"}))
            .await
            .unwrap();
        has_begun.wait_for(|stages| *stages == 1).await.unwrap();

        let server = server.restart(app(None)).await.unwrap();
        let outcome = server.finish_job("press", &job_id).await.unwrap();
        assert_eq!(outcome.state, testing::JobState::Succeeded);
        assert_eq!(outcome.statuses.last().unwrap().message, "done");
        assert_eq!(server.download(outcome.url().unwrap()).await.unwrap(), b"A");
        server.stop().await;
    });
}

#[test]
fn a_failed_job_is_an_outcome() {
    testing::block_on(async {
        let app = App::new("press").add_job(press_job("press", None));
        let server = testing::Server::start(app).await.unwrap();
        let outcome = server.run_job("press", json!({"text": ""})).await.unwrap();
        assert_eq!(outcome.state, testing::JobState::Failed);
        assert_eq!(outcome.result["error"], "the page is empty");
        assert_eq!(outcome.url(), None);
    });
}

/// What to press.
#[data]
struct Page {
    /// Text of the page.
    text: String,
}

/// Two stages; where it is `stuck`, the second one counts up and waits until it is stopped.
fn press_job(name: &str, stuck: Option<watch::Sender<u32>>) -> Job {
    let pipeline: Pipeline<Page, _> = Pipeline::new()
        .stage("setting", |_: &JobContext, page: Page| {
            if page.text.is_empty() {
                return Err(Problem::user("the page is empty"));
            }
            Ok(page.text.to_uppercase())
        })
        .stage_async("pressing", move |job: JobContext, text: String| {
            let stuck = stuck.clone();
            async move {
                if let Some(begun) = stuck {
                    begun.send_modify(|count| *count += 1);
                    job.cancellation().cancelled().await;
                    job.check()?;
                }
                job.write_artifact("page.txt", text.as_bytes())
            }
        });
    Job::new(name, "Press a page.", pipeline)
}

/// Everybody is who they say they are.
struct Anyone;

#[async_trait]
impl TokenVerifier for Anyone {
    async fn verify(&self, token: &str) -> Result<Option<Principal>, Problem> {
        Ok(Some(Principal::new(token)))
    }
}
