//! Help, and command lines that are wrong.

use farcall::testing;

use crate::harness::{farcall, shows};

#[test]
fn help_names_flags_variables_and_exit_status() {
    testing::block_on(async {
        shows!(farcall(["smoke", "--help"]).run().await);
    });
}

#[test]
fn an_address_without_a_scheme() {
    testing::block_on(async {
        shows!(farcall(["smoke", "127.0.0.1:8900/mcp"]).run().await, @r"
        exit 2
        ---- stdout
        ---- stderr
        error: `127.0.0.1:8900/mcp` is no http or https URL
        hint: give the address of the MCP endpoint, for example http://127.0.0.1:8900/mcp
        ");
    });
}

#[test]
fn credentials_in_the_url() {
    testing::block_on(async {
        let ended = farcall(["smoke", "http://me:s3cret@127.0.0.1:8900/mcp"])
            .run()
            .await;
        assert!(!ended.to_string().contains("s3cret"));
        shows!(ended, @r"
        exit 2
        ---- stdout
        ---- stderr
        error: the URL holds credentials, which would end up in logs
        hint: send them with --header 'Authorization: …'
        ");
    });
}

#[test]
fn arguments_that_are_no_json_object() {
    testing::block_on(async {
        let of = |arguments| {
            farcall([
                "smoke",
                "http://127.0.0.1:9/mcp",
                "--tool",
                "x",
                "--args",
                arguments,
            ])
        };
        shows!(of("{").run().await, @r#"
        exit 2
        ---- stdout
        ---- stderr
        error: --args is no JSON: EOF while parsing an object at line 1 column 1
        hint: quote it for the shell: --args '{"scene": "demo"}'
        "#);
        shows!(of("[]").run().await, @r#"
        exit 2
        ---- stdout
        ---- stderr
        error: --args is no JSON object
        hint: quote it for the shell: --args '{"scene": "demo"}'
        "#);
    });
}

#[test]
fn arguments_without_a_tool() {
    testing::block_on(async {
        let ended = farcall(["smoke", "http://127.0.0.1:9/mcp", "--args", "{}"])
            .run()
            .await;
        assert_eq!(ended.exit, 2, "{ended}");
    });
}

#[test]
fn a_failure_is_json_where_json_was_asked_for() {
    testing::block_on(async {
        let ended = farcall(["smoke", "http://no-such-name.invalid/mcp", "--json"])
            .run()
            .await;
        shows!(ended, @r#"
        exit 1
        ---- stdout
        {"ok":false,"url":"http://no-such-name.invalid/mcp","runs":[],"error":"the name `no-such-name.invalid` cannot be resolved","hint":"is it spelt right? a new DNS record or tunnel needs a minute to be known"}
        ---- stderr
        error: the name `no-such-name.invalid` cannot be resolved
        hint: is it spelt right? a new DNS record or tunnel needs a minute to be known
        "#);
    });
}
