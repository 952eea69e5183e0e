"""The guide's "Connect a client" snippet, taken to its end.

    python guide_client.py URL [--frames N --width W --height H]

Connects as the guide shows (its headers come from EXAMPLE_MCP_TOKEN, or from EXAMPLE_CF_CLIENT_ID and
EXAMPLE_CF_CLIENT_SECRET), renders, downloads the file, holds it against the result's record of it and opens it with
Pillow. Prints one JSON line for the test that runs it; exit status 1 and a sentence on stderr if anything is not so.

Runs under both generations of the SDK, each with its own client: 1.x as in the guide, 2.x with `Client`.
"""

import argparse
import asyncio
import hashlib
import io
import json
import os
import sys
import time
import urllib.request

from mcp import ClientSession
from PIL import Image

try:
    from mcp.client.streamable_http import streamablehttp_client
except ImportError:
    streamablehttp_client = None

HEADERS = {}
if "EXAMPLE_CF_CLIENT_ID" in os.environ:
    HEADERS = {
        "CF-Access-Client-Id": os.environ["EXAMPLE_CF_CLIENT_ID"],
        "CF-Access-Client-Secret": os.environ["EXAMPLE_CF_CLIENT_SECRET"],
    }
if "EXAMPLE_MCP_TOKEN" in os.environ:
    HEADERS["Authorization"] = f"Bearer {os.environ['EXAMPLE_MCP_TOKEN']}"

POLL_S = 0.1
GIVE_UP_AFTER_S = 120


async def main(options):
    if streamablehttp_client:
        async with streamablehttp_client(options.url, headers=HEADERS) as (r, w, _):
            async with ClientSession(r, w) as s:
                initialized = await s.initialize()
                return await drive(s, initialized.protocolVersion, options)

    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with httpx2.AsyncClient(headers=HEADERS, timeout=30) as http:
        async with Client(streamable_http_client(options.url, http_client=http)) as s:
            return await drive(s, s.protocol_version, options)


async def drive(s, protocol_version, options):
    tools = [t.name for t in (await s.list_tools()).tools]
    total = await call(s, "add", {"a": 2, "b": 3})

    spec = {"frames": options.frames, "width": options.width, "height": options.height}
    job_id = (await call(s, "start_render", spec))["job_id"]
    give_up_at = time.monotonic() + GIVE_UP_AFTER_S
    while (status := await call(s, "get_render_status", {"job_id": job_id}))["state"] in ("queued", "running"):
        assert time.monotonic() < give_up_at, f"job {job_id} did not end within {GIVE_UP_AFTER_S} s: {status}"
        await asyncio.sleep(POLL_S)
    assert status["state"] == "succeeded", f"job {job_id} did not succeed: {status}"
    result = await call(s, "get_render_result", {"job_id": job_id})
    assert result["ready"] is True, f"job {job_id} succeeded, yet its result is not ready: {result}"
    assert result.get("artifacts"), f"the result of job {job_id} records no artifact: {result}"

    content = await asyncio.to_thread(download, result["url"])
    artifact = result["artifacts"][0]
    with Image.open(io.BytesIO(content)) as image:
        frames = getattr(image, "n_frames", 1)
        picture = {"format": image.format, "frames": frames, "width": image.width, "height": image.height}
    seen = {
        "protocol_version": protocol_version,
        "tools": tools,
        "sum": total["sum"],
        "job_id": job_id,
        "total_stages": status["total_stages"],
        "url": result["url"],
        **picture,
        "size": len(content),
        "size_ok": len(content) == artifact["size"],
        "sha256_ok": hashlib.sha256(content).hexdigest() == artifact["sha256"],
    }
    assert picture["format"] == "GIF", f"the file should be a GIF and is a {picture['format']}"
    assert seen["size_ok"] and seen["sha256_ok"], f"the file is not the one that the result records, {artifact}: {seen}"
    expected = {"frames": options.frames, "width": options.width, "height": options.height}
    assert expected.items() <= picture.items(), f"the file should hold {expected} and holds {picture}"
    return seen


async def call(s, tool, arguments):
    # The two generations spell attributes differently (isError, is_error); on the wire there is one spelling.
    answer = (await s.call_tool(tool, arguments)).model_dump(by_alias=True)
    text = "".join(block.get("text", "") for block in answer["content"])
    assert not answer.get("isError"), f"{tool} answered with an error: {text}"
    return json.loads(text)


def download(url):
    request = urllib.request.Request(url)
    for name, value in HEADERS.items():
        request.add_unredirected_header(name, value)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def innermost(error):
    """The exception inside the groups that the SDK's task groups wrap around it."""
    while getattr(error, "exceptions", None):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The guide's client, taken to a downloaded and checked file.")
    parser.add_argument("url", help="the server's MCP endpoint")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--height", type=int, default=240)
    try:
        print(json.dumps(asyncio.run(main(parser.parse_args()))))
    except Exception as error:
        cause = innermost(error)
        sys.exit(f"error: {cause if isinstance(cause, AssertionError) else f'{type(cause).__name__}: {cause}'}")
