//! Arguments that do not fit a tool's schema.

use farcall::json;

use crate::offers::open_server;

/// The sentence that a tool answers to arguments.
async fn sentence(tool: &str, arguments: farcall::Value) -> String {
    open_server().await.call(tool, arguments).await.tool_error()
}

#[tokio::test]
async fn a_wrong_type_is_named_with_what_was_received() {
    assert_eq!(
        sentence("add", json!({"a": "two", "b": 3})).await,
        "the arguments of `add` are not valid: `a`: it is not of type \"number\", received \"two\"; \
         `tools/list` has the schema"
    );
}

#[tokio::test]
async fn a_missing_parameter_is_named() {
    assert_eq!(
        sentence("add", json!({"a": 2})).await,
        "the arguments of `add` are not valid: `b` is required and missing; `tools/list` has the schema"
    );
}

#[tokio::test]
async fn an_extra_parameter_is_refused_by_name() {
    let sentence = sentence("add", json!({"a": 2, "b": 3, "c": 4})).await;
    assert!(
        sentence.contains("`c` is not a known parameter"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_parameter_in_another_case_is_another_parameter() {
    let sentence = sentence("add", json!({"A": 2, "b": 3})).await;
    assert!(
        sentence.contains("`A` is not a known parameter"),
        "{sentence}"
    );
}

#[tokio::test]
async fn numbers_out_of_range_are_refused_with_the_limit() {
    for (coats, rule) in [
        (json!(0), "less than the minimum of 1"),
        (json!(-1), "less than the minimum of 1"),
        (json!(11), "greater than the maximum of 10"),
        (json!(u64::MAX), "greater than the maximum of 10"),
        (json!(1e300), "greater than the maximum of 10"),
        (json!(2.5), "not of type \"integer\""),
    ] {
        let sentence = sentence("paint", json!({"coats": coats})).await;
        assert!(
            sentence.contains("`coats`") && sentence.contains(rule),
            "{coats}: {sentence}"
        );
    }
}

#[tokio::test]
async fn null_is_no_number_and_no_text() {
    for (tool, arguments) in [
        ("add", json!({"a": null, "b": 1})),
        ("echo", json!({"text": null})),
    ] {
        let sentence = sentence(tool, arguments).await;
        assert!(sentence.contains("received null"), "{sentence}");
    }
}

#[tokio::test]
async fn texts_follow_their_pattern_length_and_choice() {
    for (arguments, named) in [
        (json!({"coats": 1, "wall": "North"}), "`wall`"),
        (json!({"coats": 1, "wall": "../etc"}), "`wall`"),
        (json!({"coats": 1, "wall": "northnorth"}), "`wall`"),
        (json!({"coats": 1, "colour": "green"}), "`colour`"),
    ] {
        let sentence = sentence("paint", arguments).await;
        assert!(sentence.contains(named), "{sentence}");
    }
}

#[tokio::test]
async fn a_value_nested_in_the_place_of_a_number_is_refused() {
    let sentence = sentence("add", json!({"a": {"a": [1]}, "b": [[[]]]})).await;
    assert!(
        sentence.contains("`a`: it is not of type") && sentence.contains("`b`: it is not of type"),
        "{sentence}"
    );
}

#[tokio::test]
async fn the_sentence_does_not_grow_with_what_was_sent() {
    let server = open_server().await;
    let long = "x".repeat(500_000);
    for arguments in [
        json!({"a": long, "b": 1}),
        json!({"a": 1, "b": 1, long.as_str(): 1}),
    ] {
        let sentence = server.call("add", arguments).await.tool_error();
        assert!(sentence.len() < 400, "{} bytes", sentence.len());
    }
}

#[tokio::test]
async fn a_call_without_arguments_misses_all_of_them() {
    let server = open_server().await;
    let reply = server
        .rpc("tools/call", json!({"name": "add"}))
        .send()
        .await;
    let sentence = reply.tool_error();
    assert!(
        sentence.contains("`a` is required") && sentence.contains("`b` is required"),
        "{sentence}"
    );
}

#[tokio::test]
async fn what_is_optional_may_be_left_out() {
    let server = open_server().await;
    let result = server.call("paint", json!({"coats": 3})).await.result();
    assert_eq!(result["content"][0]["text"], "3 on ");
}
