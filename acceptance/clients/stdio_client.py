"""Drives a server over standard input and output, as a client that starts it itself does.

    python stdio_client.py PROGRAM [ARGUMENT ...]

Starts `PROGRAM ARGUMENT ...` with this process's environment, lists the tools, calls `add`, renders, and fetches the
file, which the server offers over HTTP in either case. Prints one JSON line for the test that runs it; exit status 1 and
a sentence on stderr if anything is not so.

Runs under both generations of the SDK, each with its own client: 1.x with `ClientSession`, 2.x with `Client`.
"""

import asyncio
import hashlib
import json
import os
import sys
import time
import urllib.request

import mcp
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

POLL_S = 0.1
GIVE_UP_AFTER_S = 120


async def main(program, *arguments):
    parameters = StdioServerParameters(command=program, args=list(arguments), env=dict(os.environ))
    if hasattr(mcp, "Client"):
        async with mcp.Client(stdio_client(parameters)) as s:
            return await drive(s, s.protocol_version)

    async with stdio_client(parameters) as (read, write):
        async with ClientSession(read, write) as s:
            initialized = await s.initialize()
            return await drive(s, initialized.protocolVersion)


async def drive(s, protocol_version):
    tools = [t.name for t in (await s.list_tools()).tools]
    total = await call(s, "add", {"a": 2, "b": 3})
    job_id = (await call(s, "start_render", {"frames": 2, "width": 64, "height": 48}))["job_id"]
    give_up_at = time.monotonic() + GIVE_UP_AFTER_S
    while (status := await call(s, "get_render_status", {"job_id": job_id}))["state"] in ("queued", "running"):
        assert time.monotonic() < give_up_at, f"job {job_id} did not end within {GIVE_UP_AFTER_S} s: {status}"
        await asyncio.sleep(POLL_S)
    result = await call(s, "get_render_result", {"job_id": job_id})
    assert result["ready"] is True, f"job {job_id} has no result: {result}"

    content = await asyncio.to_thread(download, result["url"])
    digest = hashlib.sha256(content).hexdigest()
    assert digest == result["artifacts"][0]["sha256"], f"the file is not the one that the result records: {result}"
    return {
        "protocol_version": protocol_version,
        "tools": tools,
        "sum": total["sum"],
        "state": status["state"],
        "size": len(content),
    }


async def call(s, tool, arguments):
    # The two generations spell attributes differently (isError, is_error); on the wire there is one spelling.
    answer = (await s.call_tool(tool, arguments)).model_dump(by_alias=True)
    text = "".join(block.get("text", "") for block in answer["content"])
    assert not answer.get("isError"), f"{tool} answered with an error: {text}"
    return json.loads(text)


def download(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def innermost(error):
    """The exception inside the groups that the SDK's task groups wrap around it."""
    while getattr(error, "exceptions", None):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("error: the program to start is missing")
    try:
        print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
    except Exception as error:
        cause = innermost(error)
        sys.exit(f"error: {cause if isinstance(cause, AssertionError) else f'{type(cause).__name__}: {cause}'}")
