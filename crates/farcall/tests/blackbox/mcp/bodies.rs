//! Bodies that are no request of MCP, each refused with its sentence.

use farcall::json;

use crate::{
    harness::{Client, Reply},
    offers::open_server,
};

/// A call of `add` as text, with `arguments` as they are written.
fn call(arguments: &str) -> String {
    with_params(&format!(
        r#"{{"name":"add","arguments":{arguments},{META}}}"#
    ))
}

fn with_params(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"raw","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

fn nested(depth: usize) -> String {
    call(&format!(
        r#"{{"a":{}1{},"b":2}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    ))
}

fn text_of(bytes: usize) -> String {
    call(&format!(r#"{{"a":"{}","b":2}}"#, "x".repeat(bytes)))
}

async fn post(client: &Client, body: impl Into<Vec<u8>>) -> Reply {
    let call = client.tool("add", json!({}));
    call.with_body(body.into()).send().await
}

/// Tests of one refused body each, and the list of all of them.
macro_rules! refused {
    ($($sentence:ident: $body:expr => $status:literal, $code:literal, $said:literal;)*) => {
        $(
            #[tokio::test]
            async fn $sentence() {
                let server = open_server().await;
                let reply = post(&server, $body).await;
                let (code, said) = reply.rpc_error();
                assert_eq!((reply.status, code), ($status, $code), "{said}");
                assert!(said.contains($said), "{said}");
            }
        )*

        fn all() -> Vec<Vec<u8>> {
            vec![$($body.into()),*]
        }
    };
}

refused! {
    an_empty_body_is_no_json:
        "" => 400, -32_700, "the body is empty; send one JSON-RPC request";
    blanks_are_no_json:
        " \r\n\t " => 400, -32_700, "the body is empty";
    half_an_object_is_no_json:
        r#"{"jsonrpc":"2.0","id":1"# => 400, -32_700, "the body is no valid JSON: EOF";
    words_are_no_json:
        "add 2 and 3" => 400, -32_700, "the body is no valid JSON";
    a_form_is_no_json:
        "a=2&b=3" => 400, -32_700, "the body is no valid JSON";
    nan_is_no_json:
        call(r#"{"a":NaN,"b":3}"#) => 400, -32_700, "the body is no valid JSON: expected value";
    infinity_is_no_json:
        call(r#"{"a":Infinity,"b":3}"#) => 400, -32_700, "the body is no valid JSON";
    a_number_that_no_computer_holds_is_refused:
        call(r#"{"a":1e999,"b":3}"#) => 400, -32_700, "number out of range";
    text_after_the_request_is_refused:
        format!("{}{}", call(r#"{"a":1,"b":2}"#), "{}") => 400, -32_700, "trailing characters";
    a_raw_control_character_is_refused:
        call("{\"a\":\"\u{1}\",\"b\":3}") => 400, -32_700, "control character";
    a_byte_order_mark_is_refused:
        format!("\u{feff}{}", call(r#"{"a":1,"b":2}"#)) => 400, -32_700, "the body is no valid JSON";
    bad_utf8_is_refused:
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}".to_vec() => 400, -32_700, "invalid unicode";
    half_a_surrogate_is_refused:
        call(r#"{"a":"\ud800","b":3}"#) => 400, -32_700, "the body is no valid JSON";
    deep_nesting_is_refused:
        nested(100_000) => 400, -32_700, "recursion limit exceeded";
    nesting_just_beyond_the_limit_is_refused:
        nested(126) => 400, -32_700, "recursion limit exceeded";
    a_megabyte_of_text_is_too_large:
        text_of(1 << 20) => 413, -32_000, "the request is larger than 1 MiB";
    two_megabytes_of_text_are_too_large:
        text_of(2 << 20) => 413, -32_000, "the request is larger than 1 MiB";
    a_batch_is_refused:
        format!("[{}]", call(r#"{"a":1,"b":2}"#)) => 400, -32_600, "batches are not part of MCP";
    an_empty_batch_is_refused:
        "[]" => 400, -32_600, "batches are not part of MCP";
    the_id_twice_is_refused:
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"# => 400, -32_600, "the key `id` is there twice";
    the_tool_twice_is_refused:
        with_params(r#"{"name":"add","name":"echo","arguments":{}}"#) => 400, -32_600, "the key `name` is there twice";
    an_argument_twice_is_refused:
        call(r#"{"a":1,"a":2,"b":3}"#) => 400, -32_600, "the key `a` is there twice; send each key once";
    an_argument_twice_in_other_letters_is_refused:
        call(r#"{"a":1,"\u0061":2,"b":3}"#) => 400, -32_600, "the key `a` is there twice";
    the_tool_in_two_cases_is_refused:
        with_params(r#"{"name":"add","Name":"echo","arguments":{}}"#) => 400, -32_600, "the protocol has no key `Name`; write `name`";
    the_method_in_two_cases_is_refused:
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call"}"# => 400, -32_600, "the protocol has no key `METHOD`; write `method`";
    the_tool_twice_in_other_letters_is_refused:
        with_params(r#"{"name":"add","\u006eame":"echo","arguments":{}}"#) => 400, -32_600, "the key `name` is there twice";
    the_arguments_in_two_cases_are_refused:
        with_params(r#"{"name":"add","arguments":{"a":1,"b":2},"ARGUMENTS":{"a":9,"b":9}}"#) => 400, -32_600, "the protocol has no key `ARGUMENTS`; write `arguments`";
    the_arguments_twice_are_refused:
        with_params(r#"{"name":"add","arguments":{"a":1,"b":2},"arguments":{"a":9,"b":9}}"#) => 400, -32_600, "the key `arguments` is there twice";
    the_params_twice_are_refused:
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"# => 400, -32_600, "the key `params` is there twice";
    the_params_in_two_cases_are_refused:
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"Params":{}}"# => 400, -32_600, "the protocol has no key `Params`; write `params`";
    the_version_twice_is_refused:
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"# => 400, -32_600, "the key `jsonrpc` is there twice";
    the_meta_in_two_cases_is_refused:
        with_params(r#"{"name":"add","arguments":{},"_meta":{},"_META":{}}"#) => 400, -32_600, "the protocol has no key `_META`; write `_meta`";
    the_tool_in_another_case_alone_is_refused:
        with_params(r#"{"Name":"add","arguments":{"a":1,"b":2}}"#) => 400, -32_600, "the protocol has no key `Name`; write `name`";
    the_arguments_in_another_case_alone_are_refused:
        with_params(r#"{"name":"add","Arguments":{"a":1,"b":2}}"#) => 400, -32_600, "the protocol has no key `Arguments`; write `arguments`";
    the_meta_in_another_case_alone_is_refused:
        with_params(r#"{"name":"add","arguments":{"a":1,"b":2},"_META":{}}"#) => 400, -32_600, "the protocol has no key `_META`; write `_meta`";
    the_params_in_another_case_alone_are_refused:
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Params":{"cursor":"x"}}"# => 400, -32_600, "the protocol has no key `Params`; write `params`";
    a_key_in_two_cases_is_refused_also_where_the_protocol_has_none:
        with_params(r#"{"name":"add","other":1,"Other":2}"#) => 400, -32_600, "the key `other` is there twice";
    a_key_twice_deep_inside_is_refused:
        call(r#"{"a":{"x":[{"y":1,"y":2}]},"b":3}"#) => 400, -32_600, "the key `y` is there twice";
    a_key_that_some_parsers_take_for_another_is_refused:
        with_params(r#"{"name":"add","param\u017f":{},"arguments":{}}"#) => 400, -32_600, "the protocol has no key";
    a_number_is_no_request:
        "42" => 400, -32_600, "the body is no JSON-RPC request of MCP";
    null_is_no_request:
        "null" => 400, -32_600, "the body is no JSON-RPC request of MCP";
    an_object_of_something_else_is_no_request:
        r#"{"a":2,"b":3}"# => 400, -32_600, "the body is no JSON-RPC request of MCP";
    another_version_of_json_rpc_is_refused:
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"# => 400, -32_600, "the body is no JSON-RPC request of MCP";
    an_answer_to_nobody_is_refused:
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"# => 400, -32_600, "responses";
}

#[tokio::test]
async fn after_all_of_these_the_server_still_answers() {
    let server = open_server().await;
    for body in all() {
        let reply = post(&server, body).await;
        assert!((400..500).contains(&reply.status), "{reply:?}");
    }
    let sum = server.call("add", json!({"a": 2, "b": 3})).await;
    assert_eq!(sum.structured(), json!({"sum": 5.0}));
}

#[tokio::test]
async fn nesting_within_the_limit_reaches_the_schema() {
    let server = open_server().await;
    let reply = post(&server, nested(100)).await;
    let said = reply.tool_error();
    assert!(said.contains("`a`: it is not of type \"number\""), "{said}");
}

#[tokio::test]
async fn nearly_a_megabyte_of_text_comes_back_whole() {
    let server = open_server().await;
    let text = "ä".repeat(500_000);
    let echoed = server
        .call("echo", json!({"text": text}))
        .await
        .structured();
    assert_eq!(echoed["text"], text);
}

#[tokio::test]
async fn a_large_body_of_unknown_length_is_cut_off_too() {
    let server = open_server().await;
    let body = text_of(2 << 20);
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let bytes = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let mut connection = crate::harness::Connection::open(server.address).await;
    connection.write(bytes.as_bytes()).await;
    let answer = String::from_utf8_lossy(&connection.rest().await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("larger than 1 MiB"), "{answer}");
}

#[tokio::test]
async fn params_that_are_no_object_are_refused() {
    let server = open_server().await;
    for params in ["[2,3]", "\"add\"", "7", "null", "true"] {
        let reply = post(&server, with_params(params)).await;
        let (code, said) = reply.rpc_error();
        assert!(matches!(code, -32_600 | -32_602), "{params}: {code} {said}");
        assert!(said.contains("params"), "{params}: {said}");
    }
}

#[tokio::test]
async fn arguments_that_are_no_object_are_refused() {
    let server = open_server().await;
    for arguments in ["[2,3]", "\"a\"", "7"] {
        let reply = post(&server, call(arguments)).await;
        let (code, said) = reply.rpc_error();
        assert_eq!(code, -32_602, "{arguments}: {said}");
        assert!(
            said.contains("the params of `tools/call` do not fit"),
            "{arguments}: {said}"
        );
    }
}

#[tokio::test]
async fn a_header_that_names_another_tool_is_refused() {
    let server = open_server().await;
    for (header, value) in [
        ("mcp-name", "echo"),
        ("mcp-name", "Add"),
        ("mcp-name", "add,echo"),
        ("mcp-name", "add%20"),
        ("mcp-name", ""),
        ("mcp-method", "tools/list"),
        ("mcp-method", "TOOLS/CALL"),
        ("mcp-method", "tools/call,tools/list"),
        ("mcp-method", ""),
        ("mcp-protocol-version", "2025-11-25"),
    ] {
        let call = server.tool("add", json!({"a": 1, "b": 2}));
        let reply = call.header(header, value).send().await;
        assert_eq!(
            (reply.status, reply.rpc_error().0),
            (400, -32_020),
            "{header}"
        );
    }
}
