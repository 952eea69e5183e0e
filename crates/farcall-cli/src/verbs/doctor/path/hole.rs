//! That nobody gets in who says nothing: not to the tools, not to the files.

use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::{
    super::{
        asked,
        finding::{Chart, Finding},
    },
    STEP, Walk,
};
use crate::client::{ListedTool, without_query};

const MCP: &str = "open to strangers";
const FILES: &str = "files open to strangers";

/// An id that no job has.
const NO_JOB: &str = "/files/00000000000000000000000000000000";

/// Asks for the list of tools, and sends nothing with it.
pub(super) async fn look(
    walk: &Walk<'_>,
    tools: &[ListedTool],
    file: Option<&str>,
    chart: &mut Chart,
) {
    let place = &walk.sent.endpoint;
    let answer = match walk.asked(false, "tools/list").await {
        Ok(answer) => answer,
        Err(error) => {
            chart.add(Finding::unverified(
                MCP,
                format!("`{place}` did not answer: {error}"),
            ));
            return;
        }
    };
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let is_open = answer.status.is_success() && body["result"]["tools"].is_array();
    let is_gated = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status)
        || answer.status.is_redirection();
    let is_configured = walk
        .machine
        .is_some_and(|machine| !machine.config.auth.is_open());
    let finding = if is_gated {
        Finding::ok(
            MCP,
            format!("who sends nothing gets {} from `{place}`", answer.status),
        )
    } else if !is_open {
        Finding::unverified(
            MCP,
            format!(
                "who sends nothing gets {} from `{place}`, which is no refusal",
                answer.status
            ),
        )
    } else if walk.is_local() && !walk.sent.is_somebody() && !is_configured {
        Finding::ok(
            MCP,
            "nobody is asked who they are, and only this machine gets here",
        )
    } else {
        let tools = crate::words::count(tools.len() as u64, "tool");
        let finding = Finding::broken(
            MCP,
            format!(
                "anyone who finds `{place}` may call {tools}: a list was given to somebody who sent nothing"
            ),
        );
        if walk.sent.is_somebody() {
            finding
                .cause("what was sent to say who asks is not asked for: the policy lets everybody through, or the server runs without its token")
                .remedy(GATE)
        } else {
            finding
                .cause("neither an edge nor the server asks who calls")
                .remedy(GATE)
        }
    };
    let is_gated = is_gated && !is_open;
    chart.add(finding);
    files(walk, is_gated, file, chart).await;
}

const GATE: &str = "put MCP_BEARER_TOKEN, of `openssl rand -hex 32`, into the server's `.env` and start it again; or an application of Cloudflare Access for the whole host, whose policy has the action Service Auth";

/// The same for files: the URL of a job's file without the signature that is behind it, else of a job that is not there.
async fn files(walk: &Walk<'_>, is_gated: bool, file: Option<&str>, chart: &mut Chart) {
    let real = file.and_then(|file| Url::parse(file).ok());
    let is_real = real.is_some();
    let url = real.map_or_else(|| walk.at(NO_JOB).to_string(), |url| without_query(&url));
    let Ok(answer) = asked::get(&url, STEP).await else {
        chart.add(Finding::unverified(
            FILES,
            format!("`{url}` did not answer"),
        ));
        return;
    };
    let status = answer.status;
    let is_refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status)
        || status.is_redirection();
    chart.add(if is_refused {
        Finding::ok(FILES, format!("who sends nothing gets {status} from /files"))
    } else if status.is_success() && is_gated {
        Finding::broken(FILES, format!("`{url}` is given to somebody who sent nothing"))
            .cause("a proxy or a rule of the edge lets /files past the gate")
            .remedy("let the gate stand before the whole host; the server itself asks at /files as it does at /mcp, and links that it signs open one file alone")
    } else if is_gated && !is_real {
        Finding::unverified(FILES, format!("who sends nothing gets {status} from /files, and there was no file to try"))
    } else {
        Finding::ok(FILES, format!("files are as open as the tools: {status}"))
    });
}
