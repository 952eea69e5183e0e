//! Which request a line of the log is of: the code of a tool runs as an answer to one.

use farcall::{json, prelude::*};

use crate::harness::Setup;

fn current() -> String {
    let call = CallContext::current();
    call.map_or_else(String::new, |call| call.request_id().to_owned())
}

/// Say which request this is.
#[tool]
async fn ask() -> String {
    tokio::task::yield_now().await;
    current()
}

/// Say which request this is, on a thread of its own.
#[tool]
fn ask_elsewhere() -> String {
    current()
}

#[tokio::test]
async fn the_code_of_a_tool_knows_which_request_it_answers() {
    let app = App::new("requests").tool::<ask>().tool::<ask_elsewhere>();
    let server = Setup::new(app).start().await;
    for tool in ["ask", "ask_elsewhere"] {
        for legacy in [false, true] {
            let params = json!({"name": tool, "arguments": {}});
            let reply = if legacy {
                server.legacy("tools/call", params).send().await
            } else {
                server.call(tool, json!({})).await
            };
            let said = reply.result()["content"][0]["text"].clone();
            assert_eq!(said, reply.header("x-request-id"), "{tool}");
        }
    }
    assert_eq!(current(), "");
}
