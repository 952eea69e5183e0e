//! `--tool` and `--args`.

use crate::harness::{TOKEN, calculator, press, shows, smoke, with_server};

#[test]
fn a_tool_is_called_with_its_arguments() {
    with_server(calculator(), |url| async move {
        let arguments = ["--tool", "shout", "--args", r#"{"text": "fire"}"#];
        shows!(smoke(&url).arguments(&arguments).run().await, @r#"
        exit 0
        ---- stdout
        tools: ["add", "shout"]
        shout({"text":"fire"}) -> "FIRE"
        OK ✅
        ---- stderr
        again over 2025-11-25: fine
        "#);
    });
}

#[test]
fn a_tool_that_fails_is_a_failure() {
    with_server(calculator(), |url| async move {
        let arguments = ["--tool", "shout", "--args", r#"{"text": ""}"#];
        shows!(smoke(&url).arguments(&arguments).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["add", "shout"]
        ---- stderr
        error: `shout` answers with an error: there is nothing to say
        "#);
    });
}

#[test]
fn arguments_that_the_tool_refuses_are_a_failure() {
    with_server(calculator(), |url| async move {
        shows!(smoke(&url).arguments(&["--tool", "shout"]).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["add", "shout"]
        ---- stderr
        error: `shout` answers with an error: the arguments of `shout` are not valid: `text` is required and missing; `tools/list` has the schema
        "#);
    });
}

#[test]
fn a_name_that_is_not_listed_is_a_failure() {
    with_server(calculator(), |url| async move {
        shows!(smoke(&url).arguments(&["--tool", "shuot"]).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["add", "shout"]
        ---- stderr
        error: the server has neither a tool nor a job called `shuot`
        hint: it lists add, shout
        "#);
    });
}

#[test]
fn a_job_that_fails_is_a_failure() {
    with_server(press(), |url| async move {
        let typed = smoke(&url).arguments(&["--tool", "burn"]);
        shows!(typed.variable("FARCALL_TOKEN", TOKEN).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["add", "start_print", "get_print_status", "get_print_result", "cancel_print", "start_burn", "get_burn_status", "get_burn_result", "cancel_burn"]
        start_burn -> {"job_id":"[JOB]…","state":"queued",…}
        status -> running 1/1 [1/1] lighting
        status -> failed 1/1 [1/1] lighting
        ---- stderr
        error: the job `[JOB]…` failed in stage 1 of 1: the match is wet
        hint: its error_code is user_error
        "#);
    });
}

#[test]
fn a_job_that_takes_too_long_is_a_failure() {
    with_server(press(), |url| async move {
        let typed = smoke(&url).arguments(&["--tool", "start_print", "--timeout", "0"]);
        let ended = typed.variable("FARCALL_TOKEN", TOKEN).run().await;
        assert_eq!(ended.exit, 1);
        assert!(ended.stderr.contains("after 0 seconds\nhint: "), "{ended}");
    });
}
