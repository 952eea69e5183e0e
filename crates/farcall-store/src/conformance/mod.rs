//! What every backend must pass.
//!
//! Each function is one sentence about a store, and panics where it is not true. It wants a
//! store without any jobs. [`store_suite!`](crate::store_suite) makes tests of the
//! sentences about the store, and [`database_suite!`](crate::database_suite) of those about
//! what the database below it refuses by itself; both take an `async fn() -> Backend`.

#![expect(clippy::unwrap_used, reason = "this is a test suite")]

pub mod claims;
pub mod database;
pub mod endings;
pub mod fences;
pub mod fixture;
pub mod progress;
pub mod queue;
pub mod recovery;

use std::any::Any;

use async_trait::async_trait;
use farcall_core::id::JobId;

use crate::JobStore;

/// A store without jobs, and what the suite needs beside it.
pub struct Backend {
    /// The store.
    pub store: Box<dyn JobStore>,
    /// The way past it, where there is a database.
    pub database: Option<Box<dyn RawDatabase>>,
    /// Whatever has to live as long, such as a temporary folder.
    pub keep: Box<dyn Any + Send>,
}

/// A way past the store, for statements that its own code never makes.
#[async_trait]
pub trait RawDatabase: Send + Sync {
    /// Runs `statement` with the id of a job as `$1`. Says how many rows it changed, or what
    /// the database says against it.
    ///
    /// Statements are written for every SQL database; tables and columns have the same names
    /// in all backends.
    async fn execute(&self, statement: &'static str, id: JobId) -> Result<u64, String>;
}

/// Makes a test of every sentence about a store; `$open` is an async function that returns
/// a [`Backend`](crate::conformance::Backend).
#[macro_export]
macro_rules! store_suite {
    ($open:path) => {
        $crate::store_suite! { $open =>
            claims::a_claim_starts_the_job_and_counts,
            claims::names_that_are_not_known_are_not_claimed,
            claims::sixty_four_claims_at_once_give_each_job_once,
            claims::the_oldest_job_is_claimed_first,
            claims::the_start_is_that_of_the_first_claim,
            endings::a_failed_job_keeps_its_message_and_publishes_nothing,
            endings::a_success_may_have_neither_value_nor_files,
            endings::success_publishes_value_and_artifacts_at_once,
            endings::the_files_of_failed_jobs_are_strays,
            fences::a_claim_that_was_handed_on_is_stale,
            fences::a_claim_that_was_never_made_is_stale,
            fences::a_job_that_is_over_makes_its_claim_stale,
            progress::a_checkpoint_above_the_total_is_refused_with_its_artifacts,
            progress::a_checkpoint_never_goes_backwards,
            progress::a_checkpoint_sets_the_stage_and_comes_back_with_the_next_claim,
            progress::a_late_report_changes_nothing,
            progress::a_report_above_the_total_is_refused,
            progress::a_report_is_what_polls_read,
            progress::a_restart_drops_checkpoint_artifacts_and_stage,
            progress::an_artifact_takes_the_place_of_one_with_the_same_name,
            progress::artifacts_are_not_seen_before_success,
            queue::a_job_without_stages_is_refused,
            queue::a_new_job_waits_at_stage_zero,
            queue::a_released_job_waits_again_and_nothing_is_counted,
            queue::a_second_job_with_the_same_id_is_refused,
            queue::an_unknown_job_is_not_there,
            queue::arguments_come_back_as_they_went_in,
            queue::unfinished_jobs_are_listed_oldest_first,
            queue::what_could_not_be_read_back_is_refused,
            recovery::a_job_goes_on_after_its_last_checkpoint,
            recovery::a_job_that_loses_too_many_workers_fails_with_a_sentence,
            recovery::a_store_that_is_closed_says_so,
            recovery::jobs_that_nobody_knows_fail_with_a_sentence,
            recovery::only_running_jobs_have_lost_a_worker,
            recovery::a_secret_is_made_once,
        }
    };
    ($open:path => $($topic:ident::$sentence:ident,)*) => {
        $(
            #[tokio::test]
            async fn $sentence() {
                let backend = $open().await;
                $crate::conformance::$topic::$sentence(backend.store.as_ref()).await;
                backend.store.close().await;
            }
        )*
    };
}

/// Makes a test of every sentence about what the database refuses; as [`store_suite!`], for
/// backends with a [`RawDatabase`](crate::conformance::RawDatabase).
#[macro_export]
macro_rules! database_suite {
    ($open:path) => {
        $crate::database_suite! { $open =>
            database::it_allows_exactly_the_transitions_of_the_state_machine,
            database::it_allows_to_keep_a_finished_job_longer_and_to_delete_it,
            database::it_counts_claims_one_by_one,
            database::it_refuses_arguments_that_are_no_object,
            database::it_refuses_every_other_illegal_state,
        }
    };
    ($open:path => $($topic:ident::$sentence:ident,)*) => {
        $(
            #[tokio::test]
            async fn $sentence() {
                let backend = $open().await;
                let database = backend.database.as_deref().expect("there is a database");
                $crate::conformance::$topic::$sentence(backend.store.as_ref(), database).await;
                backend.store.close().await;
            }
        )*
    };
}
