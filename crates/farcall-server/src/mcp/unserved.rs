//! Requests that the SDK cannot read as one of MCP: it hands them over as custom ones, and would
//! answer nothing but the name of their method.

use rmcp::{
    ErrorData,
    model::{
        CallToolRequestParams, CustomRequest, ErrorCode, GetPromptRequestParams,
        ReadResourceRequestParams,
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why `request` is not served: its parameters do not fit its method, or nobody knows the method.
pub(super) fn unserved(request: CustomRequest) -> ErrorData {
    let method = request.method.as_str();
    let params = request.params.unwrap_or(Value::Null);
    let fault = match method {
        "prompts/get" => fault::<GetPromptRequestParams>(params),
        "resources/read" => fault::<ReadResourceRequestParams>(params),
        "tools/call" => fault::<CallToolRequestParams>(params),
        _ => None,
    };
    if let Some(fault) = fault {
        let sentence = format!("the params of `{method}` do not fit: {fault}");
        return ErrorData::invalid_params(sentence, None);
    }
    let shown = shortened(method, 64);
    let sentence = format!("there is no method `{}` here", shown.escape_debug());
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, sentence, None)
}

/// What is wrong with `params`, told in a length that does not depend on them.
fn fault<T: DeserializeOwned>(params: Value) -> Option<String> {
    let fault = serde_json::from_value::<T>(params).err()?.to_string();
    Some(shortened(&fault, 200).escape_debug().to_string())
}

fn shortened(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}
