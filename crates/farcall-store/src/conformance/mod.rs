//! What every backend must pass.
//!
//! Each function is one sentence about a store, and panics where it is not true. It wants a
//! store without any jobs, and where time has to pass the clock of that store.
//! [`store_suite!`](crate::store_suite) makes tests of the sentences about the store, and [`database_suite!`](crate::database_suite) of those about
//! what the database below it refuses by itself; both take an `async fn() -> Backend`.

#![expect(clippy::unwrap_used, reason = "this is a test suite")]

pub mod callers;
pub mod cancel;
pub mod claims;
pub mod database;
pub mod doors;
pub mod endings;
pub mod fences;
pub mod fixture;
pub mod hints;
mod illegal;
pub mod keys;
pub mod log;
pub mod operators;
pub mod order;
pub mod progress;
pub mod questions;
pub mod queue;
pub mod recovery;
pub mod retention;
pub mod retries;
pub mod secrets;
pub mod suspects;
pub mod text;
pub mod workers;

use std::any::Any;

use async_trait::async_trait;
use farcall_core::id::JobId;

use crate::JobStore;

/// A store without jobs, and what the suite needs beside it.
pub struct Backend {
    /// The store.
    pub store: Box<dyn JobStore>,
    /// A second door to the same jobs, as another process has one that takes none of them.
    pub second: Box<dyn JobStore>,
    /// Its clock, which stands at [`START`](fixture::START).
    pub clock: Box<dyn TestClock>,
    /// The way past it, where there is a database.
    pub database: Option<Box<dyn RawDatabase>>,
    /// Whatever has to live as long, such as a temporary folder.
    pub keep: Box<dyn Any + Send>,
}

/// The clock of a store under test.
#[async_trait]
pub trait TestClock: Send + Sync {
    /// Lets `milliseconds` pass.
    async fn advance(&self, milliseconds: u32);

