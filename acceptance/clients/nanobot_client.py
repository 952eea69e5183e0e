"""Lets nanobot read its own config.json in $HOME/.nanobot, connect, and say which tools it has: nanobot_client.py

Its command line talks to a model first, which needs an account; this is the same code without the model. Prints
{"connected": [...], "tools": [...]} as one line of JSON.
"""

import asyncio
import json

from nanobot.agent.tools.mcp import MCPProvider
from nanobot.agent.tools.registry import ToolRegistry
from nanobot.config.loader import load_config, resolve_config_env_vars


async def main():
    registry = ToolRegistry()
    provider = MCPProvider.from_config(resolve_config_env_vars(load_config()), registry)
    await provider.connect()
    try:
        print(json.dumps({"connected": sorted(provider.connected_server_names), "tools": sorted(registry.tool_names)}))
    finally:
        await provider.aclose()


asyncio.run(main())
