"""Asks for a job while the server's database is away, as an agent would.

    python outage_client.py URL START_TOOL OTHER_TOOL

Calls START_TOOL, which cannot work, and then OTHER_TOOL over the same session, which needs no job. Prints one JSON
line: whether the first said that it failed, its text, and whether the second worked.

Runs under both generations of the SDK, each with its own client: 1.x with `ClientSession`, 2.x with `Client`.
"""

import asyncio
import json
import sys

from mcp import ClientSession

try:
    from mcp.client.streamable_http import streamablehttp_client
except ImportError:
    streamablehttp_client = None

PATIENCE_S = 30


async def main(url, start, other):
    if streamablehttp_client:
        async with streamablehttp_client(url) as (r, w, _):
            async with ClientSession(r, w) as s:
                await s.initialize()
                return await drive(s, start, other)

    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        async with Client(streamable_http_client(url, http_client=http)) as s:
            return await drive(s, start, other)


async def drive(s, start, other):
    said = await asyncio.wait_for(s.call_tool(start, {}), PATIENCE_S)
    worked = await asyncio.wait_for(s.call_tool(other, {}), PATIENCE_S)
    return {"failed": failed(said), "text": said.content[0].text, "other_failed": failed(worked)}


def failed(result):
    return result.isError if hasattr(result, "isError") else result.is_error


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