    /// Sets the time of day `milliseconds` forwards, or backwards where negative; no time passes.
    async fn jump(&self, milliseconds: i64);
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
            callers::a_caller_comes_back_as_it_was_named,
            callers::a_name_with_a_token_that_is_not_over_is_taken,
            callers::a_rotation_without_overlap_ends_the_other_tokens_at_once,
            callers::a_token_is_revoked_once_and_for_good,
            callers::every_change_is_a_new_edition_and_a_use_is_none,
            callers::rights_that_are_none_are_refused,
            callers::those_who_are_not_named_have_nothing_to_rotate_or_revoke,
            cancel::a_cancelled_job_never_goes_back_into_the_queue,
            cancel::a_job_that_runs_is_told_once_and_may_still_succeed,
            cancel::a_job_that_waits_is_over_at_once,
            cancel::what_is_over_stays_as_it_is,
            claims::a_claim_starts_the_job_and_counts,
            claims::names_that_are_not_known_are_not_claimed,
            claims::several_are_claimed_at_once_in_their_order,
            claims::sixty_four_claims_at_once_give_each_job_once,
            claims::the_oldest_job_is_claimed_first,
            endings::a_failed_job_keeps_its_message_and_publishes_nothing,
            endings::a_success_may_have_neither_value_nor_files,
            endings::success_publishes_value_and_artifacts_at_once,
            endings::the_files_of_failed_jobs_are_strays,
            fences::a_claim_that_was_handed_on_is_stale,
            fences::a_claim_that_was_never_made_is_stale,
            fences::a_job_that_is_over_makes_its_claim_stale,
            hints::what_happens_can_be_heard,
            callers::an_owner_has_no_more_open_jobs_than_it_may,
            keys::a_key_with_other_arguments_is_a_conflict,
            keys::sixty_four_starts_of_one_key_are_one_job,
            log::a_late_report_still_brings_its_lines,
            log::a_log_loses_its_oldest_lines_first,
            log::lines_are_read_page_by_page_to_their_end,
            operators::jobs_are_listed_newest_first,
            operators::jobs_are_counted_by_their_states,
            operators::the_details_of_a_failed_job_name_no_files,
            operators::the_details_of_a_job_say_how_it_came_where_it_is,
            order::a_limit_on_how_many_run_is_never_exceeded,
            progress::a_checkpoint_above_the_total_is_refused_with_its_artifacts,
            progress::a_checkpoint_before_the_first_finished_stage_is_kept,
            progress::a_checkpoint_never_goes_backwards,
            progress::a_checkpoint_sets_the_stage_and_comes_back_with_the_next_claim,
            progress::a_late_report_changes_nothing,
            progress::a_report_above_the_total_is_refused,
            progress::a_report_is_what_polls_read,
            progress::a_restart_drops_checkpoint_artifacts_and_stage,
            progress::an_artifact_takes_the_place_of_one_with_the_same_name,
            progress::artifacts_are_not_seen_before_success,
            questions::a_question_is_open_until_it_is_answered,
            questions::an_answer_outlives_the_attempt_but_not_the_program,
            questions::answers_that_nobody_waits_for_are_dropped,
            queue::a_job_without_stages_is_refused,
            queue::a_new_job_waits_at_stage_zero,
            queue::a_released_job_waits_again_and_nothing_is_counted,
            queue::a_second_job_with_the_same_id_is_refused,
            queue::an_order_is_what_a_job_was_started_with,
            queue::an_unknown_job_is_not_there,
            queue::arguments_come_back_as_they_went_in,
            queue::what_could_not_be_read_back_is_refused,
            recovery::a_job_goes_on_after_its_last_checkpoint,
            recovery::a_store_that_is_closed_says_so,
            recovery::only_running_jobs_have_lost_a_worker,
            retention::a_foreign_job_is_not_there,
            retention::what_a_job_needs_is_told_for_each_that_is_there,
            secrets::a_rotation_at_once_leaves_the_new_secret_alone,
            secrets::a_secret_is_made_once,
            suspects::a_job_that_must_not_run_again_fails_at_its_first_loss,
            suspects::a_release_keeps_the_suspicion_and_a_retry_clears_it,
            suspects::at_its_second_loss_while_alone_a_job_fails_with_a_sentence,
            text::a_name_with_a_nul_is_refused,
            text::every_character_comes_back_where_it_was_put,
            text::in_what_people_read_another_character_stands_for_nul,
            text::nothing_is_found_by_a_name_with_a_nul,
            workers::a_beat_tells_a_worker_of_every_claim_it_has,
            workers::a_worker_may_be_told_other_programs,
            workers::a_worker_is_listed_as_it_made_itself_known,
            workers::a_worker_that_is_not_known_claims_nothing,
            workers::an_unregistered_worker_leaves_nothing_running,
        }
        $crate::store_suite! { $open, in time =>
            callers::a_caller_whose_tokens_are_over_may_be_named_again,
            callers::a_token_ends_when_its_time_is_over,
            callers::a_token_that_has_been_over_for_long_is_forgotten,
            callers::an_overlap_shortens_a_life_and_never_lengthens_it,
            callers::the_last_use_of_a_token_is_kept,
            claims::the_start_is_that_of_the_first_claim,
            keys::a_repetition_is_told_and_takes_nothing_in,
            keys::identical_starts_within_their_time_are_one_job,
            keys::the_key_of_an_expired_job_is_free,
            keys::what_failed_or_is_too_old_does_not_count_as_identical,
            operators::the_age_of_the_queue_is_that_of_the_job_that_waits_longest,
            operators::what_has_expired_is_not_there_for_operators_either,
            order::a_job_of_another_version_goes_to_a_worker_that_has_it,
            order::a_job_whose_time_to_start_is_over_fails_with_a_sentence,
            order::nothing_starves_in_a_stream_of_what_matters_more,
            order::priority_goes_before_age_until_age_has_made_up_for_it,
            queue::a_clock_that_is_set_back_keeps_no_job_waiting,
            questions::a_question_and_an_answer_are_news_and_nothing_else_is,
            recovery::jobs_that_nobody_knows_fail_with_a_sentence,
            recovery::what_was_offered_not_long_ago_has_not_vanished,
            retention::what_has_expired_is_not_there_and_may_be_deleted,
            retries::a_retry_waits_and_goes_on_after_the_last_checkpoint,
            secrets::a_rotation_leaves_the_newest_two,
            secrets::a_rotation_of_several_names_is_one_step,
            suspects::a_lost_job_is_claimed_only_alone,
            suspects::each_worker_has_its_turn_to_make_room,
            workers::a_beat_before_the_rescue_keeps_them,
            workers::a_clock_that_is_set_costs_no_lease,
            workers::a_lease_that_is_over_loses_its_jobs,
            workers::a_worker_that_is_gone_is_forgotten_after_an_hour,
        }
        $crate::store_suite! { $open, twice =>
            callers::what_is_revoked_at_one_door_is_over_at_the_other,
            callers::of_many_starts_at_two_doors_no_more_are_taken_in_than_may_be,
            doors::a_worker_that_was_declared_lost_elsewhere_is_stale,
            doors::identical_starts_at_two_doors_are_one_job,
            doors::what_is_written_at_one_door_is_read_at_the_other,
            secrets::of_many_rotations_at_two_doors_one_takes_place,
            secrets::rotations_at_once_at_two_doors_leave_one_secret,
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
    ($open:path, twice => $($topic:ident::$sentence:ident,)*) => {
        $(
            #[tokio::test]
            async fn $sentence() {
                let backend = $open().await;
                let (store, second) = (backend.store.as_ref(), backend.second.as_ref());
                $crate::conformance::$topic::$sentence(store, second).await;
                second.close().await;
                store.close().await;
            }
        )*
    };
    ($open:path, in time => $($topic:ident::$sentence:ident,)*) => {
        $(
            #[tokio::test]
            async fn $sentence() {
                let backend = $open().await;
                let (store, clock) = (backend.store.as_ref(), backend.clock.as_ref());
                $crate::conformance::$topic::$sentence(store, clock).await;
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
            callers::it_keeps_names_and_what_is_over,
            database::it_allows_exactly_the_transitions_of_the_state_machine,
            database::it_allows_to_keep_a_finished_job_longer_and_to_delete_it,
            database::it_counts_claims_one_by_one,
            database::it_refuses_arguments_that_are_no_object,
            database::it_refuses_every_other_illegal_state,
            secrets::it_keeps_them_as_they_are,
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
