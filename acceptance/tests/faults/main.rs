//! What else may happen to a server than to be killed: real processes that stand still, a clock
//! that is set, a database that goes away, a thing that there is once.

use std::path::PathBuf;

use farcall_acceptance::kills::{
    Engine,
    trials::{self, Hands},
};

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_kills"))
}

/// P5.
#[tokio::test]
async fn a_server_that_stood_still_past_its_lease_changes_nothing_any_more() {
    trials::a_server_stands_still(program()).await;
}

/// P5.
#[tokio::test]
async fn a_server_that_wakes_while_another_has_its_job_changes_nothing() {
    trials::a_server_wakes_while_another_works(program(), None).await;
}

/// That it would be seen.
#[cfg(debug_assertions)]
#[tokio::test]
#[should_panic(expected = "a lost job has written")]
async fn without_a_fence_a_server_that_wakes_is_not_refused() {
    trials::a_server_wakes_while_another_works(program(), Some("no-fence")).await;
}

/// P12.
#[tokio::test]
async fn no_two_jobs_ever_hold_the_only_slot_of_a_server_that_is_killed() {
    let began = trials::a_thing_is_given_to_one(Engine::Sqlite, program(), Hands::Function).await;
    println!("{began} beginnings");
}

/// P12.
#[tokio::test]
async fn no_two_jobs_ever_hold_the_only_slot_of_a_server_that_is_believed_lost() {
    let began = trials::a_thing_is_given_to_one(Engine::Postgres, program(), Hands::Function).await;
    println!("{began} beginnings");
}

#[tokio::test]
async fn two_jobs_that_hold_one_thing_are_seen() {
    trials::two_things_are_given_to_two(program(), Hands::Function).await;
    trials::two_things_are_given_to_two(program(), Hands::Program).await;
}

/// P12, P13.
#[tokio::test]
async fn no_two_programs_ever_hold_the_only_slot_of_a_server_that_is_killed() {
    let began = trials::a_thing_is_given_to_one(Engine::Sqlite, program(), Hands::Program).await;
    println!("{began} beginnings");
}

/// P12, P13.
#[tokio::test]
async fn no_two_programs_ever_hold_the_only_slot_of_a_server_that_is_believed_lost() {
    let began = trials::a_thing_is_given_to_one(Engine::Postgres, program(), Hands::Program).await;
    println!("{began} beginnings");
}

/// P16.
#[tokio::test]
async fn a_clock_that_jumps_by_an_hour_costs_no_job_over_sqlite() {
    trials::a_clock_is_set(Engine::Sqlite, program()).await;
}

/// P16.
#[tokio::test]
async fn a_clock_that_jumps_by_an_hour_costs_no_job_over_postgres() {
    trials::a_clock_is_set(Engine::Postgres, program()).await;
}

/// P17.
#[tokio::test]
async fn jobs_go_on_while_their_database_ends_again_and_again() {
    trials::the_database_restarts(program()).await;
}

/// P17.
#[tokio::test]
async fn jobs_go_on_when_a_standby_takes_the_place_of_their_database() {
    trials::a_standby_takes_over(program()).await;
}

/// P17.
#[tokio::test]
async fn a_job_goes_on_or_runs_again_when_its_database_fell_silent() {
    trials::the_database_falls_silent(program()).await;
}
