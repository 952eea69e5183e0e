//! Calls and answers of MCP, and jobs by their contract.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{client::Client, process::pause, requests, servers::wrapped::SAID};

/// A job must be over after this time.
const JOB_TIME: Duration = Duration::from_mins(5);

/// The answer to `add` of 2 and 3, from whichever server.
pub(crate) fn judge_sum(body: &[u8]) -> Result<()> {
    let said = said(body)?;
    ensure!(said["sum"] == json!(5.0), "2 and 3 are not {said}");
    Ok(())
}

/// The answer to `tools/list` of 200 tools.
pub(crate) fn judge_tools(body: &[u8]) -> Result<()> {
    let result = result(body)?;
    let tools = result["tools"].as_array().map_or(0, Vec::len);
    ensure!(tools == 200, "there are {tools} tools, not 200");
    Ok(())
}

/// The answer of a probe.
pub(crate) fn judge_health(body: &[u8]) -> Result<()> {
    let answer: Value = serde_json::from_slice(body)?;
    ensure!(answer == json!({"ok": true}), "the probe says {answer}");
    Ok(())
}

/// The answer to the start of a job.
pub(crate) fn judge_started(body: &[u8]) -> Result<()> {
    let said = said(body)?;
    ensure!(said["job_id"].is_string(), "no job was started: {said}");
    Ok(())
}

/// The status of a job that waits, runs, or has succeeded.
pub(crate) fn judge_status(body: &[u8]) -> Result<()> {
    let said = said(body)?;
    let state = said["state"].as_str().unwrap_or_default();
    let is_well = ["queued", "running", "succeeded"].contains(&state);
    ensure!(is_well, "a job's status is {said}");
    Ok(())
}

/// What the wrapped program wrote.
pub(crate) fn judge_program(body: &[u8]) -> Result<()> {
    let text = text(body)?;
    ensure!(text.trim_end() == SAID, "the program wrote `{text}`");
    Ok(())
}

/// What a tool said, as JSON: the text of its answer holds it with every server.
fn said(body: &[u8]) -> Result<Value> {
    Ok(serde_json::from_str(&text(body)?)?)
}

fn text(body: &[u8]) -> Result<String> {
    let result = result(body)?;
    let text = result["content"][0]["text"].as_str();
    let text = text.with_context(|| format!("an answer without text: {result}"))?;
    ensure!(result["isError"] != json!(true), "a tool failed: {text}");
    Ok(text.to_owned())
}

/// The result in a JSON body, or in the only event of a stream.
fn result(body: &[u8]) -> Result<Value> {
    let body = std::str::from_utf8(body)?;
    let json = if body.trim_start().starts_with('{') {
        body
    } else {
        body.lines()
            .find_map(|line| {
                line.strip_prefix("data: ")
                    .filter(|data| data.starts_with('{'))
            })
            .context("a stream without an answer")?
    };
    let mut answer: Value = serde_json::from_str(json)?;
    match answer.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => bail!("no result: {answer}"),
    }
}

/// Opens a session, and returns its id.
pub(crate) fn open_session(address: SocketAddr) -> Result<String> {
    let mut client = Client::connect(address)?;
    let answer = client.succeed(&requests::initialize())?;
    let id = answer.header("mcp-session-id");
    let id = id.context("the server opened no session")?.to_owned();
    client.succeed(&requests::initialized(&id))?;
    Ok(id)
}

/// A job of a server, started by this request.
pub(crate) fn start(address: SocketAddr, request: &[u8]) -> Result<String> {
    let mut client = Client::connect(address)?;
    let started = said(client.succeed(request)?.body())?;
    let id = started["job_id"].as_str().context("a job without an id")?;
    Ok(id.to_owned())
}

/// Waits until the status that `request` asks for is that of a success.
pub(crate) fn wait_for_success(address: SocketAddr, request: &[u8]) -> Result<()> {
    let mut client = Client::connect(address)?;
    let begun = Instant::now();
    loop {
        let now = said(client.succeed(request)?.body())?;
        match now["state"].as_str() {
            Some("succeeded") => return Ok(()),
            Some("queued" | "running") if begun.elapsed() < JOB_TIME => {}
            _ => bail!("the job did not succeed: {now}"),
        }
        pause(Duration::from_millis(20));
    }
}

/// Starts the job of `big-files` that writes `bytes`.
pub(crate) fn start_file(bytes: u64) -> Vec<u8> {
    requests::older_call("start_write_file", &format!("{{\"bytes\":{bytes}}}"), None)
}

/// Runs that job to its end, and returns its id.
pub(crate) fn write_file(address: SocketAddr, bytes: u64) -> Result<String> {
    let id = start(address, &start_file(bytes))?;
    wait_for_success(address, &requests::status_of("write_file", &id, None))?;
    Ok(id)
}
