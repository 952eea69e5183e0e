"""Smoke test of the example server: python smoke_test.py http://127.0.0.1:8900/mcp

Lists the tools, calls `add`, drives one `start_render` job to its file, downloads the file and checks it.
Ends in `OK ✅` and exit status 0, or in one sentence on stderr and exit status 1.

Needs only the `mcp` package, of either generation: 1.x (`streamablehttp_client` + `ClientSession`) or 2.x (`Client`).

Credentials come from the environment, as the hand-off names them: EXAMPLE_MCP_TOKEN (Bearer), or
EXAMPLE_CF_CLIENT_ID and EXAMPLE_CF_CLIENT_SECRET (Cloudflare Access).
"""

import argparse
import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.request

TOOLS = ["add", "echo", "start_render", "get_render_status", "get_render_result"]
STATES = ("queued", "running", "succeeded", "failed")
# The server's own poll_after_ms is meant for jobs of minutes; these renders last seconds, and a slow poll would miss
# their stages.
POLL_AT_MOST_S = 0.1
GIVE_UP_AFTER_S = 120
HTTP_TIMEOUT_S = 60


class Failure(Exception):
    """What the smoke test found wrong, as one sentence."""


def check(holds, sentence):
    if not holds:
        raise Failure(sentence)


def credentials():
    headers = {}
    if token := os.environ.get("EXAMPLE_MCP_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    client_id = os.environ.get("EXAMPLE_CF_CLIENT_ID")
    client_secret = os.environ.get("EXAMPLE_CF_CLIENT_SECRET")
    check(
        bool(client_id) == bool(client_secret),
        "EXAMPLE_CF_CLIENT_ID and EXAMPLE_CF_CLIENT_SECRET belong together, but only one of them is set",
    )
    if client_id:
        headers["CF-Access-Client-Id"] = client_id
        headers["CF-Access-Client-Secret"] = client_secret
    return headers


@contextlib.asynccontextmanager
async def connect(url, headers):
    """An initialized session with `list_tools` and `call_tool`, in whichever generation of the SDK is installed."""
    try:
        from mcp.client.streamable_http import streamablehttp_client
    except ImportError:
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30, read=300)) as http:
            async with Client(streamable_http_client(url, http_client=http)) as session:
                yield session
        return

    from mcp import ClientSession

    async with streamablehttp_client(url, headers=headers) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            yield session


async def call(session, tool, arguments):
    # The two generations spell attributes differently (isError, is_error); on the wire there is one spelling.
    answer = (await session.call_tool(tool, arguments)).model_dump(by_alias=True)
    text = "".join(block.get("text", "") for block in answer["content"])
    check(not answer.get("isError"), f"{tool} answered with an error: {text}")
    try:
        payload = json.loads(text)
    except ValueError:
        raise Failure(f"{tool} answered with text that is not JSON: {text!r}") from None
    check(isinstance(payload, dict), f"{tool} should answer with a JSON object, and answered {text!r}")
    check("error" not in payload or payload.get("state") == "failed", f"{tool} answered with an error: {text}")
    return payload


def shortened(text, job_id):
    """`text` up to the first 8 characters of the job's id; also hides the signature that a file's URL may end in."""
    before, found, _ = text.partition(job_id)
    return f"{before}{job_id[:8]}..." if found else text.partition("?")[0]


async def follow(session, job_id):
    """Polls the job until it ends, one printed line for each change; returns when it has succeeded."""
    seen, last_stage, first_total = None, 0, None
    give_up_at = time.monotonic() + GIVE_UP_AFTER_S
    while True:
        status = await call(session, "get_render_status", {"job_id": job_id})
        for field in ("job_id", "state", "stage", "total_stages", "message"):
            check(field in status, f"get_render_status answered without `{field}`: {status}")
        state, stage, total = status["state"], status["stage"], status["total_stages"]
        first_total = total if first_total is None else first_total
        check(status["job_id"] == job_id, f"get_render_status answered for job {status['job_id']}, not for {job_id}")
        check(state in STATES, f"`{state}` is none of the four states {', '.join(STATES)}")
        check(total == first_total, f"total_stages changed from {first_total} to {total} while the job ran")
        check(0 <= stage <= total, f"stage {stage} lies outside 0..{total}")
        check(stage >= last_stage, f"the job went back from stage {last_stage} to stage {stage}")
        last_stage = stage

        # `queued` is what start_render has just printed, and at stage 0 no stage has begun yet.
        has_begun = state != "queued" and (state, stage) != ("running", 0)
        if has_begun and seen != (state, stage, status["message"]):
            seen = (state, stage, status["message"])
            print(f"status -> {state} {stage}/{total} {status['message']}", flush=True)
        check(state != "failed", f"the job failed: {status.get('error') or 'without saying why'}")
        if state == "succeeded":
            check((stage, total) == (3, 3), f"a render that succeeded should stand at 3/3, not at {stage}/{total}")
            return
        check(time.monotonic() < give_up_at, f"the job is still {state} {stage}/{total} after {GIVE_UP_AFTER_S} s")
        await asyncio.sleep(min(status.get("poll_after_ms", POLL_AT_MOST_S * 1000) / 1000, POLL_AT_MOST_S))


