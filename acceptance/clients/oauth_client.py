"""An agent whose person logs in: the whole OAuth flow of the SDK's own client.

    python oauth_client.py URL [--client agent] [--render]

Connects without a token, follows the server's challenge to its metadata and from there to the authorization server,
registers unless --client says who it is already, logs in at its pages as ann would in a browser, and calls `add`; with
--render also `start_render`, for which the server wants more than was granted at first. Prints one JSON line for the test
that runs it.

Runs under both generations of the SDK.
"""

import argparse
import asyncio
import html
import json
import re
import sys
from urllib.parse import parse_qs, urljoin, urlparse

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

try:
    import httpx2 as httpx
    from mcp import Client
    from mcp.client.auth import AuthorizationCodeResult
except ImportError:
    import httpx

    Client = None

from mcp.client.streamable_http import streamable_http_client

REDIRECT = "http://localhost:3030/callback"


class Memory(TokenStorage):
    """What the agent remembers; every scope that it was granted, in order."""

    def __init__(self, client):
        self.tokens = None
        self.client = client
        self.granted = []

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens
        self.granted.append(tokens.scope)

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


class Person:
    """A browser with somebody before it, who logs in as ann and agrees."""

    def __init__(self):
        self.asked = []
        self.came_back = None
        self.browser = httpx.AsyncClient(follow_redirects=False, timeout=30)

    async def visit(self, url):
        self.asked.append({name: values[0] for name, values in parse_qs(urlparse(url).query).items()})
        answer = await self.browser.get(url)
        for _ in range(20):
            if answer.is_redirect:
                url = urljoin(str(answer.url), answer.headers["location"])
                if url.startswith(REDIRECT):
                    self.came_back = parse_qs(urlparse(url).query)
                    return
                answer = await self.browser.get(url)
                continue
            page = answer.text
            form = re.search(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL)
            assert form, f"the page {answer.url} has no form: {answer.status_code} {page[:500]}"
            fields = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', form[2]))
            if fields.get("prompt") == "login":
                fields |= {"login": "ann", "password": "whatever"}
            target = urljoin(str(answer.url), html.unescape(form[1]))
            answer = await self.browser.post(target, data=fields)
        raise AssertionError("the pages of the authorization server lead nowhere")

    async def answer(self):
        code, state = self.came_back.get("code"), self.came_back.get("state")
        assert code, f"the authorization server refuses: {self.came_back}"
        if Client is None:
            return code[0], state[0]
        issuer = self.came_back.get("iss", [None])[0]
        return AuthorizationCodeResult(code=code[0], state=state[0], iss=issuer)


async def main(options):
    person = Person()
    client = None
    if options.client:
        client = OAuthClientInformationFull(
            client_id=options.client, redirect_uris=[REDIRECT], token_endpoint_auth_method="none"
        )
    memory = Memory(client)
    auth = OAuthClientProvider(
        server_url=options.url,
        client_metadata=OAuthClientMetadata(
            client_name="agent of the tests",
            redirect_uris=[REDIRECT],
            grant_types=["authorization_code"],
            response_types=["code"],
            token_endpoint_auth_method="none",
        ),
        storage=memory,
        redirect_handler=person.visit,
        callback_handler=person.answer,
    )
    async with httpx.AsyncClient(auth=auth, timeout=30) as http:
        if Client is None:
            async with streamable_http_client(options.url, http_client=http) as (read, write, _):
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    called = await drive(session, options)
        else:
            async with Client(streamable_http_client(options.url, http_client=http)) as session:
                called = await drive(session, options)
    return {
        **called,
        "visits": [{"resource": visit.get("resource"), "scope": visit.get("scope")} for visit in person.asked],
        "granted": memory.granted,
        "token": memory.tokens.access_token,
        "registered": memory.client.client_id != options.client,
    }


async def drive(session, options):
    total = await call(session, "add", {"a": 2, "b": 3})
    if not options.render:
        return {"sum": total["sum"]}
    job = await call(session, "start_render", {"frames": 2, "width": 32, "height": 32})
    return {"sum": total["sum"], "job_id": job["job_id"]}


async def call(session, tool, arguments):
    answer = (await session.call_tool(tool, arguments)).model_dump(by_alias=True)
    text = "".join(block.get("text", "") for block in answer["content"])
    assert not answer.get("isError"), f"{tool} answered with an error: {text}"
    return json.loads(text)


def innermost(error):
    while getattr(error, "exceptions", None):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An agent whose person logs in.")
    parser.add_argument("url", help="the server's MCP endpoint")
    parser.add_argument("--client", help="the id of a client that is registered already")
    parser.add_argument("--render", action="store_true", help="also call what needs another scope")
    try:
        print(json.dumps(asyncio.run(main(parser.parse_args()))))
    except Exception as error:
        cause = innermost(error)
        sys.exit(f"error: {type(cause).__name__}: {cause}")