async def drive(url, headers, frames):
    """Runs every call of the smoke test and returns the result of the render."""
    async with connect(url, headers) as session:
        tools = [tool.name for tool in (await session.list_tools()).tools]
        print("tools:", tools, flush=True)
        check(tools == TOOLS, f"the tools should be {TOOLS}, in this order")

        total = await call(session, "add", {"a": 2, "b": 3})
        print("add(2,3) ->", total, flush=True)
        check(total == {"sum": 5.0}, "add(2,3) should be {'sum': 5.0}")

        arguments = {"scene": "demo"} if frames is None else {"scene": "demo", "frames": frames}
        started = await call(session, "start_render", arguments)
        job_id, state = started.get("job_id"), started.get("state")
        check(isinstance(job_id, str) and job_id, f"start_render answered without a job_id: {started}")
        check(state in STATES, f"start_render answered with `{state}`, which is none of the states {', '.join(STATES)}")
        print("start_render ->", {"job_id": shortened(job_id, job_id), "state": state}, flush=True)

        await follow(session, job_id)

        result = await call(session, "get_render_result", {"job_id": job_id})
        check(result.get("job_id") == job_id, f"get_render_result does not echo the job_id {job_id}: {result}")
        check(result.get("ready") is True, f"the job succeeded but its result is not ready: {result}")
        check(isinstance(result.get("url"), str), f"the result has no url: {result}")
        print("result ->", {"ready": True, "url": shortened(result["url"], job_id)}, flush=True)
        return result


def fetch(url, credentials, body=None):
    place = url.partition("?")[0]  # what follows may be a signature, and errors end up in logs
    # Cloudflare's browser check turns urllib's own User-Agent away.
    headers = {"User-Agent": "example-mcp-smoke-test", "Content-Type": "application/json", "Accept": "*/*"}
    try:
        request = urllib.request.Request(url, data=body, headers=headers)
        for name, value in credentials.items():
            # Unredirected: a redirect to another host must not carry the credentials there.
            request.add_unredirected_header(name, value)
        with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_S) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        reason = " ".join(error.read(500).decode(errors="replace").split())
        raise Failure(f"{place} answers {error.code} {error.reason}: {reason}") from error
    except urllib.error.URLError as error:
        raise Failure(f"{place} cannot be reached: {error.reason}") from error
    except (OSError, ValueError) as error:
        raise Failure(f"{place} cannot be read: {error}") from error


def check_artifact(artifact, content):
    check(content, "the downloaded file is empty")
    if artifact is None:
        return
    size, digest = len(content), hashlib.sha256(content).hexdigest()
    check(size == artifact["size"], f"the file has {size} bytes, the result says {artifact['size']}")
    check(digest == artifact["sha256"], f"the file's sha256 is {digest}, the result says {artifact['sha256']}")


def explain(error, url, headers):
    """One sentence about what went wrong."""
    # The SDK's task groups wrap the cause in groups.
    while getattr(error, "exceptions", None):
        error = error.exceptions[0]
    if isinstance(error, Failure):
        return str(error)
    # Neither generation of the SDK passes on what a refusing server said (2.x not even its status), so ask again.
    try:
        fetch(url, headers, body=b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
    except Failure as refusal:
        status = getattr(refusal.__cause__, "code", None)
        if status in (401, 403):
            return f"{refusal} (credentials are read from EXAMPLE_MCP_TOKEN or EXAMPLE_CF_CLIENT_ID and _SECRET)"
        if status is None:
            return str(refusal)
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def main():
    parser = argparse.ArgumentParser(description="Smoke test of the example MCP server.")
    parser.add_argument("url", help="the server's MCP endpoint, e.g. http://127.0.0.1:8900/mcp")
    parser.add_argument("--frames", type=int, metavar="N", help="frames to render (default: the server's)")
    parser.add_argument("--save", type=pathlib.Path, metavar="PATH", help="keep the downloaded file here")
    options = parser.parse_args()
    # The last line is not ASCII, and neither a pipe nor Windows promises UTF-8.
    sys.stdout.reconfigure(encoding="utf-8")

    headers = {}
    try:
        check(importlib.util.find_spec("mcp"), f"{sys.executable} has no package `mcp`: pip install mcp")
        headers = credentials()
        result = asyncio.run(drive(options.url, headers, options.frames))
        content = fetch(result["url"], headers)
        # Only servers that keep a record of the file can say what it should be.
        check_artifact(next(iter(result.get("artifacts", [])), None), content)
        if options.save:
            options.save.write_bytes(content)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        print(f"error: {explain(error, options.url, headers)}", file=sys.stderr)
        return 1
    print("OK ✅")
    return 0


if __name__ == "__main__":
    sys.exit(main())
